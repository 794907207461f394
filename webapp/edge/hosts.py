"""Only requests that mean us: the right `Host`, and nothing believed of what a stranger says about proxies.

A page of another site can point its own name at our address (DNS rebinding) and would then be "same origin" with us;
only `Host` tells. In local mode whoever reaches us is the admin, so there a forwarded header is refused too: it means
that a proxy stands in front, and with it people who are not the local one.
"""

from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from webapp.edge.asgi import RawHeaders, refuse, value, values
from webapp.edge.proxies import Proxies, is_trusted
from webapp.edge.site import Site

MACHINES = frozenset({'/healthz', '/readyz', '/metrics'})  # ask by address, not by name
FOREIGN = frozenset({b'forwarded', b'via', b'x-real-ip', b'x-client-ip', b'true-client-ip', b'cf-connecting-ip'})


IS_FROM_HERE = 'webapp.is_from_here'  # in the scope


def is_from_here(scope: Scope) -> bool:
    """Whether a program on this computer asks us itself: by a loopback name, from a loopback address, by no proxy.

    The name keeps out what a browser here is made to ask, and what a proxy here passes on without a word of that.
    """
    return scope.get(IS_FROM_HERE) is True


class Hosts:
    """:param trusted_proxies: whose `X-Forwarded-For` and `X-Forwarded-Host` count; all others' are taken away"""

    def __init__(self, app: ASGIApp, site: Site, *, is_local: bool, trusted_proxies: Proxies = ()) -> None:
        self.app = app
        self._site = site
        self._is_local = is_local
        self._trusted = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] == 'lifespan':
            return await self.app(scope, receive, send)
        if self._is_local and any(_is_forwarded(name) for name, _ in scope['headers']):
            text = 'This server runs in local mode, for one person on this computer, and does not work behind a proxy.'
            return await refuse(scope, receive, send, status=400, text=text)
        if not _is_sane(scope['path']):
            return await refuse(scope, receive, send, status=400, text='This address is malformed.')
        peer = (scope.get('client') or ('', 0))[0]
        host = value(scope, b'host')
        is_from_here = self._is_direct(scope, peer) and _is_loopback(peer) and _is_loopback(_name(host or ''))
        if is_trusted(peer, self._trusted):
            host = _last(scope, b'x-forwarded-host') or host
            peer = self._client(peer, values(scope, b'x-forwarded-for'))
        if (host or '').lower() not in self._site.hosts and (self._is_local or scope['path'] not in MACHINES):
            return await refuse(scope, receive, send, status=400, text='This server does not answer to that name.')
        port = (scope.get('client') or ('', 0))[1]
        headers = [*_own(scope['headers']), (b'host', (host or '').encode('latin-1'))]
        seen = {**scope, 'client': (peer, port), 'headers': headers, IS_FROM_HERE: is_from_here}
        return await self.app(seen, receive, send)

    def _is_direct(self, scope: Scope, peer: str) -> bool:
        return not is_trusted(peer, self._trusted) and not any(_is_forwarded(name) for name, _ in scope['headers'])

    def _client(self, peer: str, forwarded_for: list[str]) -> str:
        """The right-most hop that is not a proxy of ours: what stands left of it anybody may have written."""
        for hop in reversed(','.join(forwarded_for).split(',')):
            address = _address(hop)
            if address is None:
                break
            peer = address
            if not is_trusted(address, self._trusted):
                break
        return peer


def _is_forwarded(name: bytes) -> bool:
    return name in FOREIGN or name.startswith(b'x-forwarded-')


def _own(headers: RawHeaders) -> RawHeaders:
    """Without forwarded headers (NiceGUI would prefix redirects with `X-Forwarded-Prefix`), and without the host."""
    return [(name, value) for name, value in headers if name != b'host' and not _is_forwarded(name)]


def _last(scope: Scope, name: bytes) -> str | None:
    return ','.join(values(scope, name)).rpartition(',')[2].strip() or None


def _address(hop: str) -> str | None:
    """The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`."""
    text = hop.strip()
    if text.startswith('['):
        text = text[1:].partition(']')[0]
    elif text.count(':') == 1:
        text = text.partition(':')[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _name(host: str) -> str:
    """Without the port."""
    return host[1:].partition(']')[0] if host.startswith('[') else host.partition(':')[0]


def _is_loopback(name: str) -> bool:
    if name.lower() == 'localhost':
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return (getattr(address, 'ipv4_mapped', None) or address).is_loopback


def _is_sane(path: str) -> bool:
    return path.startswith('/') and path.isprintable()
