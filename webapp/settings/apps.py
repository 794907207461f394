"""The apps of the settings: that of the environment, then those of `webapp.toml`."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import SecretStr

from webapp.prices import Price
from webapp.settings import branding
from webapp.settings.given import Given
from webapp.settings.values import AppSettings
from webapp.upstream import address, keys

RUNNING = 8  # a stock self-hosted Dify has ten connections in all
QUICK_START = 'default'  # slug of the app that comes from the environment
DEMO = 'demo'  # slug of the app where there is none


def read(given: Given) -> tuple[AppSettings, ...]:
    return (*_quick_start(given), *_listed(given))


def _quick_start(given: Given) -> Iterator[AppSettings]:
    url, key = given.env.dify_base_url, given.env.dify_api_key
    if url is None and key is None:
        return
    if url is None or key is None:
        missing, present = ('DIFY_BASE_URL', 'DIFY_API_KEY') if url is None else ('DIFY_API_KEY', 'DIFY_BASE_URL')
        given.complain(f'{missing} is missing: {present} is set, and one is of no use without the other.')
        return
    url = _upstream(given, 'DIFY_BASE_URL', url)
    _key(given, 'DIFY_API_KEY', key)
    yield AppSettings(QUICK_START, '', url, key, _running(None, url), guests=given.env.guests)


def _listed(given: Given) -> Iterator[AppSettings]:
    seen = {QUICK_START} if given.env.dify_base_url else set()
    shown = {embed.app for embed in given.file.embeds}  # by other sites, whose people need no login here
    for app in given.file.apps:
        if app.slug in seen:
            given.complain(f'apps: the slug "{app.slug}" is used twice; each app needs its own.')
        seen.add(app.slug)
        if app.guests and app.groups:
            given.complain(f'apps: "{app.slug}" is for guests and for groups; take one of them out.')
        elif given.env.guests and not app.guests and not given.can_sign_in and app.slug not in shown:
            given.complain(
                f'apps: "{app.slug}" is closed to guests, and nobody can sign in; '
                'set guests = true without groups, or take the app out.'
            )
        url = _upstream(given, f'apps: base_url of "{app.slug}"', app.base_url)
        key = app.api_key or SecretStr(given.variables.get(app.api_key_env or '', ''))
        if not key.get_secret_value().strip():
            given.complain(f'apps: "{app.slug}" has no key; set {app.api_key_env or "api_key"}.')
        else:
            _key(given, f'apps: {app.api_key_env or "api_key"} of "{app.slug}"', key)
        look = branding.read(given, app.branding, f'apps: branding of "{app.slug}"')
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


def _upstream(given: Given, name: str, url: str) -> str:
    try:
        return address.normalise(url)
    except ValueError as error:
        given.complain(f'{name}: {error}')
        return ''


def _key(given: Given, name: str, key: SecretStr) -> None:
    try:
        keys.checked(key.get_secret_value())
    except ValueError as error:
        given.complain(f'{name}: {error}')


def _running(running: int | None, base_url: str) -> int:
    if running is not None:
        return running
    return 0 if urlsplit(base_url).hostname == address.CLOUD_API else RUNNING
