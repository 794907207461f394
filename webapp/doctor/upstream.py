"""The apps in Dify: whether each is there, takes its key, and is one that can be talked to. And the clock."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from webapp.doctor.probe import NoAnswer, Probe, probe
from webapp.doctor.report import Finding, State
from webapp.errors import UpstreamError
from webapp.settings import QUICK_START, AppSettings, Settings
from webapp.upstream.address import is_loopback
from webapp.upstream.client import DifyClient
from webapp.upstream.limits import TimeLimits
from webapp.upstream.parameters import Info, Parameters

LIMITS = TimeLimits(connect=4, call=5, busy_pause=0.2, busy_pause_at_most=0.5)
SLOW = 1.0  # seconds for the smallest answer
MAX_SKEW = 60.0  # seconds
OLDEST = (1, 12)  # of Dify, that we know
CONTAINER = Path('/.dockerenv')

NEW_KEY = 'In Dify, open the app, then API Access, and make a key'
# By our code for the refusal: what it means for an operator, and what to do.
REFUSALS = {
    'upstream_unauthorized': ('Dify does not accept the key', f'{NEW_KEY}; set {{key}} to it.'),
    'not_found': (
        'there is no Service API of Dify at {url}',
        'Copy the address from the page API Access of the app; it ends in /v1.',
    ),
    'bad_gateway': (
        'something answers at {url}, but not Dify: {detail}',
        'Is the address right, and is Dify up behind its proxy? /v1 must lead to its API.',
    ),
    'app_unavailable': ('the app is not ready: {detail}', 'In Dify, open the app and publish it.'),
    'too_busy': (
        'Dify is too busy to say who it is',
        'Try again later; `apps.running` limits what we ask for at once.',
    ),
    'first_byte_timeout': ('Dify takes the connection at {url}, but does not answer', 'Look at the log of Dify.'),
}
OTHERWISE = ('Dify refuses: {detail}', 'Look at the log of Dify.')


async def findings(chosen: Settings) -> list[Finding]:
    if not chosen.apps:
        text = 'none, so the built-in demo answers'
        remedy = 'For your own: set DIFY_BASE_URL and DIFY_API_KEY.'
        return [Finding('apps', State.OK, text, remedy), *await _relay(chosen)]
    examined = await asyncio.gather(*(_app(app) for app in chosen.apps))
    found = [finding for group, _ in examined for finding in group]
    return [*found, _clock(skew for _, skew in examined), *_ways_out(chosen)]


async def _app(app: AppSettings) -> tuple[list[Finding], float | None]:
    """What there is to say of one app, and by how many seconds its server's clock is ahead of ours."""
    check = f'app {app.slug}'
    try:
        met = await probe(f'{app.base_url}/')
    except NoAnswer as error:
        return [Finding(check, State.WRONG, f'{_place(app)}: {error}', error.remedy + _container_hint(app))], None
    if met.location:
        text = f'{_place(app)} sends everybody on to {met.location}'
        setting = 'DIFY_BASE_URL' if app.slug == QUICK_START else f'base_url of "{app.slug}"'
        return [Finding(check, State.WRONG, text, f'Set {setting} to the address where Dify really is.')], met.skew
    try:
        async with aclosing(DifyClient(app.base_url, app.api_key.get_secret_value(), limits=LIMITS)) as client:
            info, parameters = await asyncio.gather(client.info(), client.parameters())
    except UpstreamError as error:
        return [_refused(app, check, error)], met.skew
    return [_met(app, check, met, info, parameters), *_doubts(app, check, met)], met.skew


def _refused(app: AppSettings, check: str, error: UpstreamError) -> Finding:
    text, remedy = REFUSALS.get(error.code, OTHERWISE)
    key = 'DIFY_API_KEY' if app.slug == QUICK_START else f'the key of [[apps]] "{app.slug}"'
    words = {'url': _place(app), 'detail': error.detail or error.code, 'key': key}
    state = State.WARNING if error.code == 'too_busy' else State.WRONG
    return Finding(check, state, text.format(**words), remedy.format(**words))


def _met(app: AppSettings, check: str, met: Probe, info: Info, parameters: Parameters) -> Finding:
    name = f'"{app.name or info.name}"'
    if not info.is_chat:
        return Finding(
            check,
            State.WRONG,
            f'{name} is a {info.mode or "nameless"} app, and nobody can chat with it',
            'Take the key of a Chatbot, an Agent or a Chatflow.',
        )
    facts = [
        f'{name}, {info.mode}',
        f'Dify {met.version}' if met.version else 'Dify of an unknown version',
        f'{met.seconds * 1000:.0f} ms',
        f'files: {_uploads(parameters)}',
        f'answers at once: {app.running or "no limit"}',
    ]
    required = sum(field.is_required for field in parameters.form)
    if parameters.form:
        facts.append(f'form of {len(parameters.form)} fields, {required} required')
    return Finding(check, State.OK, '; '.join(facts))


