"""What an app says of itself is asked for now and then, and its pages hear of what has changed."""

import httpx
import pytest

from webapp import apps
from webapp.apps import App
from webapp.errors import UpstreamError
from webapp.upstream.client import DifyClient


class Published(httpx.AsyncBaseTransport):
    """A Dify whose app is published anew whenever a test says so."""

    opening = 'Hello.'
    is_away = False
    asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_away:
            raise httpx.ConnectError('away')
        said = {'/v1/info': b'{"name": "Trips", "mode": "chat"}', '/v1/site': b'{"description": "To places"}'}
        self.asked += request.url.path == '/v1/parameters'
        body = said.get(request.url.path, b'{"opening_statement": "%s"}' % self.opening.encode())
        return httpx.Response(200, stream=httpx.ByteStream(body))


async def test_an_app_that_was_published_anew_is_known_within_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    dify = Published()
    app = App('trips', DifyClient('http://localhost', 'app-key', transport=dify))
    assert (await app.about()).parameters.opening_statement == 'Hello.'
    assert (app.name, (await app.about()).description, app.told.value) == ('Trips', 'To places', 1)

    dify.opening = 'Welcome.'
    assert (await app.about()).parameters.opening_statement == 'Hello.'
    assert dify.asked == 1, 'it was asked a moment ago'
    monkeypatch.setattr(apps, 'FRESH_SECONDS', 0.0)
    assert (await app.about()).parameters.opening_statement == 'Welcome.'
    assert app.told.value == 2
    await app.client.aclose()


async def test_what_was_known_stays_while_dify_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    dify = Published()
    app = App('trips', DifyClient('http://localhost', 'app-key', transport=dify))
    await app.about()
    dify.is_away = True
    monkeypatch.setattr(apps, 'FRESH_SECONDS', 0.0)
    assert (await app.about()).parameters.opening_statement == 'Hello.'
    with pytest.raises(UpstreamError):
        await app.about(anew=True)
    await app.client.aclose()
