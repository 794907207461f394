"""The rules that concern more than one setting."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from webapp import branding
from webapp.auth.admission import named
from webapp.auth.providers import Provider
from webapp.branding import Branding
from webapp.prices import Price
from webapp.principal import GUEST, LOCAL
from webapp.settings import local_secret, providers
from webapp.settings.config_file import ConfigFile, Look, ProviderTable
from webapp.settings.environment import Environment
from webapp.settings.values import AppSettings, RelaySettings
from webapp.store import engines
from webapp.store.budgets import Budget, Scope
from webapp.upstream import address, keys

CONFIG_FILE = Path('webapp.toml')
DATA = Path('data')
RUNNING = 8  # a stock self-hosted Dify has ten connections in all
QUICK_START = 'default'  # slug of the app that comes from the environment
DEMO = 'demo'  # slug of the app where there is none
MAX_LOGO = 512_000  # bytes
RESERVED = {LOCAL, GUEST}  # no provider may be called so


class Checks:
    """The rules that concern more than one setting. Each gives a value, usable or not, and adds what it finds."""

    def __init__(self, env: Environment, file: ConfigFile, given: Mapping[str, str]) -> None:
        self.env = env
        self.file = file
        self.given = given
        self.problems: list[str] = []

    def apps(self) -> tuple[AppSettings, ...]:
        return (*self._quick_start(), *self._listed())

    def providers(self) -> tuple[Provider, ...]:
        tables = (*self._quick_provider(), *self.file.providers)
        names = [table.name for table in tables]
        for name in sorted({name for name in names if names.count(name) > 1 or name in RESERVED}):
            self.problems.append(
                f'providers: the name "{name}" is '
                + ('our own; choose another one.' if name in RESERVED else 'used twice; each needs its own.')
            )
        found = tuple(providers.read(table, self.given, self.problems.append) for table in tables)
        self.problems.extend(_merged(found))
        return found

    def people(self, name: str, given: str, providers: Sequence[Provider]) -> frozenset[str]:
        """Subjects, `provider:subject` and addresses; a subject alone if only one provider can call somebody that."""
        people = frozenset(filter(None, map(str.strip, given.split(','))))
        names = [provider.name for provider in providers]
        for each in sorted(people) if len(names) > 1 else ():
            if named(each, names) is None:
                self.problems.append(
                    f'{name} has {each}, and each of the {len(names)} providers may call somebody that; '
                    f'write which one is meant, for example {names[0]}:{each}.'
                )
        return people

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
            if (self._is_open or self.file.embeds) and not is_loopback(host):
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
        if self._is_open:
            if env.local:
                other = 'WEBAPP_GUESTS' if env.guests else 'a provider to sign in with'
                self.problems.append(f'WEBAPP_LOCAL and {other} exclude each other; take one of them out.')
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
        if self.file.embeds:
            return False  # people come by the pages of other sites
        self.problems.append(
            'Nobody could get in: there is no provider to sign in with, WEBAPP_GUESTS is off, and this is not local '
            f'mode, because {self._outside()}. Set OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET, or '
            'WEBAPP_GUESTS=true to let people in without a login, [[embeds]] to show it in other sites, or '
            'WEBAPP_LOCAL=true if the port is published on loopback only.'
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
        if not is_local:
            if self._is_open or self.file.embeds:
                self.problems.append(f'WEBAPP_SECRET is missing. {_HOW_TO_MAKE_ONE}')
        elif not self.problems:
            try:
                if make or (folder / local_secret.NAME).exists():
                    return local_secret.keep(folder)
            except (OSError, ValueError) as error:
                self.problems.append(
                    f'WEBAPP_SECRET is not set, and its file in the folder {folder} is of no use: {said(error)}. '
                    'Mend the folder, or set WEBAPP_SECRET.'
                )
        return ''

    def budgets(self, apps: Sequence[AppSettings]) -> tuple[Budget, ...]:
        slugs = {app.slug for app in apps} or {DEMO}
        found: dict[tuple[str, ...], Budget] = {}
        for table in self.file.budgets:
            scope, _, target = table.scope.partition(':')
            budget = Budget(Scope(scope), target, table.period, table.amount, table.currency or '', table.tokens)
            if budget.scope is Scope.APP and target not in slugs:
                self.problems.append(f'budgets: there is no app "{target}"; the apps are {", ".join(sorted(slugs))}.')
            if budget.key in found:
                self.problems.append(f'budgets: there are two for {table.scope} in one {table.period}; keep one.')
            found[budget.key] = budget
        return tuple(found.values())

    def token(self, name: str, given: SecretStr | None) -> SecretStr:
        if given is not None and (fault := local_secret.weakness(given.get_secret_value())):
            self.problems.append(f'{name} {fault}. {_HOW_TO_MAKE_ONE}')
        return given or SecretStr('')

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
        yield AppSettings(QUICK_START, '', url, key, _running(None, url), guests=self.env.guests)

    def _quick_provider(self) -> Iterator[ProviderTable]:
        env = self.env
        given = {
            'OIDC_ISSUER': env.oidc_issuer,
            'OIDC_CLIENT_ID': env.oidc_client_id,
            'OIDC_CLIENT_SECRET': env.oidc_client_secret,
        }
        present = [name for name, value in given.items() if value]
        missing = [name for name in ('OIDC_ISSUER', 'OIDC_CLIENT_ID') if name not in present]
        if present and missing:
            self.problems.append(f'{" and ".join(missing)} missing: {present[0]} is of no use alone.')
        elif env.oidc_issuer and env.oidc_client_id:
            yield providers.quick_start(env.oidc_issuer.strip(), env.oidc_client_id.strip(), env.oidc_client_secret)

    @property
    def _is_open(self) -> bool:
        """Whether people come in who are not this computer's user."""
        return self.env.guests or bool(self.file.providers) or self.env.oidc_issuer is not None

    def _listed(self) -> Iterator[AppSettings]:
        seen = {QUICK_START} if self.env.dify_base_url else set()
        shown = {embed.app for embed in self.file.embeds}  # by other sites, whose people need no login here
        for app in self.file.apps:
            if app.slug in seen:
                self.problems.append(f'apps: the slug "{app.slug}" is used twice; each app needs its own.')
            seen.add(app.slug)
            can_sign_in = bool(self.file.providers) or self.env.oidc_issuer is not None
            if app.guests and app.groups:
                self.problems.append(f'apps: "{app.slug}" is for guests and for groups; take one of them out.')
            elif self.env.guests and not app.guests and not can_sign_in and app.slug not in shown:
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
            yield AppSettings(
                app.slug,
                app.name or '',
                url,
                key,
                _running(app.running, url),
                look,
                app.guests,
                app.groups,
                tuple(Price(**price.model_dump()) for price in app.prices),
            )

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


def said(error: OSError | ValueError) -> str:
    return f'{error.filename}: {error.strerror}' if isinstance(error, OSError) and error.filename else str(error)


def _running(running: int | None, base_url: str) -> int:
    if running is not None:
        return running
    return 0 if urlsplit(base_url).hostname == address.CLOUD_API else RUNNING


def _merged(providers: Sequence[Provider]) -> Iterator[str]:
    """People are told apart by issuer and subject: by one issuer, two providers would speak of one person."""
    first: dict[str, str] = {}
    for provider in providers:
        issuer = provider.issuer.rstrip('/')
        other = first.setdefault(issuer, provider.name)
        if issuer and other != provider.name:
            yield f'providers: "{other}" and "{provider.name}" have one issuer, {issuer}; each needs its own.'


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


def is_loopback(host: str) -> bool:
    """Whether `host`, an address or a name, by itself means this computer."""
    try:
        return ip_address(host.strip('[]')).is_loopback
    except ValueError:
        return host.lower() == 'localhost'
