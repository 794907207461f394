"""What people have made with the apps: theirs to read and to change, while the app is open to them.

A closed app hides it, to its owner too. It is kept, and there again when the app opens again. Within a page of another
site only what was begun there is at hand: that page may ask in the person's stead, and perhaps reads along.
"""

from webapp.apps import Apps
from webapp.errors import NotFound
from webapp.principal import Principal
from webapp.store import conversations, files, messages
from webapp.store.conversations import Conversation
from webapp.store.database import Store
from webapp.store.files import File, Source
from webapp.store.messages import Message


class Belongings:
    def __init__(self, store: Store, apps: Apps) -> None:
        self._store = store
        self._apps = apps

    async def conversation(self, principal: Principal, conversation_id: str) -> Conversation:
        """:raises NotFound: there is none, it is somebody else's, or its app is closed to them"""
        found = await self._store.read(conversations.get, user_id=principal.user_id, conversation_id=conversation_id)
        self._apps.open(principal, found.app)
        if principal.embed not in {'', found.embed}:
            raise NotFound  # what was said elsewhere is no business of that page's
        return found

    async def message(self, principal: Principal, message_id: str) -> Message:
        """:raises NotFound: as `conversation`"""
        found = await self._store.read(messages.owned, user_id=principal.user_id, message_id=message_id)
        await self.conversation(principal, found.conversation_id)
        return found

    async def file(self, principal: Principal, file_id: str) -> File:
        """:raises NotFound: as `conversation`"""
        found = await self._store.read(files.get, user_id=principal.user_id, file_id=file_id)
        if found.source is not Source.TEXT:  # a text waits for whatever app it is sent to
            self._apps.open(principal, found.app)
        return found