def _uploads(parameters: Parameters) -> str:
    uploads = parameters.uploads
    if not uploads.is_enabled:
        return 'none'
    sizes = ', '.join(
        f'{kind} up to {uploads.megabytes.get(kind, uploads.megabytes["document"]):g} MB' for kind in uploads.types
    )
    return f'{uploads.per_message} a message, {sizes}'


def _doubts(app: AppSettings, check: str, met: Probe) -> list[Finding]:
    doubts = []
    if met.seconds > SLOW:
        text = f'the smallest answer takes {met.seconds:.1f} seconds'
        doubts.append(Finding(check, State.WARNING, text, 'Every click waits for this. Is Dify short of workers?'))
    if met.version and _numbers(met.version) < OLDEST:
        text = f'Dify {met.version} is older than the versions we know'
        doubts.append(Finding(check, State.WARNING, text, f'Update Dify to {OLDEST[0]}.{OLDEST[1]} or newer.'))
    if app.base_url.startswith('http:') and not _is_near(app.base_url):
        text = f'{_place(app)} is not https: the key and all that people write can be read on the way'
        doubts.append(Finding(check, State.WARNING, text, 'Use the https address of Dify.'))
    return doubts


def _clock(skews: Iterable[float | None]) -> Finding:
    known = [skew for skew in skews if skew is not None]
    if not known:
        return Finding('clock', State.SKIPPED, 'no server has told its time')
    worst = max(known, key=abs)
    if abs(worst) <= MAX_SKEW:
        return Finding('clock', State.OK, f'agrees with Dify within {max(abs(worst), 1):.0f} s')
    return Finding(
        'clock',
        State.WARNING,
        f'our clock is {abs(worst):.0f} seconds {"behind" if worst > 0 else "ahead of"} that of Dify',
        'Let both computers set their clocks by NTP: sessions and signed tokens depend on them.',
    )


def _ways_out(chosen: Settings) -> list[Finding]:
    """Which proxy of the environment stands between us and Dify."""
    proxies = getproxies()
    ways = set()
    for app in chosen.apps:
        url = urlsplit(app.base_url)
        proxy = proxies.get(url.scheme) or proxies.get('all')
        if proxy and not is_loopback(app.base_url) and not proxy_bypass(url.hostname or ''):
            ways.add(f'{app.slug} through {urlsplit(proxy).hostname}:{urlsplit(proxy).port or 80}')
    return [Finding('way out', State.OK, ', '.join(sorted(ways)))] if ways else []


async def _relay(chosen: Settings) -> list[Finding]:
    """The model that answers in the demo, if there is one."""
    relay = chosen.relay
    if relay is None:
        return []
    try:
        met = await probe(f'{relay.base_url}/models', key=relay.api_key.get_secret_value())
    except NoAnswer as error:
        return [Finding('model', State.WRONG, f'{relay.base_url}: {error}', error.remedy)]
    if met.status in {401, 403}:
        text = f'{relay.base_url} does not accept the key'
        return [Finding('model', State.WRONG, text, 'Set OPENAI_API_KEY to a key of that server.')]
    if met.names and relay.model not in met.names:
        text = f'{relay.base_url} has no model called {relay.model}'
        known = ', '.join(sorted(met.names)[:10])
        return [Finding('model', State.WRONG, text, f'Set OPENAI_MODEL to one that it has: {known}.')]
    return [Finding('model', State.OK, f'{relay.model} at {relay.base_url}, {met.seconds * 1000:.0f} ms')]


def _place(app: AppSettings) -> str:
    return app.base_url


def _container_hint(app: AppSettings) -> str:
    if not (CONTAINER.exists() and is_loopback(app.base_url)):
        return ''
    return (
        ' In a container a loopback address means the container itself: use the name of the service, '
        'or host.docker.internal.'
    )


def _is_near(url: str) -> bool:
    """In this computer, a private network, or known by a name that only such a network has."""
    host = urlsplit(url).hostname or ''
    try:
        return ip_address(host).is_private
    except ValueError:
        return is_loopback(url) or '.' not in host or host.endswith(('.local', '.internal', '.lan'))


def _numbers(version: str) -> tuple[int, ...]:
    """(1, 12, 1) of '1.12.1-fix1'; what follows other text is left out."""
    parts = version.partition('-')[0].split('.')
    return tuple(int(part) for part in parts if part.isascii() and part.isdigit())
