"""A page's thread follows what is kept, and never goes back behind what it has shown."""

import asyncio
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest

from webapp.apps import Apps
from webapp.changes import Changes
from webapp.files import Files
from webapp.generations import Generations
from webapp.principal import Principal
from webapp.services import Services
from webapp.store import conversations
from webapp.store.database import Store
from webapp.store.messages import Message
from webapp.suggestions import Suggestions
from webapp.ui.components.thread import MessageView
from webapp.ui.history import History, Page
from webapp.ui.kept import KeptAnswers
from webapp.ui.live import LiveAnswers
from webapp.ui.reading import Reading
from webapp.ui.views import Reader


class Told:
    """Stands where the thread does, and keeps how it is told that answers stand."""

    client = SimpleNamespace(has_socket_connection=True)

    def __init__(self) -> None:
        self.states: list[str] = []

    def change(self, view: MessageView) -> None:
        self.states.append(view.status)

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None


class Slow(History):
    """The database takes its time: what it tells is what was there when it was asked."""

    ended: asyncio.Event

    async def newest(self, conversation_id: str, before: int | None = None) -> list[Message]:
        rows = await super().newest(conversation_id, before)
        await self.ended.wait()
        return rows


async def test_rows_that_are_older_than_an_end_do_not_take_it_back(
    store: Store,
    apps: Apps,
    changes: Changes,
    files: Files,
    generations: Generations,
    ann: Principal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('nicegui.core.loop', asyncio.get_running_loop())  # as in a running app
    asked = {'store': store, 'apps': apps, 'changes': changes, 'generations': generations, 'files': files}
    asked['suggestions'] = Suggestions(changes)
    services = Services(**dict.fromkeys(each.name for each in fields(Services)) | asked)  # type: ignore[arg-type]
    told, history = Told(), Slow(services, KeptAnswers(), lambda: ann)
    history.ended = asyncio.Event()

    async def on_end(_: object) -> None:
        history.ended.set()

    reading = Reading(services, LiveAnswers(), history, told, ann, reader=Reader(), on_end=on_end)  # type: ignore[arg-type]
    message = await generations.start(ann, app='demo', conversation_id=None, query='/rate 50 /long 20', key='one')
    begun = await store.read(conversations.get, user_id=ann.user_id, conversation_id=message.conversation_id)
    reading.show(begun, Page(), None)
    await reading.add(message, own=True)
    await reading.refresh(message.conversation_id)
    assert told.states[-1] == 'complete'
    assert 'running' not in told.states[told.states.index('complete') :]
