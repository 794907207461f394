"""What an app wants of a JSON object that people write: JSON Schema, of whichever draft it names.

The schema is the app's and the value somebody's: neither may keep us busy or make us ask others. So a pattern has so
many tries and no more, and nothing is fetched for a `$ref`. A schema that can't be read takes everything.

Whether a value fits is asked of the whole schema, which remembers what it has judged and so is quick. To tell what does
not, every rule is tried in every place, and all that fails is listed: where rules that hold others refer to themselves,
that doubles with every level of the value. So the words come from a plainer schema, which has no choices, and if there
are references in it meets each place once at most. It asks for less: what does not fit it, does not fit the whole.
"""

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema_rs

logger = logging.getLogger(__name__)

MOST_TOLD = 3  # of what does not fit
MOST_CHARS = 100  # of what a schema expects, as it is told
REGEX_BYTES = 1_000_000  # of one pattern, compiled
BACKTRACKS = 50_000  # of one that can't be matched in linear time; then nobody says that it does not fit
GIVEN_UP = jsonschema_rs.ValidationErrorKind.BacktrackLimitExceeded

# What a plainer schema leaves out: rules that may break though all that they hold is fulfilled, or by trying several.
CHOICES = {'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'contains', 'minContains', 'maxContains'}
REFERENCES = {'$ref', '$dynamicRef', '$recursiveRef'}
# With references also those that meet a place a second time,
REPEATING = {'allOf', 'dependentSchemas', 'dependencies', 'patternProperties', '$dynamicRef', '$recursiveRef'}
# next to a reference those that go on to the places within,
INWARD = {'properties', 'additionalProperties', 'items', 'prefixItems', 'additionalItems'}
# and without any of the above those that are about what they have not met.
REST = {'unevaluatedProperties', 'unevaluatedItems'}
REST_OF_PATTERNS = {'additionalProperties'}
BY_NAME = {'properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'}
DATA = {'enum', 'const', 'default', 'examples'}


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that does not fit.

    :ivar path: to what does not, such as `items[0].price`; '' is the whole
    :ivar rule: the keyword of JSON Schema that it breaks; or several, of which it is one
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
    judge = _judge(schema) if schema else None
    if judge is None or judge.whole.is_valid(value):
        return ()
    found: dict[Mismatch, None] = {}
    is_given_up = False
    for error in judge.plain.iter_errors(value) if judge.plain else ():
        if isinstance(error.kind, GIVEN_UP):
            is_given_up = True
            continue
        found[Mismatch(_path(error.instance_path), error.kind.name, _expected(error.kind))] = None
        if len(found) == MOST_TOLD:
            break
    return tuple(found) if found or is_given_up else (Mismatch('', judge.left_out),)


@dataclass(frozen=True, slots=True)
class _Judge:
    """:ivar plain: tells what does not fit; None if references lead to what was left out
    :ivar left_out: the keywords that `plain` has not
    """

    whole: jsonschema_rs.Validator
    plain: jsonschema_rs.Validator | None
    left_out: str


@lru_cache(maxsize=256)
def _judge(schema: str) -> _Judge | None:
    try:
        read = json.loads(schema)
        whole = _validator(read)
        keywords = set(_keywords(read))
        left_out = _left_out(keywords)
        plain = None
        with contextlib.suppress(jsonschema_rs.ReferencingError, jsonschema_rs.ValidationError):
            plain = _validator(_plain(read, left_out))
        return _Judge(whole, plain, ', '.join(sorted(keywords & left_out)))
    except (ValueError, RecursionError, jsonschema_rs.ReferencingError) as error:  # its own errors are ValueErrors
        logger.warning(
            'the schema of a JSON field can not be read, so it takes any object: %s', str(error).partition('\n')[0]
        )
        return None


def _validator(schema: Any) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        schema,
        offline=True,
        validate_formats=False,
        pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS, size_limit=REGEX_BYTES),
    )


def _keywords(schema: object) -> Iterator[str]:
    """All there are at any depth."""
    if isinstance(schema, list):
        for each in schema:
            yield from _keywords(each)
    elif isinstance(schema, dict):
        for keyword, value in schema.items():
            yield keyword
            if keyword not in DATA:
                yield from _keywords([*value.values()] if keyword in BY_NAME and isinstance(value, dict) else value)


def _left_out(keywords: Set[str]) -> Set[str]:
    names = CHOICES | (REPEATING if keywords & REFERENCES else set())
    if 'patternProperties' in keywords & names:
        names |= REST_OF_PATTERNS
    return names | REST if keywords & (names | REFERENCES) else names


def _plain(schema: object, left_out: Set[str]) -> object:
    """A schema without these keywords, and with nothing next to its references that goes further in."""
    if isinstance(schema, list):
        return [_plain(each, left_out) for each in schema]
    if not isinstance(schema, dict):
        return schema
    without = left_out | INWARD if '$ref' in schema else left_out
    plain: dict[str, object] = {}
    for keyword, value in schema.items():
        if keyword in without:
            continue
        if keyword in BY_NAME and isinstance(value, dict):
            plain[keyword] = {name: _plain(each, left_out) for name, each in value.items()}
        else:
            plain[keyword] = value if keyword in DATA else _plain(value, left_out)
    return plain


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
