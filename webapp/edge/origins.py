"""Requests that change something, and sockets, come from our own pages or from no page at all."""

from starlette.types import ASGIApp, Receive, Scope, Send

from webapp.edge.asgi import refuse, values
from webapp.edge.site import Site

SAFE = frozenset({'GET', 'HEAD', 'OPTIONS'})
OWN = frozenset({'same-origin', 'none'})  # none: the person typed the address or pressed reload


def is_cross_site(scope: Scope) -> bool:
    """Whether a browser says that another site has made it ask; what says nothing is none."""
    return 'cross-site' in values(scope, b'sec-fetch-site')


class Origins:
    """Every browser names the origin of a page that posts or opens a socket; a client that is none needs our cookie."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_foreign(scope):
            return await refuse(scope, receive, send, status=403, text='This request came from another site.')
        return await self.app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        if scope['type'] == 'lifespan' or (scope['type'] == 'http' and scope['method'] in SAFE):
            return False
        if origins := values(scope, b'origin'):
            return any(origin not in self._site.origins for origin in origins)
        return any(site not in OWN for site in values(scope, b'sec-fetch-site'))
