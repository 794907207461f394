"""The files of people and assistants, for pages, routes and the writing of answers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import BinaryIO
from uuid import uuid4

from webapp import clock, inputs
from webapp.apps import App, Apps
from webapp.belongings import Belongings
from webapp.changes import Changes
from webapp.chat import form as forms
from webapp.chat.message import FilePart
from webapp.errors import NotFound, Refused, UpstreamError
from webapp.files import content, keeping, links, rules
from webapp.files.content import Content
from webapp.files.links import Links
from webapp.files.made import Made
from webapp.files.sweeper import Sweeper
from webapp.limits import NO_LIMITS, Limits
from webapp.principal import Principal
from webapp.store import files
from webapp.store.database import Store
from webapp.store.files import File, Source
from webapp.store.limits import Scope
from webapp.throttle import Throttle
from webapp.upstream import records
from webapp.upstream.parameters import Uploads

logger = logging.getLogger(__name__)

UNSENT = timedelta(days=1)  # how long an upload waits for its question
MOST_TEXT_BYTES = 8_000_000
LINK_BYTES = 64 * 1024  # as which a link counts: it makes us ask a server
STATUSES = {'file_too_large': 413, 'file_rejected': 415, 'too_busy': 503}  # of ours, when upstream refuses an upload


class Files:
    """Every file has one owner; to everybody else it does not exist."""

    def __init__(
        self,
        store: Store,
        apps: Apps,
        changes: Changes,
        *,
        limits: Limits = NO_LIMITS,
        links: Links | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        """:param links: looks where links lead; without it nobody may attach any"""
        self._store = store
        self._apps = apps
        self._links = links
        self._belongings = Belongings(store, apps)
        self._made = Made(store, apps, changes)
        self._sweeper = Sweeper(store)
        self._limits = limits
        self._throttle = Throttle(store, limits, now=now)
        self._now = now

    async def upload(
        self,
        principal: Principal,
        *,
        app: str,
        name: str,
        stream: BinaryIO,
        field: str = '',
        message: str = '',
        form: str = '',
    ) -> File:
        """Take in a file for a question that will be sent to an app. Cancelled, it leaves nothing here.

        :param name: as the browser says it; the file gets the one that its content bears out
        :param field: of the app's form that it is for, '' for a message
        :param message: the answer, if it is for a `field` of a `form` in it
        :raises NotFound: no such app or answer, or not theirs to use
        :raises Refused: `upload_off`, `file_kind`, `file_mismatch`, `file_too_large`, `empty_file`;
            `LimitReached`: these are more bytes than they may send in a day
        :raises UpstreamError: upstream can't be asked, or does not take it
        """
        target = self._apps.open(principal, app)
        try:
            uploads = await self._uploads(principal, target, field, message, form)
            head = await asyncio.to_thread(_head, stream)
            if not head:
                raise Refused('empty_file', status=400)
            found = content.examine(records.file_name(name), head[: content.HEAD])
            kind, most = rules.admit(uploads, found.name)
            size = stream.seek(0, 2)
            if size > most or 0 < self._limits.upload_bytes < size:
                raise Refused('file_too_large', status=413)
            width, height = await asyncio.to_thread(content.pixels, found, head) or (None, None)
            upstream_id = await self._send(principal, target, found, stream, size)
        except UpstreamError as error:
            logger.info('upstream did not take a file: %s', error)
            raise UpstreamError(error.code, error.detail, status=STATUSES.get(error.code, 502)) from error
        file = File(
            id=uuid4().hex,
            user_id=principal.user_id,
            app=app,
            source=Source.USER,
            kind=kind,
            name=found.name,
            media_type=found.media_type,
            size=size,
            created_at=self._now(),
            width=width,
            height=height,
            upstream_id=upstream_id,
        )
        return await self._keep(file, stream)

    @property
    def takes_links(self) -> bool:
        return self._links is not None

    async def link(
        self, principal: Principal, *, app: str, url: str, field: str = '', message: str = '', form: str = ''
    ) -> File:
        """Take in the address of a file elsewhere, for a question that will be sent to an app.

        :param field, message, form: as for `upload`
        :raises NotFound: no such app, or not theirs to use
        :raises Refused: `upload_off`, `file_kind`, `file_mismatch`, `file_too_large`, and as `links`;
            `LimitReached`: each counts as a small upload
        :raises UpstreamError: upstream can't be asked what it takes
        """
        target = self._apps.open(principal, app)
        if self._links is None:
            raise Refused('upload_off', status=403)
        link = links.read(url)
        uploads = await self._uploads(principal, target, field, message, form)
        kind = rules.admit_link(uploads, link.name)
        await self._throttle.person(Scope.UPLOADS, principal, LINK_BYTES)
        head = await self._links.check(link)
        if not rules.fits(kind, head.media_type):
            raise Refused('file_mismatch', f'{head.media_type} in place of {kind}', status=415)
        if head.size is not None and head.size > rules.most_bytes(uploads, kind):
            raise Refused('file_too_large', status=413)
        file = File(
            id=uuid4().hex,
            user_id=principal.user_id,
            app=app,
            source=Source.LINK,
            kind=kind,
            name=link.name,
            media_type=head.media_type,
            size=head.size,
            created_at=self._now(),
            upstream_url=link.url,
        )
        await self._store.write(files.add, file=file)
        return file

    async def check_links(self, sent: Iterable[File], *, may_be_gone: bool = False) -> None:
        """Look once more where links lead, before upstream is told of them.

        :param may_be_gone: they need lead nowhere any more
        :raises Refused: as `link`
        """
        for file in sent:
            if file.link:
                if self._links is None:
                    raise Refused('upload_off', status=403)
                try:
                    await self._links.check(links.read(file.link))
                except Refused as refused:
                    if not (may_be_gone and refused.code == 'link_unreachable'):
                        raise

    async def find(self, principal: Principal, file_id: str) -> File:
        """A file of the principal's, with all its bytes here.

        :raises NotFound: there is none, it is somebody else's, its app is closed to them, or nobody has its bytes
            any more
        :raises UpstreamError: an assistant's file that can't be had right now
        """
        file = await self._belongings.file(principal, file_id)
        if file.is_kept and file.source is not Source.TEXT:
            return file
        if file.source is not Source.ASSISTANT:
            raise NotFound
        try:
            return await self._made.fetch(file)
        except UpstreamError as error:
            raise UpstreamError('file_unavailable', str(error), status=502) from error

    def read(self, file: File, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `stop`, a megabyte at a time. :raises NotFound: deleted meanwhile"""
        return keeping.read(self._store, file, start, stop)

    async def hold_text(self, principal: Principal, data: bytes) -> str:
        """Hold a question that is too long for a socket; the id by which it is sent. The last few are held for a day.

        Its bytes count as those of an upload, also when the text gives way to another.

        :raises Refused: `too_long`, `empty_query`, or it is no UTF-8;
            `LimitReached`: these are more bytes than they may send in a day
        """
        if len(data) > MOST_TEXT_BYTES:
            raise Refused('too_long', status=413)
        try:
            words = data.decode()
        except UnicodeDecodeError:
            raise Refused(detail='no UTF-8', status=400) from None
        if not words.strip():
            raise Refused('empty_query', status=400)
        text = File(
            id=uuid4().hex,
            user_id=principal.user_id,
            app='',
            source=Source.TEXT,
            kind='',
            name='',
            media_type='text/plain',
            size=len(data),
            created_at=self._now(),
        )
        await self._throttle.person(Scope.UPLOADS, principal, len(data))
        await self._store.write(files.hold_text, file=text, data=data)
        return text.id

    async def take_text(self, principal: Principal, text_id: str) -> str:
        """A text that is held. It stays for a while: a browser that heard no answer sends its question again.

        :raises NotFound: there is none, or it is somebody else's
        """
        return await self._store.read(files.text, user_id=principal.user_id, file_id=text_id)

    async def adopt(self, message_id: str, *, user_id: str, app: str, parts: Iterable[FilePart]) -> None:
        """Files that an assistant has made: known at once, fetched soon. Call it before a page can show them."""
        await self._made.adopt(message_id, user_id, app, parts)

    async def purge(self) -> int:
        """Delete what was uploaded and never sent; how many they were."""
        old = await self._store.write(files.purge, before=self._now() - UNSENT)
        self.sweep_soon()
        return old

    async def sweep(self) -> None:
        """Remove what has been deleted, a few megabytes at a time, until cancelled."""
        await self._sweeper.run()

    def sweep_soon(self) -> None:
        """Something has been deleted: `sweep` has work."""
        self._sweeper.wake()

    async def close(self) -> None:
        await self._made.close()

    async def _uploads(self, principal: Principal, app: App, field: str, message: str, form: str) -> Uploads:
        """What may be attached there; nothing where nobody is asked for it any more."""
        parameters = (await app.about()).parameters
        if not form:
            return inputs.uploads(parameters, field)
        asking = await self._belongings.message(principal, message)
        conversation = await self._belongings.conversation(principal, asking.conversation_id)
        if conversation.app != app.slug:
            return Uploads()
        asked = [each for each in asking.reply.forms if each.id == form and each.is_open]
        found = [each for each in forms.fields(asked[0]) if each.name == field and each.is_file] if asked else []
        return inputs.uploads_asked(parameters, found[0]) if found else Uploads()

    async def _send(self, principal: Principal, app: App, found: Content, stream: BinaryIO, size: int) -> str:
        """Upstream's id for a file. Its bytes are counted before, so that many at once come to no more than one may."""
        hits = await self._throttle.person(Scope.UPLOADS, principal, size)
        try:
            stream.seek(0)
            taken = await app.client.upload(found.name, stream, found.media_type, user=principal.dify_user)
        except UpstreamError:
            await self._throttle.give_back(hits)
            raise
        return taken.id

    async def _keep(self, file: File, stream: BinaryIO) -> File:
        try:
            await self._store.write(files.add, file=file)
            await keeping.keep(self._store, file.id, keeping.blocks_of(stream), most=file.size or 0)
            return await self._store.write(files.complete, file=replace(file, is_kept=True))
        except BaseException:  # a browser that has gone cancels us
            await asyncio.shield(self._store.write(files.drop, file_id=file.id))
            self.sweep_soon()
            raise


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(content.IMAGE_HEAD)
