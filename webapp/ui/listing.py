"""A person's conversations with one app, as one page lists them."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from webapp.belongings import Belongings
from webapp.principal import Principal
from webapp.services import Services
from webapp.store import conversations
from webapp.store.conversations import Conversation
from webapp.ui import views
from webapp.ui.components.conversations import Conversations, Row

ROWS = 50  # at once


class Listing:
    """Keeps the sidebar equal to the store. Remembers what the browser was told, so that only changes travel.

    :param who: tells who the person is now: what is open to them may change while a page is
    :param href: where a conversation is found, by its id
    """

    def __init__(
        self,
        services: Services,
        sidebar: Conversations,
        *,
        who: Callable[[], Principal],
        app: str,
        href: Callable[[str], str],
    ) -> None:
        self._services = services
        self._belongings = Belongings(services.store, services.apps)
        self._sidebar = sidebar
        self._who = who
        self._user_id = who().user_id
        self._app = app
        self._href = href
        self._rows: dict[str, Row] = {}
        self._search = ''
        self._is_complete = False  # the browser has the oldest as well

    async def show(self, search: str = '') -> None:
        """Show the newest ones, of those that have `search` in their title."""
        self._search = search
        listed = await self._read()
        if search == self._search:
            self._rows = {}
            rows = self._take(listed)
            self._sidebar.show(rows, more=not self._is_complete, search=search)

    async def more(self, last: str, search: str) -> None:
        """Show those that follow `last`, if `search` is still what the person searches for."""
        if search != self._search:
            return
        listed = await self._read(after=await self._belongings.conversation(self._who(), last))
        if search == self._search:
            rows = self._take(listed)
            self._sidebar.extend(rows, more=not self._is_complete, search=search)

    async def rename(self, conversation_id: str, title: str) -> None:
        """:raises Refused: no title. :raises NotFound: as `Belongings.conversation`"""
        try:
            await self._belongings.conversation(self._who(), conversation_id)
            await self._services.store.write(
                conversations.rename, user_id=self._user_id, conversation_id=conversation_id, title=title
            )
        finally:
            if row := self._rows.get(conversation_id):
                self._rows[row.id] = replace(row, title=title)  # the browser shows the wish already
            self._services.changes.bump(self._user_id, conversation_id, messages=False)

    async def refresh(self, changed: Collection[str] | None) -> None:
        """Show how the `changed` ones stand now; None: read the list again."""
        if changed is None or self._search:  # what a search finds, the database decides
            await self._compare()
            return
        found = await self._services.store.read(
            conversations.some, user_id=self._user_id, ids=list(changed), embed=self._who().embed
        )
        if self._search:
            return  # its results are on their way
        self._discard(set(changed) - {conversation.id for conversation in found})
        for conversation in found:
            self._upsert(conversation)

    def _upsert(self, conversation: Conversation) -> None:
        row = self._row(conversation)
        known = self._rows.get(row.id)
        oldest = min((row.updated for row in self._rows.values()), default=0.0)
        belongs = conversation.app == self._app and (known or self._is_complete or row.updated >= oldest)
        if belongs and known != row:
            self._rows[row.id] = row
            self._sidebar.upsert(row)

    def _discard(self, conversation_ids: Iterable[str]) -> None:
        for conversation_id in conversation_ids:
            self._rows.pop(conversation_id, None)
            self._sidebar.discard(conversation_id)

    async def _compare(self) -> None:
        search = self._search
        listed = await self._read()
        if search != self._search:
            return
        fresh = {conversation.id for conversation in listed}
        oldest = min((c.updated_at.timestamp() for c in listed), default=0.0) if len(listed) == ROWS else 0.0
        self._discard([row.id for row in self._rows.values() if row.id not in fresh and row.updated >= oldest])
        for conversation in listed:
            self._upsert(conversation)

    async def _read(self, *, after: Conversation | None = None) -> list[Conversation]:
        return await self._services.store.read(
            conversations.page,
            user_id=self._user_id,
            app=self._app,
            embed=self._who().embed,
            search=self._search,
            before=after.cursor if after else None,
            limit=ROWS,
        )

    def _take(self, listed: list[Conversation]) -> list[Row]:
        rows = [self._row(conversation) for conversation in listed]
        self._rows |= {row.id: row for row in rows}
        self._is_complete = len(listed) < ROWS
        return rows

    def _row(self, conversation: Conversation) -> Row:
        running = conversation.id in self._services.generations.running.value
        return views.row_view(conversation, href=self._href(conversation.id), running=running)
