"""What the operator decides, read once and checked as a whole.

Nothing is ignored: a name that we don't know, or don't support yet, is a problem, because a misspelt limit is worse
than a refused start.
"""

from datetime import timedelta

from pydantic import SecretStr, ValidationError

from webapp.limits import NO_LIMITS, Limits
from webapp.settings import (
    apps,
    branding,
    budgets,
    config_file,
    embeds,
    environment,
    people,
    place,
    providers,
    relay,
    secrets,
)
from webapp.settings.apps import DEMO, QUICK_START
from webapp.settings.config_file import CONFIG_FILE, ConfigFileError
from webapp.settings.description import described
from webapp.settings.environment import Environment
from webapp.settings.given import Given
from webapp.settings.place import is_loopback
from webapp.settings.tables import ConfigFile
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
        variables = environment.given()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f'{environment.ENV_FILE} can not be read: {secrets.said(error)}.') from error
    problems = list(environment.misnamed(variables))
    try:
        env = Environment()
    except ValidationError as error:
        raise SettingsError(*problems, *environment.sentences(error)) from error
    env = env.model_copy(update={k: v for k, v in {'host': host, 'port': port}.items() if v is not None})
    try:
        file = _config(env)
    except ConfigFileError as error:
        raise SettingsError(*problems, *error.problems) from error
    given = Given(env, file, variables)
    served, public_url, data = apps.read(given), place.public_url(given), place.data(given)
    look = branding.read(given, file.branding, 'branding')
    vouching = providers.read(given)
    admins = people.read(given, 'WEBAPP_ADMINS', env.admins, vouching)
    readers = people.read(given, 'WEBAPP_READERS', env.readers, vouching)
    embedded = embeds.read(given, served, public_url, has_provider=bool(vouching))
    model = None if served else relay.read(given)
    is_local = place.is_local(given, public_url)
    secret = secrets.of_instance(given, data, is_local=is_local, make=make_secret)
    spending = budgets.read(given, served)
    usage_token = secrets.token(given, 'WEBAPP_USAGE_TOKEN', env.usage_token)
    metrics_token = secrets.token(given, 'WEBAPP_METRICS_TOKEN', env.metrics_token)
    if problems := [*problems, *given.problems]:
        raise SettingsError(*problems)
    return Settings(
        host=env.host,
        port=env.port,
        public_url=public_url,
        is_local=is_local,
        guests=env.guests,
        providers=vouching,
        embeds=embedded,
        limits=NO_LIMITS if is_local else Limits(**file.limits.model_dump()),
        budgets=spending,
        cost_groups=file.usage.groups,
        admins=admins,
        readers=readers,
        secret=SecretStr(secret),
        usage_token=usage_token,
        metrics_token=metrics_token,
        database_url=env.database_url,
        data=data,
        apps=served,
        relay=model,
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
        given = Given(Environment(), ConfigFile(), {})
    except ValidationError as error:
        raise SettingsError(*environment.sentences(error)) from error
    model = relay.read(given)
    if given.problems:
        raise SettingsError(*given.problems)
    return model


def _config(env: Environment) -> ConfigFile:
    if env.config is None and not CONFIG_FILE.exists():
        return ConfigFile()
    return config_file.read(env.config or CONFIG_FILE)
