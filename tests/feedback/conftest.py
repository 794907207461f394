"""A server with an upstream of its own, whose ratings nobody else gives."""

from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal
from support.people import SignedIn, serving, sign_in
from support.server import Server

from webapp.upstream import demo as upstream


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp('feedback')
    (folder / 'webapp.toml').write_text('[limits]\nexports_per_minute = 0\nsearches_per_minute = 0')
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(upstream.serve(upstream.build(key='demo'))) as url,
        serving(folder, url, WEBAPP_READERS='oidc:reader') as server,
    ):
        yield server


@pytest.fixture(scope='module')
def ann(server: Server) -> SignedIn:
    return sign_in(server, 'ann', name='Ann <Wood>')
