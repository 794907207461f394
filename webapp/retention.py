"""Lets go what has been kept for long enough: once a day beside the server, or when the command asks for it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from webapp import clock
from webapp.errors import Refused, StoreUnavailable
from webapp.store import chores, retention
from webapp.store.audit import Party
from webapp.store.database import Store
from webapp.store.retention import CHORE, Due, Kind, Rules

logger = logging.getLogger(__name__)

NOBODY = Party()
PERIOD = timedelta(days=1)
PACE = 600.0  # seconds between two looks whether it is time


class Retention:
    """:param on_gone: told the owner and the id of each conversation that has gone
    :param on_work: told, each of them, when upstream is to hear of something, and files are to be swept
    """

    def __init__(
        self,
        store: Store,
        rules: Rules,
        *,
        on_gone: Callable[[str, str], object] = lambda user_id, conversation_id: None,
        on_work: Sequence[Callable[[], object]] = (),
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._store = store
        self._rules = rules
        self._on_gone = on_gone
        self._on_work = on_work
        self._now = now
        self._me = uuid4().hex

    async def run(self) -> None:
        """Once a day, in one of all processes that share the database; nothing, if everything is kept."""
        while self._rules.before(self._now()):
            try:
                await self.work(done_before=self._now() - PERIOD)
            except StoreUnavailable as error:
                logger.warning('what is old stays for now: %s', error)
            except Refused as error:
                logger.warning('retention is left to another process: %s', error)
            await asyncio.sleep(PACE)

    async def preview(self) -> list[Due]:
        """What would go now."""
        before = self._rules.before(self._now())
        return [await self._store.read(retention.preview, kind=kind, before=before) for kind in before]

    async def work(self, *, done_before: datetime | None = None, actor: Party = NOBODY) -> dict[str, int] | None:
        """Let everything go that is old enough; how much of what.

        :param done_before: see `chores.claim`
        :return: None if another process is at it, or it has been done
        :raises Refused: `chore_lost`: we were so slow that another process has taken it over
        """
        began = self._now()
        if not await self._store.write(chores.claim, name=CHORE, holder=self._me, now=began, done_before=done_before):
            return None
        before = self._rules.before(began)
        for kind in before:
            await self._let_go(kind, before)
            for tell in self._on_work:
                tell()
        while await self._store.write(retention.strip, holder=self._me, now=self._now()):
            pass
        counts = await self._store.write(
            retention.finish, rules=self._rules, holder=self._me, actor=actor, now=self._now()
        )
        logger.info('retention: gone are %s', counts or 'none')
        return counts

    async def _let_go(self, kind: Kind, before: dict[Kind, datetime]) -> None:
        """Piece after piece; between two of them everybody else has a turn."""
        due = await self._store.read(retention.due, kind=kind, before=before, after=None)
        while due:
            last, ids = due[-1], [place.id for place in due]
            while ids:
                gone = await self._store.write(
                    retention.let_go, kind=kind, before=before, ids=ids, holder=self._me, now=self._now()
                )
                ids = ids[gone.handled :]
                for user_id, conversation_id in gone.conversations:
                    self._on_gone(user_id, conversation_id)
            due = await self._store.read(retention.due, kind=kind, before=before, after=last)
