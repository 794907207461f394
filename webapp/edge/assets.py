"""Our own scripts and styles, under `/static/`.

One version stands for the whole folder, and it is part of the path: a script that imports `./other.js` gets the same
version of it, and everything may be cached for a year. The files are read once, when the process starts.

Pages ask for two that are made of the others: all styles, and all components with what they import.
"""

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from webapp.edge import bundles
from webapp.edge.asgi import refuse, value

PREFIX = '/static/'
FOR_EVER = b'public, max-age=31536000, immutable'
BRIEFLY = b'public, max-age=300'  # an address without version, or with an old one
VERSION_CHARS = 12
SCRIPT, STYLE = 'page.js', 'page.css'
FOR_HOSTS = 'embed.js'  # stands in pages of other sites, where every byte counts
STYLES = (  # in their order: later ones have the last word
    'tokens.css', 'controls.css', 'conversations.css', 'frame.css', 'files.css', 'popover.css', 'sources.css',
    'lightbox.css', 'thread.css', 'steps.css', 'asking.css', 'composer.css', 'inputs.css', 'prose.css',
    'code.css',
)  # fmt: skip
FOR_SOME = (
    'admin.css',
    'embeds.css',
    'entry.css',
    'login.css',
    'queue.css',
    'sheet.css',
    'usage.css',
)  # of pages seen rarely, which name them
TAG = 'chat-{}'  # of our elements

published: dict[str, bytes] = {}  # beside the folder: what the operator gave us, such as a logo

mimetypes.add_type('text/javascript', '.js')  # some systems' tables say something else
mimetypes.add_type('font/woff2', '.woff2')
mimetypes.add_type('image/webp', '.webp')


def static_dir() -> Path:
    """The folder: in a checkout beside the package, in an installed wheel inside it."""
    package = Path(__file__).parents[1]
    inside = package / 'static'
    return inside if inside.is_dir() else package.parent / 'static'


def url(name: str) -> str:
    """Where the browser finds a file of ours, such as `thread.css`.

    :raises KeyError: there is no such file
    """
    files()[name]
    return f'{PREFIX}{version()}/{name}'


def publish(content: bytes, extension: str) -> str:
    """Serve `content` too, under a name made of itself, and return where.

    :param extension: such as `png`; it says what the content is
    """
    name = f'{hashlib.sha256(content).hexdigest()[:VERSION_CHARS]}.{extension}'
    published[name] = content
    return f'{PREFIX}{version()}/{name}'


@cache
def files() -> dict[str, bytes]:
    """Content by name.

    :raises ValueError: a script is written in a way that can't be bundled
    """
    root = static_dir()
    paths = sorted(path for path in root.rglob('*') if path.is_file() and not path.name.startswith('.'))
    found = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    modules = {name[:-3]: content.decode() for name, content in found.items() if name.endswith('.js')}
    found[SCRIPT] = bundles.script(modules, tag=TAG).encode()
    found[FOR_HOSTS] = bundles.lean(found[FOR_HOSTS].decode()).encode()
    found[STYLE] = b'\n'.join(found[name] for name in STYLES)
    return dict(sorted(found.items()))


@cache
def version() -> str:
    digest = hashlib.sha256()
    for name, content in files().items():
        digest.update(f'{name}\0{len(content)}\0'.encode() + content)
    return digest.hexdigest()[:VERSION_CHARS]


class Assets:
    """Answers for everything under `/static/`; only names in the table exist, so no path leads elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http' or not scope['path'].startswith(PREFIX):
            return await self.app(scope, receive, send)
        if scope['method'] != 'GET':
            allow = [(b'allow', b'GET, HEAD')]
            return await refuse(scope, receive, send, status=405, text='This can only be read.', headers=allow)
        name = scope['path'].removeprefix(PREFIX)
        current = name.startswith(f'{version()}/')
        plain = name.removeprefix(f'{version()}/') if current else name.partition('/')[2]
        content = files().get(name) or files().get(plain) or published.get(plain)
        if content is None:
            return await refuse(scope, receive, send, status=404, text='There is no such file.')
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'.encode()
        headers = [(b'cache-control', FOR_EVER if current else BRIEFLY), (b'etag', etag)]
        known = (value(scope, b'if-none-match') or '').removeprefix('W/').encode()
        if known == etag:
            await send({'type': 'http.response.start', 'status': 304, 'headers': headers})
            return await send({'type': 'http.response.body', 'body': b''})
        kind = mimetypes.guess_type(name)[0] or 'application/octet-stream'
        headers += [
            (b'content-type', (f'{kind}; charset=utf-8' if kind.startswith('text/') else kind).encode()),
            (b'content-length', str(len(content)).encode()),
        ]
        await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
        return await send({'type': 'http.response.body', 'body': content})
