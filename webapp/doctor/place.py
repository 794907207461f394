"""Where the program stands: its files, its address, and what lies between it and its people."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from webapp.doctor.report import Finding, State
from webapp.listening import CannotListen, listen
from webapp.settings import CONFIG_FILE, Settings, environment, is_loopback, local_secret
from webapp.store import engines

MB = 1_000_000
LITTLE_SPACE, NO_SPACE = 500 * MB, 20 * MB
SECONDS = 3.0  # for our own answer
OTHERS = 0o044  # may read: group and everybody


def files(chosen: Settings) -> Iterator[Finding]:
    given = environment.given()
    config = Path(given.get('WEBAPP_CONFIG') or CONFIG_FILE)
    sources = ['environment', *(str(path) for path in (environment.ENV_FILE, config) if path.is_file())]
    yield Finding('settings', State.OK, f'{", ".join(sources)}: all known and fitting together')
    yield _secret(chosen, is_given=bool(given.get('WEBAPP_SECRET')))
    yield _data(chosen.data)
    private = [environment.ENV_FILE, config, chosen.data / local_secret.NAME]
    url = engines.parse(chosen.database_url)
    if engines.is_sqlite(url):
        private.append(Path(url.database or ''))
    for path in private:
        if _is_readable_by_others(path):
            yield Finding(
                'files', State.WARNING, f'other users of this computer can read {path}', f'Run: chmod 600 {path}'
            )


def _is_readable_by_others(path: Path) -> bool:
    try:
        return path.is_file() and bool(path.stat().st_mode & OTHERS)
    except PermissionError:  # the folder keeps them out, and us too
        return False


async def address(chosen: Settings) -> list[Finding]:
    runs, port = await _port(chosen)
    found = [port, _public_url(chosen), *_trusted(chosen)]
    if runs and not is_loopback(urlsplit(chosen.public_url).hostname or ''):
        found.append(await _from_outside(chosen.public_url))
    return found


def _secret(chosen: Settings, *, is_given: bool) -> Finding:
    if is_given:
        return Finding('secret', State.OK, 'from WEBAPP_SECRET')
    path = chosen.data / local_secret.NAME
    if chosen.secret.get_secret_value():
        return Finding('secret', State.OK, f'kept in {path}')
    return Finding('secret', State.OK, f'will be made at the first start, and kept in {path}')


def _data(folder: Path) -> Finding:
    """Tried, not asked for: rights alone tell nothing of read-only disks."""
    existing = folder
    try:
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as error:
        return Finding(
            'data',
            State.WRONG,
            f'nothing can be written into {existing}: {error.strerror or error}',
            'Let the folder belong to the user who runs this program, or move it with DATABASE_URL.',
        )
    text = f'{folder}, {free / MB:,.0f} MB free'
    if free < LITTLE_SPACE:
        state = State.WRONG if free < NO_SPACE else State.WARNING
        return Finding('data', state, text, 'Make room: a full disk means that nothing can be kept.')
    return Finding('data', State.OK, text)


async def _port(chosen: Settings) -> tuple[bool, Finding]:
    """Whether we run already, and what there is to say of the port."""
    try:
        listen(chosen.host, chosen.port).close()
    except CannotListen as error:
        if not error.is_taken or not (checks := await _ready(chosen)):
            return False, Finding('port', State.WRONG, str(error))
        faults = [text for text in checks.values() if text != 'ok']
        if faults:
            return True, Finding('port', State.WRONG, f'{chosen.port}: we run there, but {" ".join(faults)}')
        return True, Finding('port', State.OK, f'{chosen.port}: we run there already')
    return False, Finding('port', State.OK, f'{chosen.host}, port {chosen.port or "chosen at the start"}: free')


async def _ready(chosen: Settings) -> dict[str, str]:
    """The checks of whoever listens on our port; empty if it is not us."""
    host = {'0.0.0.0': '127.0.0.1', '::': '::1'}.get(chosen.host, chosen.host)  # noqa: S104  compared, not listened on
    url = f'http://{f"[{host}]" if ":" in host else host}:{chosen.port}/readyz'
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as http:
            body = (await http.get(url)).json()
    except (httpx.HTTPError, ValueError):
        return {}
    checks = body.get('checks') if isinstance(body, dict) else None
    return {str(name): str(text) for name, text in checks.items()} if isinstance(checks, dict) else {}


def _public_url(chosen: Settings) -> Finding:
    url = chosen.public_url
    if chosen.is_local:
        if is_loopback(chosen.host):
            return Finding('public url', State.OK, f'{url}, for you alone (local mode)')
        return Finding(
            'public url',
            State.WARNING,
            f'{url}, local mode, but listening on {chosen.host}: whoever reaches that port is the admin',
            'Publish the port on loopback only, for example: docker run -p 127.0.0.1:8080:8080',
        )
    if not chosen.is_https and not is_loopback(urlsplit(url).hostname or ''):
        return Finding(
            'public url',
            State.WARNING,
            f'{url} is not https: whoever stands in between can read everything and take over sessions',
            'Put a proxy with TLS in front, and set WEBAPP_PUBLIC_URL to its https address.',
        )
    return Finding('public url', State.OK, f'{url}{", guests come in without a login" if chosen.guests else ""}')


def _trusted(chosen: Settings) -> Iterator[Finding]:
    proxies = chosen.trusted_proxies
    if any(network.prefixlen == 0 for network in proxies):
        yield Finding(
            'proxies',
            State.WARNING,
            'network.trusted_proxies holds every address: anybody can say where a request comes from',
            'Name the addresses of your proxies only.',
        )
    elif proxies:
        yield Finding('proxies', State.OK, f'in front of us: {", ".join(map(str, proxies))}')
    elif chosen.is_https:
        yield Finding(
            'proxies',
            State.WARNING,
            'the public address is https, so a proxy stands in front, but none is trusted: to us all people come from '
            'its address',
            'Name it in webapp.toml: [network] trusted_proxies = ["10.0.0.5"]',
        )


async def _from_outside(url: str) -> Finding:
    """Whether the public address leads to us; from here it need not, so this is no more than a hint."""
    try:
        async with httpx.AsyncClient(timeout=SECONDS) as http:
            answer = await http.get(f'{url}/healthz')
        is_us = answer.status_code == httpx.codes.OK and answer.json() == {'status': 'ok'}
    except (httpx.HTTPError, ValueError) as error:
        text = f'{url} does not answer here: {error or type(error).__name__}'
        return Finding('public url', State.WARNING, text, 'Open it in a browser. Check name, certificate and proxy.')
    if is_us:
        return Finding('public url', State.OK, f'{url} leads to us')
    return Finding(
        'public url',
        State.WARNING,
        f'{url} leads somewhere else (HTTP {answer.status_code})',
        'The proxy must pass every path on to us, with the header Host as it came.',
    )
