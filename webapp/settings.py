"""What the operator decides, read once and checked as a whole.

Nothing is ignored: a name that we don't know, or don't support yet, is a problem, because a misspelt limit is worse
than a refused start.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationError

from webapp import branding, config_file, environment, local_secret
from webapp.branding import Branding
from webapp.config_file import AppTable, ConfigFile, ConfigFileError, Look
from webapp.environment import Environment
from webapp.store import engines
from webapp.upstream import address, keys

CONFIG_FILE = Path('webapp.toml')
DATA = Path('data')
RUNNING = 8  # a stock self-hosted Dify has ten connections in all
QUICK_START = 'default'  # slug of the app that comes from the environment
MAX_LOGO = 512_000  # bytes
NO_BRANDING = Branding()


@dataclass(frozen=True, slots=True)
class AppSettings:
    slug: str
    name: str  # '' if Dify should tell
    base_url: str  # of the Service API, in its one form
    api_key: SecretStr
    running: int  # answers at once; 0: no limit
    branding: Branding = NO_BRANDING  # where it differs from that of the instance


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The model that answers in the demo."""

    base_url: str  # what `/chat/completions` is appended to
    model: str
    api_key: SecretStr  # '' if the server wants none


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    host: str
    port: int
    public_url: str  # scheme, host and port; no slash at the end
    is_local: bool  # one local person, who is also the admin
    guests: bool
    admins: frozenset[str]
    secret: SecretStr
    database_url: str
    data: Path  # folder for what we keep beside the database
    apps: tuple[AppSettings, ...]  # none: the demo upstream
    relay: RelaySettings | None  # who answers in the demo; None: its handbook
    name: str  # what this instance calls itself
    branding: Branding
    titles: Literal['rename', 'upstream']
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    first_byte_seconds: float
    session_idle: timedelta
    session_absolute: timedelta

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith('https:')

    def secrets(self) -> Iterator[str]:
        """Every text that must never be logged."""
        yield self.secret.get_secret_value()
        yield from (app.api_key.get_secret_value() for app in self.apps)
        if self.relay and (key := self.relay.api_key.get_secret_value()):
            yield key
        if password := engines.parse(self.database_url).password:
            yield str(password)


class SettingsError(Exception):
    """We refuse to start: one line per problem, each naming the setting and what to do."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__('\n'.join(problems))


def load(*, host: str | None = None, port: int | None = None, make_secret: bool = True) -> Settings:
    """Read the environment, `.env` and `webapp.toml` of the working folder. `host` and `port` win over them.

    :param make_secret: whether local mode makes its secret if there is none yet; else it is '' then
    :raises SettingsError: at least one problem
    """
    try:
        given = environment.given()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f'{environment.ENV_FILE} can not be read: {_said(error)}.') from error
    problems = list(environment.misnamed(given))
    try:
        env = Environment()
    except ValidationError as error:
        raise SettingsError(*problems, *environment.sentences(error)) from error
    env = env.model_copy(update={k: v for k, v in {'host': host, 'port': port}.items() if v is not None})
    try:
        file = _config(env)
    except ConfigFileError as error:
        raise SettingsError(*problems, *error.problems) from error
    check = _Check(env, file, given)
    apps, public_url, data = check.apps(), check.public_url(), check.data()
    look = check.branding(file.branding, 'branding')
    relay = None if apps else check.relay()
    is_local = check.is_local(public_url)
    secret = check.secret(data, is_local=is_local, make=make_secret)
    if problems := [*problems, *check.problems]:
        raise SettingsError(*problems)
    return Settings(
        host=env.host,
        port=env.port,
        public_url=public_url,
        is_local=is_local,
        guests=env.guests,
        admins=frozenset(filter(None, map(str.strip, env.admins.split(',')))),
        secret=SecretStr(secret),
        database_url=env.database_url,
        data=data,
        apps=apps,
        relay=relay,
        name=file.branding.name,
        branding=look,
        titles=file.titles.mode,
        trusted_proxies=file.network.trusted_proxies,
        first_byte_seconds=file.network.first_byte_seconds,
        session_idle=timedelta(hours=file.sessions.idle_hours),
        session_absolute=timedelta(days=file.sessions.absolute_days),
    )


def load_relay() -> RelaySettings | None:
    """The model that the environment names, for the demo alone. :raises SettingsError: what is wrong with it"""
    try:
        check = _Check(Environment(), ConfigFile(), {})
    except ValidationError as error:
        raise SettingsError(*environment.sentences(error)) from error
    relay = check.relay()
    if check.problems:
        raise SettingsError(*check.problems)
    return relay


def described() -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning of everything that is read: the variables, then the keys of `webapp.toml`."""
    for field in Environment.model_fields.values():
        yield str(field.validation_alias), _words(field.default), field.description or ''
    for table in ('apps', 'branding', 'titles', 'network', 'sessions'):
        model = AppTable if table == 'apps' else type(ConfigFile.model_fields[table].default)
        assert issubclass(model, BaseModel)
        for key, field in model.model_fields.items():
            yield f'{table}.{key}', '' if field.is_required() else _words(field.default), field.description or ''


