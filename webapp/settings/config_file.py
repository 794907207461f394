"""`webapp.toml`: what does not fit into an environment variable."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from webapp.settings.tables import ConfigFile

CONFIG_FILE = Path('webapp.toml')

# Planned, so a file that has them deserves a better answer than "unknown".
LATER = frozenset({'apps.access', 'apps.embed'})


class ConfigFileError(Exception):
    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__('\n'.join(problems))


def read(path: Path) -> ConfigFile:
    """The file's content, checked.

    :raises ConfigFileError: it can't be read, is not TOML, or holds what we don't know
    """
    try:
        content = tomllib.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ConfigFileError(f'{path}: {error.strerror}') from error
    except UnicodeDecodeError as error:
        raise ConfigFileError(f'{path}: not UTF-8') from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigFileError(f'{path}: {error}') from error
    try:
        return ConfigFile.model_validate(content)
    except ValidationError as error:
        raise ConfigFileError(*_sentences(path, error)) from error


def _sentences(path: Path, error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        where = '.'.join(f'{part}' for part in problem['loc'])
        key = '.'.join(part for part in problem['loc'] if isinstance(part, str))
        if problem['type'] != 'extra_forbidden':
            yield f'{path}: {where}: {problem["msg"]}'
        elif key in LATER:
            yield f'{path}: {where} is not supported yet; take it out'
        else:
            yield f'{path}: {where} is not a setting; correct its spelling or take it out'
