"""What a browser may do with our pages: a content security policy with a nonce, and the headers beside it.

NiceGUI's page has inline scripts, so they need a nonce; `template` gives it to them. `'unsafe-eval'` stays, because Vue
compiles its templates in the browser.
"""

import re
import secrets
from collections.abc import Collection, Mapping, Sequence

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.edge.asgi import value, without
from webapp.edge.assets import PREFIX, VERSION_CHARS
from webapp.edge.site import Site
from webapp.edge.template import NONCE

# Without `autoplay`, a page still plays what it likes once somebody has used it, and that is all we want.
FEATURES = (
    'accelerometer', 'autoplay', 'camera', 'display-capture', 'encrypted-media', 'fullscreen', 'geolocation',
    'gyroscope', 'magnetometer', 'microphone', 'midi', 'payment', 'picture-in-picture', 'publickey-credentials-get',
    'screen-wake-lock', 'usb', 'xr-spatial-tracking',
)  # fmt: skip
GRANTED = 'granted'  # in the state of a request: what its page may use


def _permissions(granted: Collection[str]) -> bytes:
    return ', '.join(f'{feature}=({"self" if feature in granted else ""})' for feature in FEATURES).encode()


FRAMES, FRAMED_BY = 'frames', 'framed_by'  # in the state of a request, see `frame_own` and `framed_by`

ALWAYS = {
    b'x-content-type-options': b'nosniff',
    b'x-frame-options': b'DENY',
    b'referrer-policy': b'same-origin',
    b'permissions-policy': _permissions(()),
    b'cross-origin-opener-policy': b'same-origin',
    b'cross-origin-resource-policy': b'same-origin',
}
# Who is shown by another site tells that one's pages nothing of the address, which may hold a ticket.
FRAMED = {name: v for name, v in ALWAYS.items() if name != b'x-frame-options'} | {b'referrer-policy': b'no-referrer'}
HSTS = b'max-age=31536000'
NOTHING = b"default-src 'none'; frame-ancestors 'none'; sandbox"  # for what is not a page
# Libraries, the same for everybody: a frame without an origin, in which diagrams are drawn, may import them.
LIBRARIES = re.compile(r'/_nicegui/[^/]+/esm/')
# The one script that other sites' pages run; they run it, but don't read it.
FOR_HOSTS = re.compile(rf'{PREFIX}(?:[0-9a-f]{{{VERSION_CHARS}}}/)?embed\.js')


class Policy:
    """Adds the headers to every answer, and takes out any that would let another origin read it.

    :param framed: the paths that may be shown within pages of other sites, and the origins of those; pages of ours may
        show them, too
    :param opened: the paths of pages that keep the window which has opened them, whosever that is
    """

    def __init__(
        self, app: ASGIApp, site: Site, framed: Mapping[str, Sequence[str]], opened: Collection[str] = ()
    ) -> None:
        self.app = app
        self._site = site
        self._framed = {path: ' '.join(origins) for path, origins in framed.items()}
        self._opened = frozenset(opened)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            return await self.app(scope, receive, send)
        nonce = scope.setdefault('state', {})[NONCE] = secrets.token_urlsafe(16)

        async def send_with_policy(message: Message) -> None:
            if message['type'] == 'http.response.start':
                message = {**message, 'headers': self._headers(scope, message, nonce)}
            await send(message)

        return await self.app(scope, receive, send_with_policy)

    def _headers(self, scope: Scope, message: Message, nonce: str) -> list[tuple[bytes, bytes]]:
        given = [(name, v) for name, v in message['headers'] if not name.lower().startswith(b'access-control-')]
        is_page = any(name.lower() == b'content-type' and v.startswith(b'text/html') for name, v in given)
        around = self._framed.get(scope['path'])
        if around is not None:
            around = f"{scope['state'].get(FRAMED_BY, around)} 'self'".strip()
        policy = self._page(scope, nonce, around or "'none'") if is_page else NOTHING
        own = {**(FRAMED if around else ALWAYS), b'content-security-policy': policy}
        if scope['path'] in self._opened:
            own[b'cross-origin-opener-policy'] = b'unsafe-none'
        if is_page and (granted := scope['state'].get(GRANTED)):
            own[b'permissions-policy'] = _permissions(granted)
        if self._site.is_https:
            own[b'strict-transport-security'] = HSTS
        if LIBRARIES.match(scope['path']):
            own[b'access-control-allow-origin'] = b'*'
        if FOR_HOSTS.fullmatch(scope['path']):
            own[b'cross-origin-resource-policy'] = b'cross-origin'
        return [*without(given, *own, b'server'), *own.items()]

    def _page(self, scope: Scope, nonce: str, around: str) -> bytes:
        socket = f'{"wss" if self._site.is_https else "ws"}://{value(scope, b"host")}'  # older Safari: not in 'self'
        return '; '.join(
            (
                "default-src 'none'",
                f"script-src 'nonce-{nonce}' 'strict-dynamic' 'unsafe-eval'",
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data: blob:",
                "font-src 'self' data:",
                f"connect-src 'self' {socket}",
                "manifest-src 'self'",
                "media-src 'self' blob:",
                "worker-src 'self'",
                *(["frame-src 'self'"] if scope['state'].get(FRAMES) else ()),
                f'frame-ancestors {around}',
                "base-uri 'none'",
                "object-src 'none'",
                "form-action 'self'",
            )
        ).encode()


def nonce(request: HTTPConnection) -> str:
    """For a `<script nonce=...>` of our own; empty where no policy is in force."""
    return str(getattr(request.state, NONCE, ''))


def frame_own(request: HTTPConnection) -> None:
    """Let the page that answers a request have frames, of ours."""
    setattr(request.state, FRAMES, True)


def framed_by(request: HTTPConnection, origins: Sequence[str]) -> None:
    """Let fewer show the page that answers a request than may show its path."""
    setattr(request.state, FRAMED_BY, ' '.join(origins))


def grant(request: HTTPConnection, *features: str) -> None:
    """Let the page that is being built for `request` use some of `FEATURES`; it alone, and nothing that it frames."""
    setattr(request.state, GRANTED, frozenset(features))
