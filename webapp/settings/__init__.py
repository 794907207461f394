"""What the operator decides, read once and checked as a whole.

Nothing is ignored: a name that we don't know, or don't support yet, is a problem, because a misspelt limit is worse
than a refused start.
"""

from collections.abc import Iterator
from datetime import timedelta

from pydantic import BaseModel, SecretStr, ValidationError

from webapp.limits import NO_LIMITS, Limits
from webapp.settings import config_file, embeds, environment
from webapp.settings.checks import CONFIG_FILE, DEMO, QUICK_START, Checks, is_loopback, said
from webapp.settings.config_file import (
    AppTable,
    BudgetTable,
    ConfigFile,
    ConfigFileError,
    EmbedKeyTable,
    EmbedTable,
    PriceTable,
    ProviderTable,
)
from webapp.settings.environment import Environment
from webapp.settings.values import AppSettings, RelaySettings, Settings, SettingsError
from webapp.store.retention import Rules

__all__ = [
    'CONFIG_FILE', 'DEMO', 'QUICK_START', 'AppSettings', 'RelaySettings', 'Settings', 'SettingsError', 'described',
    'is_loopback', 'load', 'load_relay',
]  # fmt: skip


def load(*, host: str | None = None, port: int | None = None, make_secret: bool = True) -> Settings:
    """Read the environment, `.env` and `webapp.toml` of the working folder. `host` and `port` win over them.

    :param make_secret: whether local mode makes its secret if there is none yet; else it is '' then
    :raises SettingsError: at least one problem
    """
    try:
        given = environment.given()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f'{environment.ENV_FILE} can not be read: {said(error)}.') from error
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
    check = Checks(env, file, given)
    apps, public_url, data = check.apps(), check.public_url(), check.data()
    look = check.branding(file.branding, 'branding')
    providers = check.providers()
    admins = check.people('WEBAPP_ADMINS', env.admins, providers)
    readers = check.people('WEBAPP_READERS', env.readers, providers)
    embedded = embeds.read(check, apps, public_url, has_provider=bool(providers))
    relay = None if apps else check.relay()
    is_local = check.is_local(public_url)
    secret = check.secret(data, is_local=is_local, make=make_secret)
    budgets = check.budgets(apps)
    usage_token = check.token('WEBAPP_USAGE_TOKEN', env.usage_token)
    metrics_token = check.token('WEBAPP_METRICS_TOKEN', env.metrics_token)
    if problems := [*problems, *check.problems]:
        raise SettingsError(*problems)
    return Settings(
        host=env.host,
        port=env.port,
        public_url=public_url,
        is_local=is_local,
        guests=env.guests,
        providers=providers,
        embeds=embedded,
        limits=NO_LIMITS if is_local else Limits(**file.limits.model_dump()),
        budgets=budgets,
        cost_groups=file.usage.groups,
        admins=admins,
        readers=readers,
        secret=SecretStr(secret),
        usage_token=usage_token,
        metrics_token=metrics_token,
        database_url=env.database_url,
        data=data,
        apps=apps,
        relay=relay,
        name=file.branding.name,
        branding=look,
        remote_urls=file.files.remote_urls,
        titles=file.titles.mode,
        trusted_proxies=file.network.trusted_proxies,
        first_byte_seconds=file.network.first_byte_seconds,
        session_idle=timedelta(hours=file.sessions.idle_hours),
        session_absolute=timedelta(days=file.sessions.absolute_days),
        retention=Rules(**{name.removesuffix('_days'): days for name, days in file.retention.model_dump().items()}),
    )


def load_relay() -> RelaySettings | None:
    """The model that the environment names, for the demo alone. :raises SettingsError: what is wrong with it"""
    try:
        check = Checks(Environment(), ConfigFile(), {})
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
    lists: dict[str, type[BaseModel]] = {
        'apps': AppTable,
        'apps.prices': PriceTable,
        'providers': ProviderTable,
        'embeds': EmbedTable,
        'embeds.keys': EmbedKeyTable,
        'budgets': BudgetTable,
    }
    single = ('branding', 'limits', 'usage', 'files', 'titles', 'network', 'sessions', 'retention')
    for table in ('apps', 'apps.prices', 'providers', 'embeds', 'embeds.keys', *single[:3], 'budgets', *single[3:]):
        model = lists.get(table) or type(ConfigFile.model_fields[table].default)
        assert issubclass(model, BaseModel)
        for key, field in model.model_fields.items():
            yield f'{table}.{key}', '' if field.is_required() else _words(field.default), field.description or ''


def _config(env: Environment) -> ConfigFile:
    if env.config is None and not CONFIG_FILE.exists():
        return ConfigFile()
    return config_file.read(env.config or CONFIG_FILE)


def _words(default: object) -> str:
    if default is None or default == () or isinstance(default, BaseModel):
        return ''
    return str(default).lower() if isinstance(default, bool) else str(default)
