"""`webapp.toml`: what does not fit into an environment variable."""

import re
import tomllib
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

Slug = Annotated[str, StringConstraints(pattern=r'^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$')]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

# Planned, so a file that has them deserves a better answer than "unknown".
LATER = frozenset({'providers', 'embeds', 'budgets', 'limits', 'apps.access', 'apps.embed'})


def _colour(text: object) -> object:
    if not isinstance(text, str) or not re.fullmatch(r'#(?:[0-9a-fA-F]{3}){1,2}', text):
        raise ValueError('must be a colour like "#1f6658"')
    return text.lower() if len(text) == 7 else '#' + ''.join(2 * digit for digit in text[1:].lower())


Colour = Annotated[str, BeforeValidator(_colour)]


class _Table(BaseModel):
    model_config = ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)


class Look(_Table):
    """What an instance and each of its apps may say about their looks."""

    welcome: Text | None = Field(None, description='heading of an empty conversation')
    logo: Path | None = Field(None, description='an image beside the name: a PNG, WebP or SVG file, at most 512 kB')
    accent: Colour | None = Field(
        None, description='a colour like `#1f6658`; made darker or lighter until it can be read'
    )
    banner: Sentence | None = Field(None, description='a notice above every page')


class AppBrandingTable(Look):
    name: Text | None = Field(None, description='what stands above the list of conversations')


class BrandingTable(Look):
    name: Text = Field('Chat', description='what this instance calls itself')


class AppTable(_Table):
    slug: Slug = Field(description='the app in our addresses: `/a/{slug}`')
    name: Text | None = Field(None, description="what people read; without it, the app's own name in Dify")
    base_url: str = Field(description='address of the Dify server')
    api_key: SecretStr | None = Field(None, description='the key of the app, or better:')
    api_key_env: str | None = Field(None, description='the environment variable that holds it')
    running: int | None = Field(
        None, ge=0, description='answers at once, 0 for no limit; without it 8, and no limit for Dify Cloud'
    )
    guests: bool = Field(False, description='whether people without a login may use it')
    groups: tuple[str, ...] = Field((), description='who may use it; empty: everybody who is signed in')
    branding: AppBrandingTable = Field(AppBrandingTable(), description='as in `branding`, for this app')

    @model_validator(mode='after')
    def _one_key(self) -> 'AppTable':
        if (self.api_key is None) == (self.api_key_env is None):
            raise ValueError('give either api_key or api_key_env')
        return self


class TitlesTable(_Table):
    mode: Literal['rename', 'upstream'] = Field(
        'rename', description='who names a conversation: we ask Dify after the answer, or Dify does by itself'
    )


class NetworkTable(_Table):
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description='addresses of the proxies in front of us; only theirs are the forwarded headers we believe'
    )
    first_byte_seconds: float = Field(300, gt=0, le=3600, description="how long to wait for an answer's first word")


class SessionsTable(_Table):
    idle_hours: float = Field(12, gt=0, le=24 * 365, description='hours without use after which a session ends')
    absolute_days: float = Field(7, gt=0, le=365, description='days after which a session ends in any case')


class ConfigFile(_Table):
    apps: tuple[AppTable, ...] = ()
    branding: BrandingTable = BrandingTable()
    titles: TitlesTable = TitlesTable()
    network: NetworkTable = NetworkTable()
    sessions: SessionsTable = SessionsTable()


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