def is_loopback(host: str) -> bool:
    """Whether `host`, an address or a name, by itself means this computer."""
    try:
        return ip_address(host.strip('[]')).is_loopback
    except ValueError:
        return host.lower() == 'localhost'


class _Check:
    """The rules that concern more than one setting. Each gives a value, usable or not, and adds what it finds."""

    def __init__(self, env: Environment, file: ConfigFile, given: Mapping[str, str]) -> None:
        self.env = env
        self.file = file
        self.given = given
        self.problems: list[str] = []

    def apps(self) -> tuple[AppSettings, ...]:
        return (*self._quick_start(), *self._listed())

    def branding(self, look: Look, name: str) -> Branding:
        """:param name: of the table, as the operator knows it"""
        values = look.model_dump(exclude_none=True, exclude={'logo'})
        if look.logo is None:
            return Branding(**values)
        path = (self.env.config or CONFIG_FILE).parent / look.logo
        try:
            with path.open('rb') as file:
                content = file.read(MAX_LOGO + 1)
            if len(content) > MAX_LOGO:
                raise ValueError('is larger than 512 kB')
            return Branding(**values, logo=branding.logo(content))
        except (OSError, ValueError) as error:
            fault = error.strerror if isinstance(error, OSError) else error
            self.problems.append(f'{name}.logo: {path} {fault}.')
            return Branding(**values)

    def public_url(self) -> str:
        env = self.env
        if env.public_url is None:
            host = '127.0.0.1' if env.local and not is_loopback(env.host) else env.host
            if env.guests and not is_loopback(host):
                self.problems.append(
                    f'WEBAPP_PUBLIC_URL is missing: with WEBAPP_HOST={env.host} we cannot know the address that people '
                    'use. Set it, for example to https://chat.example.com.'
                )
            return f'http://{f"[{host}]" if ":" in host else host}:{env.port}'
        if fault := _url_fault(env.public_url):
            self.problems.append(f'WEBAPP_PUBLIC_URL {fault}. It must look like https://chat.example.com.')
            return ''
        url = urlsplit(env.public_url.lower())
        default_port = ':443' if url.scheme == 'https' else ':80'
        return f'{url.scheme}://{url.netloc.removesuffix(default_port)}'

    def is_local(self, public_url: str) -> bool:
        """Local mode: nobody to vouch for people, and nobody but this computer's user can reach us."""
        env = self.env
        public_is_loopback = is_loopback(urlsplit(public_url).hostname or '')
        if env.guests:
            if env.local:
                self.problems.append('WEBAPP_LOCAL and WEBAPP_GUESTS exclude each other; take one of them out.')
            return False
        if env.local:
            if public_url and not public_is_loopback:
                self.problems.append(
                    'WEBAPP_PUBLIC_URL must be a loopback address while WEBAPP_LOCAL is on, '
                    'such as http://127.0.0.1:8080; or set WEBAPP_GUESTS=true instead of WEBAPP_LOCAL.'
                )
            return True
        if is_loopback(env.host) and public_is_loopback:
            return True
        self.problems.append(
            f'Nobody could get in: WEBAPP_GUESTS is off, and this is not local mode, because {self._outside()}. '
            'Set WEBAPP_GUESTS=true to let people in without a login, or WEBAPP_LOCAL=true if the port is published '
            'on loopback only.'
        )
        return False

    def data(self) -> Path:
        try:
            url = engines.parse(self.env.database_url)
        except ValueError:
            self.problems.append('DATABASE_URL must be sqlite:///path or postgresql+psycopg://user:password@host/name.')
            return DATA
        return Path(url.database or '').parent if engines.is_sqlite(url) else DATA

    def secret(self, folder: Path, *, is_local: bool, make: bool) -> str:
        if self.env.secret is not None:
            secret = self.env.secret.get_secret_value()
            if fault := local_secret.weakness(secret):
                self.problems.append(f'WEBAPP_SECRET {fault}. {_HOW_TO_MAKE_ONE}')
            return secret
        if self.env.guests:
            self.problems.append(f'WEBAPP_SECRET is missing. {_HOW_TO_MAKE_ONE}')
        elif is_local and not self.problems:
            try:
                if make or (folder / local_secret.NAME).exists():
                    return local_secret.keep(folder)
            except (OSError, ValueError) as error:
                self.problems.append(
                    f'WEBAPP_SECRET is not set, and its file in the folder {folder} is of no use: {_said(error)}. '
                    'Mend the folder, or set WEBAPP_SECRET.'
                )
        return ''

    def relay(self) -> RelaySettings | None:
        """One of the two variables alone belongs to somebody else: other programs read them too."""
        url, model = self.env.openai_base_url, (self.env.openai_model or '').strip()
        if url is None or not model:
            return None
        key = (self.env.openai_api_key or SecretStr('')).get_secret_value().strip()
        if not keys.is_sendable(key):
            self.problems.append('OPENAI_API_KEY holds characters that no key has.')
        try:
            return RelaySettings(address.of_model(url), model, SecretStr(key))
        except ValueError as error:
            self.problems.append(f'OPENAI_BASE_URL: {error}')
            return None

    def _quick_start(self) -> Iterator[AppSettings]:
        url, key = self.env.dify_base_url, self.env.dify_api_key
        if url is None and key is None:
            return
        if url is None or key is None:
            missing, present = ('DIFY_BASE_URL', 'DIFY_API_KEY') if url is None else ('DIFY_API_KEY', 'DIFY_BASE_URL')
            self.problems.append(f'{missing} is missing: {present} is set, and one is of no use without the other.')
            return
        url = self._upstream('DIFY_BASE_URL', url)
        self._key('DIFY_API_KEY', key)
        yield AppSettings(QUICK_START, '', url, key, _running(None, url))

    def _listed(self) -> Iterator[AppSettings]:
        seen = {QUICK_START} if self.env.dify_base_url else set()
        for app in self.file.apps:
            if app.slug in seen:
                self.problems.append(f'apps: the slug "{app.slug}" is used twice; each app needs its own.')
            seen.add(app.slug)
            if self.env.guests and (app.groups or not app.guests):
                self.problems.append(
                    f'apps: "{app.slug}" is closed to guests, and nobody can sign in; '
                    'set guests = true without groups, or take the app out.'
                )
            url = self._upstream(f'apps: base_url of "{app.slug}"', app.base_url)
            key = app.api_key or SecretStr(self.given.get(app.api_key_env or '', ''))
            if not key.get_secret_value().strip():
                self.problems.append(f'apps: "{app.slug}" has no key; set {app.api_key_env or "api_key"}.')
            else:
                self._key(f'apps: {app.api_key_env or "api_key"} of "{app.slug}"', key)
            look = self.branding(app.branding, f'apps: branding of "{app.slug}"')
            yield AppSettings(app.slug, app.name or '', url, key, _running(app.running, url), look)

    def _upstream(self, name: str, url: str) -> str:
        try:
            return address.normalise(url)
        except ValueError as error:
            self.problems.append(f'{name}: {error}')
            return ''

    def _key(self, name: str, key: SecretStr) -> None:
        try:
            keys.checked(key.get_secret_value())
        except ValueError as error:
            self.problems.append(f'{name}: {error}')

    def _outside(self) -> str:
        if is_loopback(self.env.host):
            return f'WEBAPP_PUBLIC_URL={self.env.public_url} is not a loopback address'
        return f'WEBAPP_HOST={self.env.host} is not a loopback address'


