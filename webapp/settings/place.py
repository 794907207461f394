"""Where we are: the address that people use, whether it is this computer's alone, and the folder of what is kept."""

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from webapp.settings.given import Given
from webapp.store import engines

DATA = Path('data')


def public_url(given: Given) -> str:
    env = given.env
    if env.public_url is None:
        host = '127.0.0.1' if env.local and not is_loopback(env.host) else env.host
        if (given.is_open or given.file.embeds) and not is_loopback(host):
            given.complain(
                f'WEBAPP_PUBLIC_URL is missing: with WEBAPP_HOST={env.host} we cannot know the address that people '
                'use. Set it, for example to https://chat.example.com.'
            )
        return f'http://{f"[{host}]" if ":" in host else host}:{env.port}'
    if fault := _url_fault(env.public_url):
        given.complain(f'WEBAPP_PUBLIC_URL {fault}. It must look like https://chat.example.com.')
        return ''
    url = urlsplit(env.public_url.lower())
    default_port = ':443' if url.scheme == 'https' else ':80'
    return f'{url.scheme}://{url.netloc.removesuffix(default_port)}'


def is_local(given: Given, public_url: str) -> bool:
    """Local mode: nobody to vouch for people, and nobody but this computer's user can reach us."""
    env = given.env
    public_is_loopback = is_loopback(urlsplit(public_url).hostname or '')
    if given.is_open:
        if env.local:
            other = 'WEBAPP_GUESTS' if env.guests else 'a provider to sign in with'
            given.complain(f'WEBAPP_LOCAL and {other} exclude each other; take one of them out.')
        return False
    if env.local:
        if public_url and not public_is_loopback:
            given.complain(
                'WEBAPP_PUBLIC_URL must be a loopback address while WEBAPP_LOCAL is on, '
                'such as http://127.0.0.1:8080; or set WEBAPP_GUESTS=true instead of WEBAPP_LOCAL.'
            )
        return True
    if is_loopback(env.host) and public_is_loopback:
        return True
    if given.file.embeds:
        return False  # people come by the pages of other sites
    given.complain(
        'Nobody could get in: there is no provider to sign in with, WEBAPP_GUESTS is off, and this is not local '
        f'mode, because {_outside(given)}. Set OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET, or '
        'WEBAPP_GUESTS=true to let people in without a login, [[embeds]] to show it in other sites, or '
        'WEBAPP_LOCAL=true if the port is published on loopback only.'
    )
    return False


def data(given: Given) -> Path:
    try:
        url = engines.parse(given.env.database_url)
    except ValueError:
        given.complain('DATABASE_URL must be sqlite:///path or postgresql+psycopg://user:password@host/name.')
        return DATA
    return Path(url.database or '').parent if engines.is_sqlite(url) else DATA


def _outside(given: Given) -> str:
    if is_loopback(given.env.host):
        return f'WEBAPP_PUBLIC_URL={given.env.public_url} is not a loopback address'
    return f'WEBAPP_HOST={given.env.host} is not a loopback address'


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
