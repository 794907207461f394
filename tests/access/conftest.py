"""The owner and all others, before one server for a module; and what their pages hear."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from anyio.from_thread import start_blocking_portal
from support.embedding import HOST_SECRET, key, table
from support.people import WITH_LOGIN, sign_in
from support.server import Server
from world import STAFF, Recorder, World, furnish

TOML = """
[[apps]]
slug = "staff"
base_url = "{}"
api_key = "demo"
groups = ["staff"]

[limits]
exports_per_minute = 0
embed_entries_per_minute = 0

"""
EMBEDS = ''.join(
    table(id_, key('k1', HOST_SECRET), app=app)
    for id_, app in (('helpdesk', 'default'), ('sales', 'default'), ('team', 'staff'))
)


@pytest.fixture(scope='module')
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from webapp.upstream.demo import build, serve

    asked: list[str] = []
    demo = build(key='demo')
    demo.add_middleware(Recorder, seen=asked)
    with ExitStack() as ends:
        portal = ends.enter_context(start_blocking_portal())
        upstream = ends.enter_context(portal.wrap_async_context_manager(serve(demo)))
        settings = WITH_LOGIN | {'DIFY_BASE_URL': upstream, 'DIFY_API_KEY': 'demo'}
        server = Server(tmp_path_factory.mktemp('closed'), settings)
        (server.folder / 'webapp.toml').write_text(TOML.format(upstream) + EMBEDS)
        database = f'sqlite:///{server.folder}/data/webapp.db'
        guests = {'WEBAPP_GUESTS': 'true', 'DATABASE_URL': database}
        welcoming = Server(tmp_path_factory.mktemp('open'), settings | guests)
        (welcoming.folder / 'webapp.toml').write_text(TOML.format(upstream) + EMBEDS)
        for each in (server, welcoming):
            each.start()
            ends.callback(each.stop)
        world = World(server, welcoming, asked, sign_in(server, 'ann', groups=STAFF))
        with world.ann.client() as http:
            furnish(world, http)
        yield world
    for each in (server, welcoming):
        assert 'Traceback' not in each.log, each.log