_HOW_TO_MAKE_ONE = 'Make one with: python3 -c "import secrets; print(secrets.token_hex(32))".'


def _config(env: Environment) -> ConfigFile:
    if env.config is None and not CONFIG_FILE.exists():
        return ConfigFile()
    return config_file.read(env.config or CONFIG_FILE)


def _said(error: OSError | ValueError) -> str:
    return f'{error.filename}: {error.strerror}' if isinstance(error, OSError) and error.filename else str(error)


def _running(running: int | None, base_url: str) -> int:
    if running is not None:
        return running
    return 0 if urlsplit(base_url).hostname == address.CLOUD_API else RUNNING


def _url_fault(text: str) -> str | None:
    """What keeps `text` from being the http address of a whole site."""
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        return 'is not an address'
    if url.scheme.lower() not in {'http', 'https'} or not url.hostname:
        return 'is not an http or https address'
    if url.username is not None or url.password is not None:
        return 'must not hold a user name or a password'
    if not text.isprintable() or ' ' in text or '\\' in text:
        return 'holds characters that no address has'
    if url.path not in {'', '/'} or url.query or url.fragment:
        return 'must not have a path'
    return None


def _words(default: object) -> str:
    if default is None or default == () or isinstance(default, BaseModel):
        return ''
    return str(default).lower() if isinstance(default, bool) else str(default)
