"""How one process keeps up with the notices: sparingly, and as well as it can without a database."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from support import databases

from webapp import notices
from webapp.clock import now
from webapp.notices import Notices
from webapp.store import notices as rows
from webapp.store.audit import Party
from webapp.store.database import Store

MINUTE = timedelta(minutes=1)


@pytest.fixture
def asked() -> list[str]:
    """Which kinds of transactions there were."""
    return []


@pytest.fixture
async def store(tmp_path: Path, asked: list[str]) -> AsyncIterator[Store]:
    store = Store(databases.place(tmp_path / 'webapp.db'), on_done=lambda kind, seconds: asked.append(kind))
    yield store
    await store.close()


async def announce(store: Store, text: str, stands: timedelta = MINUTE) -> None:
    moment = now()
    given = {'level': 'info', 'ends_at': moment + stands, 'actor': Party(), 'now': moment}
    await store.write(rows.announce, text=text, **given)


def texts(found: tuple[rows.Notice, ...]) -> list[str]:
    return [notice.text for notice in found]


async def test_pages_that_open_at_once_ask_once(store: Store, asked: list[str]) -> None:
    await announce(store, 'one')
    watched = Notices(store)
    assert texts(await watched.current()) == ['one']
    await watched.current()
    assert asked.count('read') == 1


async def test_without_open_pages_nothing_is_asked(
    store: Store, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, 'PACE', 0)
    watched = Notices(store)
    running = asyncio.create_task(watched.run())
    for _ in range(20):  # while each is under way it could have looked
        await store.write(lambda session: None)
    assert asked.count('read') == 0
    async with contextlib.aclosing(watched.live.watch()) as seen:
        assert await anext(seen) == ()
        await announce(store, 'one')
        assert texts(await anext(seen)) == ['one']
    running.cancel()


async def test_without_a_database_those_go_that_have_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await announce(store, 'short')
    await announce(store, 'long', 2 * MINUTE)
    watched = Notices(store)
    assert texts(await watched.current()) == ['short', 'long']
    await store.close()
    await watched.look()
    assert texts(watched.live.value) == ['short', 'long']
    later = now() + MINUTE
    monkeypatch.setattr(notices, 'now', lambda: later)
    await watched.look()
    assert texts(watched.live.value) == ['long']
