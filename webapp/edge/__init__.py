"""What stands between the network and the app. Each module closes one hole; `wrap` puts them in their order."""

from collections.abc import Collection, Mapping, Sequence

from nicegui import __version__ as nicegui_version
from starlette.types import ASGIApp

from webapp.edge import template
from webapp.edge.access import Access
from webapp.edge.assets import PREFIX, Assets, version
from webapp.edge.bodies import SILENCE, Bodies
from webapp.edge.compression import Compression
from webapp.edge.heads import Heads
from webapp.edge.hosts import Hosts
from webapp.edge.origins import Origins
from webapp.edge.policy import Policy
from webapp.edge.proxies import Proxies
from webapp.edge.site import Site
from webapp.edge.sockets import Sockets

NICEGUI = f'/_nicegui/{nicegui_version}/'
POLLING = '/_nicegui_ws/'
BODIES = {
    POLLING: 1_000_000,  # as long as a frame of a socket
    '/uploads': 120 * 1024 * 1024,  # the largest file that Dify takes has 100 MB
    '/speech': 4_000_000,  # two minutes of 16 kHz
    '/uploads/text': 8_000_000,  # a question of two million characters
}


def wrap(
    app: ASGIApp,
    site: Site,
    *,
    is_local: bool,
    trusted_proxies: Proxies = (),
    framed: Mapping[str, Sequence[str]] | None = None,
    opened: Collection[str] = (),
    bodies: Mapping[str, int] | None = None,
    body_silence: float = SILENCE,
) -> ASGIApp:
    """The app as the network may see it. NiceGUI's own compression must be off (`gzip_middleware_factory=None`).

    :param framed: paths that pages of other sites may show, with the origins of those pages; no others may be framed
    :param opened: paths of pages that keep the window which has opened them
    :param bodies: bytes that may be sent to paths that begin so, beside the 64 kB that may be sent anywhere
    :param body_silence: seconds within which a body must go on
    """
    template.prepare()
    # Read from below: the last one is the first to see a request.
    app = Assets(app)
    app = Compression(app, kept=(NICEGUI, f'{PREFIX}{version()}/'))  # sees plain bodies, whoever makes them
    app = Heads(app)  # outside of compression, so a HEAD tells the size of what a GET would send
    app = Sockets(app)
    app = Bodies(app, limits={**BODIES, **(bodies or {})}, silence=body_silence)
    app = Origins(app, site)  # nothing of a foreign request's body is read
    app = Hosts(app, site, is_local=is_local, trusted_proxies=trusted_proxies)  # who asks, for everybody inside
    app = Policy(app, site, framed or {}, opened)  # refusals have the headers too
    return Access(app, trusted_proxies)  # and are logged
