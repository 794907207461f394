"""What assistants make. Upstream shows it for minutes at an address that pages must never see, so it becomes ours."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace

from webapp.apps import Apps
from webapp.background import Tasks
from webapp.changes import Changes
from webapp.chat.message import FilePart
from webapp.clock import now
from webapp.errors import AppError, NotFound, Refused, StoreUnavailable, UpstreamError
from webapp.files import content, keeping, written
from webapp.files.addresses import made_id
from webapp.store import files
from webapp.store.database import Store
from webapp.store.files import File, Origin, Source
from webapp.upstream import records

logger = logging.getLogger(__name__)

MOST_BYTES = 100 * 1024 * 1024
FETCH_SECONDS = 300.0
ATTEMPTS = (0.0, 2.0, 15.0)  # seconds before each; afterwards only when a browser asks
AT_ONCE = 4
MOST_WRITTEN = 20  # of one answer that stand in its text alone, where anybody can have them written
LOOK_SECONDS = 60.0  # for which a look into history is good; what it finds is for minutes
GONE = {403, 404}  # what upstream says of an address that has expired


class Made:
    """Fetches each file once, whoever asks for it at the same time."""

    def __init__(self, store: Store, apps: Apps, changes: Changes) -> None:
        self._store = store
        self._apps = apps
        self._changes = changes
        self._fetching: dict[str, asyncio.Task[File]] = {}
        self._looks: dict[Origin, asyncio.Task[list[FilePart]]] = {}
        self._followers = Tasks()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def adopt(self, message_id: str, user_id: str, app: str, parts: Iterable[FilePart]) -> None:
        """Note files before any page hears of them, and fetch them soon."""
        for part in parts:
            file = _file(message_id, user_id, app, part)
            try:
                if part.is_written and await self._has_enough(message_id, file):
                    logger.info('file %s is one too many in the text of an answer', file.id)
                    continue
                await self._store.write(files.adopt, file=file, message_id=message_id)
            except StoreUnavailable as error:
                logger.warning('file %s could not be noted: %s', file.id, error)
                continue
            self._followers.start(self._follow(file))

    async def fetch(self, file: File) -> File:
        """Make sure that its bytes are here.

        :raises NotFound: nobody has it any more
        :raises UpstreamError: it can't be had now
        """
        task = self._fetching.get(file.id)
        if task is None:
            task = self._fetching[file.id] = asyncio.create_task(self._fetch(file))
            task.add_done_callback(lambda done: self._forget(file.id, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        await self._followers.close()
        fetching = [*self._fetching.values(), *self._looks.values()]
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)

    async def _has_enough(self, message_id: str, file: File) -> bool:
        """Whether an answer has as many files as its text may lead to, and this is another one."""
        known = (await self._store.read(files.of_messages, message_ids=[message_id])).get(message_id, [])
        made = {other.id for other in known if other.source is Source.ASSISTANT}
        return len(made) >= MOST_WRITTEN and file.id not in made

    async def _follow(self, file: File) -> None:
        for pause in ATTEMPTS:
            await asyncio.sleep(pause)
            try:
                await self.fetch(file)
            except NotFound:
                return
            except AppError as error:
                logger.info('file %s is not here yet: %s', file.id, error)
            else:
                return

    async def _fetch(self, asked: File) -> File:
        file = await self._store.read(files.get, user_id=asked.user_id, file_id=asked.id)
        if file.is_kept:
            return file
        if not file.upstream_id:
            raise NotFound
        try:
            async with self._places, asyncio.timeout(FETCH_SECONDS):
                return await self._download_somehow(file)
        except TimeoutError:
            raise UpstreamError('stream_silent', 'a file that does not end') from None

    async def _download_somehow(self, file: File) -> File:
        try:
            if file.upstream_url:
                return await self._download(file, file.upstream_url)
        except UpstreamError as error:
            if error.status not in GONE:
                raise
        try:
            return await self._download(file, await self._newer_address(file))
        except UpstreamError as error:
            if error.status not in GONE:
                raise
            raise NotFound from error

    async def _download(self, file: File, url: str) -> File:
        async with self._apps.get(file.app).client.file(url, is_courtesy=True) as answer:
            if answer.size is not None and answer.size > MOST_BYTES:
                return await self._give_up(file, f'{answer.size} bytes')
            try:
                size, head = await keeping.keep(self._store, file.id, answer.body, most=MOST_BYTES)
            except Refused as error:
                return await self._give_up(file, error.code)
            if answer.size is not None and size != answer.size:
                raise UpstreamError('stream_cut', f'{size} of {answer.size} bytes of a file')
        kept = await self._store.write(files.complete, file=_described(file, size, head))
        self._tell(file)
        return kept

    async def _give_up(self, file: File, why: str) -> File:
        logger.warning('file %s is not kept: %s', file.id, why)
        while await self._store.write(files.strip, file_id=file.id):
            pass
        await self._store.write(files.give_up, file_id=file.id)
        self._tell(file)
        raise NotFound

    def _tell(self, file: File) -> None:
        """Pages that show its name may show the file itself now."""
        if file.conversation_id:
            self._changes.bump(file.user_id, file.conversation_id)

    async def _newer_address(self, file: File) -> str:
        """History signs its files anew at each reading. :raises NotFound: it does not know this one

        Only what upstream itself has on record as a file of the message counts. It signs the addresses in a text, too,
        without asking whose files they are, and a text holds whatever somebody had written there. A picture that stands
        in a text alone, and was not fetched while its address was good, is lost with that: it is fetched at once, while
        the answer is still being written.
        """
        origin = await self._store.read(files.origin, file_id=file.id)
        look = self._looks.get(origin)
        if look is None:  # one for all files of the message, however many are refused
            look = self._looks[origin] = asyncio.create_task(self._look(origin))
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._looks.pop, origin, None)
        for part in await asyncio.shield(look):
            if part.url and file.upstream_id in {part.id, written.key(part.url)}:
                return part.url
        raise NotFound

    async def _look(self, origin: Origin) -> list[FilePart]:
        """The files that history has on record for a message, with addresses that are good for minutes."""
        page = await self._apps.get(origin.app).client.history(origin.conversation_id, user=origin.dify_user)
        replies = [message.reply for message in page.items if message.id == origin.message_id]
        return [part for reply in replies for part in reply.parts if isinstance(part, FilePart)]

    def _forget(self, file_id: str, done: asyncio.Task[File]) -> None:
        self._fetching.pop(file_id, None)
        if not done.cancelled() and (error := done.exception()) and not isinstance(error, AppError):
            logger.error('fetching file %s ended with a bug', file_id, exc_info=error)


def _file(message_id: str, user_id: str, app: str, part: FilePart) -> File:
    """As it is announced, before its bytes say what it is."""
    return File(
        id=made_id(message_id, part),
        user_id=user_id,
        app=app,
        source=Source.ASSISTANT,
        kind=part.type,
        name=records.file_name(part.name or part.type),
        media_type=content.BYTES,
        size=part.size,
        created_at=now(),
        upstream_id=part.id,
        upstream_url=part.url,
    )


def _described(file: File, size: int, head: bytes) -> File:
    """As its bytes tell. What can't be shown in place is a download; nothing that was made is refused."""
    try:
        found = content.examine(file.name, head[: content.HEAD])
        width, height = content.pixels(found, head) or (None, None)
    except Refused:
        found, width, height = content.Content(file.name, content.BYTES), None, None
    return replace(file, name=found.name, media_type=found.media_type, size=size, width=width, height=height)
