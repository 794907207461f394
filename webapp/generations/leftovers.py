"""What is left of answers that nobody writes now: they wait for a person, or broke off, or their process died."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.chat.events import Failed, FormChanged, Interrupted, Paused
from webapp.chat.message import Failure, Reply, Status
from webapp.chat.reducer import replay
from webapp.clock import now
from webapp.errors import NotFound, Refused
from webapp.files import Files
from webapp.generations import saving
from webapp.generations.generation import Ended, Generation, GoingOn
from webapp.generations.register import Register
from webapp.generations.repair import Repairs
from webapp.generations.waiting import Waiting
from webapp.prices import Price
from webapp.store import answers, leftovers
from webapp.store.database import Store
from webapp.store.leftovers import Leftover

REPAIRABLE = timedelta(hours=1)  # how old a broken answer may be


class Leftovers:
    """:param begin: writes an answer again whose run goes on
    :param on_end: told of each answer that has its end
    """

    def __init__(
        self,
        store: Store,
        apps: Apps,
        changes: Changes,
        files: Files,
        register: Register,
        *,
        begin: Callable[[Generation], None],
        on_end: Callable[[Ended], None],
    ) -> None:
        self._store = store
        self._apps = apps
        self._changes = changes
        self._register = register
        self._begin = begin
        self._on_end = on_end
        self._repairs = Repairs(store, changes, files, go_on=partial(self._go_on, was=Status.INTERRUPTED))
        self._waiting = Waiting(store, go_on=partial(self._go_on, was=Status.WAITING), give_up=self._give_up)

    def take(self, generation: Generation, reply: Reply) -> None:
        """Look after one that has just been kept, if there may be more to it."""
        if reply.status is Status.INTERRUPTED:
            self._repairs.begin(generation.app, generation.left(reply))
        elif reply.status is Status.WAITING:
            self.wait(generation.app, generation.left(reply))

    def wait(self, app: App, left: Leftover, *, soon: bool = False) -> None:
        """Look after one that waits for a person. :param soon: something has happened to it"""
        self._waiting.begin(app, left, soon=soon)

    def forget(self, message_id: str) -> None:
        """It waits no more."""
        self._waiting.forget(message_id)

    async def end(self, app: App, left: Leftover, reply: Reply) -> None:
        """Give one that waits its end. :raises StoreUnavailable: it waits still"""
        self.forget(left.message_id)
        if await saving.end(self._store, left.message_id, reply, unread=True, was=Status.WAITING, prices=app.prices):
            self._on_end(Ended(app.slug, reply.status))
        self._register.count_end()
        self._changes.bump(left.user_id, left.conversation_id)

    async def find(self) -> None:
        """Those of processes that are no more; see `Generations.repair_leftovers`."""
        since = now() - REPAIRABLE
        for leftover in await self._store.read(leftovers.abandoned):
            if leftover.message_id not in self._register:
                asks = leftover.reply.open_form is not None  # it died just before it could be kept as waiting
                dead = replay([Paused() if asks else Interrupted(Failure('process_ended'))], leftover.reply)
                prices = self._prices(leftover.app)
                await saving.end(self._store, leftover.message_id, dead, unread=False, prices=prices)
                if dead.status.is_final:
                    self._on_end(Ended(leftover.app, dead.status))
        for waiting in await self._store.read(leftovers.waiting):
            with contextlib.suppress(NotFound):
                self.wait(self._apps.get(waiting.app), waiting, soon=True)
        for broken in await self._store.read(leftovers.broken, since=since):
            with contextlib.suppress(NotFound):  # the app may be gone from the settings
                self._repairs.begin(self._apps.get(broken.app), broken)

    async def close(self) -> None:
        await self._repairs.close()
        await self._waiting.close()

    async def _go_on(self, app: App, left: Leftover, was: Status) -> bool:
        """Write an answer again whose run goes on. `False` if that must wait, or somebody else does it."""
        if self._register.is_closed or left.message_id in self._register:
            return False
        try:
            begun = await self._store.write(answers.go_on, message_id=left.message_id, was=was)
        except (NotFound, Refused):
            return False
        goes_on = GoingOn(was_broken=was is Status.INTERRUPTED, catch_up=True)
        self._begin(Generation(begun, app, user_id=left.user_id, dify_user=left.dify_user, goes_on=goes_on))
        return True

    async def _give_up(self, app: App, left: Leftover) -> None:
        """Nobody has answered in time."""
        form = left.reply.open_form
        expired = [FormChanged(replace(form, expired=True))] if form else []
        await self.end(app, left, replay([*expired, Failed(Failure('form_expired'))], left.reply))

    def _prices(self, app: str) -> Sequence[Price]:
        try:
            return self._apps.get(app).prices
        except NotFound:  # it may be gone from the settings
            return ()
