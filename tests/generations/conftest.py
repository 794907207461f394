"""Generations against the demo upstream over real HTTP, with a real database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import databases

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.files import Files
from webapp.generations import Generations
from webapp.principal import Identity, Principal, Role
from webapp.store import users
from webapp.store.database import Store
from webapp.upstream import demo
from webapp.upstream.client import DifyClient


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(databases.place(tmp_path / 'webapp.db'))
    yield store
    await store.close()


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    """The address of a demo upstream that writes fast."""
    async with demo.serve(demo.build(rate=500)) as url:
        yield url


@pytest.fixture
async def apps(upstream: str) -> AsyncIterator[Apps]:
    apps = Apps([App('demo', DifyClient(upstream, 'demo'), running=2)])
    yield apps
    await apps.close()


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
async def files(store: Store, apps: Apps, changes: Changes) -> AsyncIterator[Files]:
    files = Files(store, apps, changes)
    yield files
    await files.close()


@pytest.fixture
async def generations(store: Store, apps: Apps, changes: Changes, files: Files) -> AsyncIterator[Generations]:
    generations = Generations(store, apps, changes, files)
    yield generations
    await generations.shutdown(limit=0)


@pytest.fixture
async def ann(store: Store) -> Principal:
    return await person(store, 'ann')


@pytest.fixture
async def bob(store: Store) -> Principal:
    return await person(store, 'bob')


async def person(store: Store, name: str) -> Principal:
    identity = Identity('test', name, 'company', name=name)
    vouched = await store.write(
        users.sign_in, identity=identity, role=Role.USER, secret='s' * 32, now=datetime.now(UTC)
    )
    user = vouched.user
    return Principal(user.id, 'session', Role.USER, user.dify_user, name)
