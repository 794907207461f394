"""What an app wants of a JSON object that people write: JSON Schema, of whichever draft it names.

The schema is the app's and the value somebody's: neither may keep us busy or make us ask others. So a pattern has so
many tries and no more, and nothing is fetched for a `$ref`. A schema that can't be read takes everything.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import jsonschema_rs

logger = logging.getLogger(__name__)

MOST_TOLD = 3  # of what does not fit
MOST_CHARS = 100  # of what a schema expects, as it is told
REGEX_BYTES = 1_000_000  # of one pattern, compiled
BACKTRACKS = 50_000  # of one that can't be matched in linear time; then nobody says that it does not fit
GIVEN_UP = jsonschema_rs.ValidationErrorKind.BacktrackLimitExceeded


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that does not fit.

    :ivar path: to what does not, such as `items[0].price`; '' is the whole
    :ivar rule: the keyword of JSON Schema that it breaks
    :ivar expected: what that keyword says, in short: 'number', '"x", "y"', '3', a name
    """

    path: str
    rule: str
    expected: str = ''

    def __str__(self) -> str:
        return ' '.join(part for part in (self.path or 'it', self.rule, self.expected) if part)


def mismatches(schema: str, value: object) -> tuple[Mismatch, ...]:
    """What of a value does not fit, as far as anybody wants to read it; nothing if the schema is none.

    :param schema: JSON text; '' is none
    """
    validator = _validator(schema) if schema else None
    if validator is None:
        return ()
    found: dict[Mismatch, None] = {}
    for error in validator.iter_errors(value):
        if isinstance(error.kind, GIVEN_UP):
            continue
        found[Mismatch(_path(error.instance_path), error.kind.name, _expected(error.kind))] = None
        if len(found) == MOST_TOLD:
            break
    return tuple(found)


@lru_cache(maxsize=256)
def _validator(schema: str) -> jsonschema_rs.Validator | None:
    try:
        return jsonschema_rs.validator_for(
            json.loads(schema),
            offline=True,
            validate_formats=False,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS, size_limit=REGEX_BYTES),
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:  # its own errors are ValueErrors
        logger.warning(
            'the schema of a JSON field can not be read, so it takes any object: %s', str(error).partition('\n')[0]
        )
        return None


def _path(steps: Sequence[str | int]) -> str:
    path = ''
    for step in steps:
        path += f'[{step}]' if isinstance(step, int) else f'.{step}' if path else step
    return path[:MOST_CHARS]


def _expected(kind: jsonschema_rs.ValidationErrorKind) -> str:
    value = kind.value
    if kind.name == 'type':
        words = ', '.join(value) if isinstance(value, list) else str(value)
    elif isinstance(value, str):
        words = value
    elif kind.name in {'enum', 'const'} or isinstance(value, int | float):
        each = value if kind.name == 'enum' and isinstance(value, list) else [value]
        words = ', '.join(json.dumps(one, ensure_ascii=False) for one in each)
    elif kind.name in {'additionalProperties', 'unevaluatedProperties'} and isinstance(value, list):
        words = ', '.join(map(str, value))
    else:
        words = ''
    return words if len(words) <= MOST_CHARS else f'{words[:MOST_CHARS]}…'
