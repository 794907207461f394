"""Answers read aloud, and words heard, by the voice and the ear of the app. No sound is ever kept."""

import contextlib
import logging
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import filetype

from webapp import markdown
from webapp.apps import App, Apps
from webapp.belongings import Belongings
from webapp.chat.message import Status
from webapp.errors import NotFound, Refused, UpstreamError
from webapp.files import content
from webapp.generations import Generations
from webapp.principal import Principal
from webapp.store.database import Store
from webapp.store.limits import Scope
from webapp.throttle import Throttle
from webapp.upstream.parameters import Parameters
from webapp.voices import Voices

logger = logging.getLogger(__name__)

FIRST, PIECE = 300, 1000  # characters at once; the first ones are few, so that they are heard soon
SENTENCE = re.compile(r'(?<=[.!?…])["\'”’)\]]*\s+|(?<=[。！？])|\n')
AUDIO = frozenset({
    'audio/aac', 'audio/flac', 'audio/m4a', 'audio/mp3', 'audio/mp4', 'audio/mpeg', 'audio/ogg', 'audio/opus',
    'audio/vnd.wave', 'audio/wav', 'audio/wave', 'audio/webm', 'audio/x-flac', 'audio/x-m4a', 'audio/x-wav',
})  # fmt: skip
MOST_SOUND = 32 * 1024 * 1024  # bytes of one piece
SECONDS = 120  # of a recording
MOST_RECORDED = SECONDS * 16_000 * 2 + 64 * 1024  # bytes: 16 kHz, mono, 16 bits, and room for a head
RECORDING = 'speech.wav'
WHOLE = 'whole'
FIRST_SOUND = 8.0  # seconds; a page waits no longer than ten
VOICE = 'audio/mpeg'  # what upstream speaks unasked
WAV = 'audio/wav'  # one of the five types that Dify takes; browsers' own formats are not among them
MOST_WORDS = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of an answer, as it comes."""

    media_type: str
    body: AsyncIterator[bytes]


class Speech:
    def __init__(self, store: Store, apps: Apps, generations: Generations, throttle: Throttle, voices: Voices) -> None:
        self._apps = apps
        self._generations = generations
        self._belongings = Belongings(store, apps)
        self._throttle = throttle
        self._voices = voices

    async def pieces(self, principal: Principal, message_id: str) -> list[str]:
        """The names of the pieces in which an answer of the principal's is read: `WHOLE` if upstream speaks by itself,
        else numbers; none if there is nothing to read.

        :raises NotFound: none of theirs, or not complete
        :raises Refused: `speech_off`
        """
        _, words = await self._words(principal, message_id)
        voice = self._voices.of(message_id)
        if voice and await voice.is_heard(within=FIRST_SOUND):
            return [WHOLE]
        return [str(piece) for piece in range(len(words))]

    async def whole(self, principal: Principal, message_id: str) -> Sound:
        """An answer as upstream has spoken it, or is speaking it still.

        :raises NotFound: as `pieces`, or upstream does not speak it
        :raises Refused: `speech_off`
        """
        await self._words(principal, message_id)
        voice = self._voices.of(message_id)
        if voice is None or not voice.size:
            raise NotFound
        sound = voice.listen()
        first = await anext(sound)
        return Sound(_sniffed(first) or VOICE, _all_of(first, sound))

    @contextlib.asynccontextmanager
    async def say(self, principal: Principal, message_id: str, piece: int) -> AsyncIterator[Sound]:
        """One piece of an answer aloud, from 0 on.

        :raises NotFound: as `pieces`, or it has no such piece
        :raises Refused: `speech_off`; `LimitReached`
        :raises UpstreamError: `speech_failed`
        """
        app, words = await self._words(principal, message_id)
        if not 0 <= piece < len(words):
            raise NotFound
        hits = await self._throttle.person(Scope.SPEECH, principal)
        async with contextlib.AsyncExitStack() as stack:
            try:
                spoken = app.client.text_to_audio(words[piece], user=principal.dify_user)
                answer = await stack.enter_async_context(spoken)
                first = await anext(answer.body, b'')
                kind = _kind(answer.media_type, first)
            except UpstreamError as error:
                logger.info('upstream did not speak: %s', error)
                await self._throttle.give_back(hits)
                raise UpstreamError('speech_failed', error.detail, status=502) from error
            yield Sound(kind, _all_of(first, answer.body))

    async def hear(self, principal: Principal, app: str, recording: bytes) -> str:
        """What is said in a recording, a WAV; '' for nothing.

        :raises NotFound: no such app, or not for them
        :raises Refused: `hearing_off`, `recording_unfit`, `recording_too_long`; `LimitReached`
        :raises UpstreamError: `hearing_failed`
        """
        target = self._apps.open(principal, app)
        if not (await _about(target, 'hearing_failed')).hears:
            raise Refused('hearing_off')
        if len(recording) > MOST_RECORDED:
            raise Refused('recording_too_long', status=413)
        if not _is_wav(recording):
            raise Refused('recording_unfit', status=415)
        hits = [
            *await self._throttle.person(Scope.SPEECH, principal),
            *await self._throttle.person(Scope.UPLOADS, principal, len(recording)),
        ]
        try:
            words = await target.client.audio_to_text(RECORDING, recording, WAV, user=principal.dify_user)
        except UpstreamError as error:
            logger.info('upstream did not hear: %s', error)
            await self._throttle.give_back(hits)
            raise UpstreamError('hearing_failed', error.detail, status=502) from error
        return words.strip()[:MOST_WORDS]

    async def _words(self, principal: Principal, message_id: str) -> tuple[App, Sequence[str]]:
        generation = self._generations.of(message_id)  # its row may be a moment behind what the page shows
        message = await self._belongings.message(principal, message_id)
        reply = generation.reply if generation else message.reply
        conversation = await self._belongings.conversation(principal, message.conversation_id)
        app = self._apps.get(conversation.app)
        if reply.status is not Status.COMPLETE:
            raise NotFound
        if not (await _about(app, 'speech_failed')).speech.is_enabled:
            raise Refused('speech_off')
        return app, pieces(markdown.spoken(reply.text))


def pieces(words: str) -> list[str]:
    """Words as they are spoken one after the other, cut between sentences where there are any."""
    found: list[str] = []
    start = 0
    while start < len(words):
        room = PIECE if found else FIRST
        end = start + room if start + room < len(words) else len(words)
        if end < len(words):
            end = _cut(words, start, end)
        if piece := words[start:end].strip():
            found.append(piece)
        start = end
    return found


def _cut(words: str, start: int, end: int) -> int:
    """The end of the last sentence that has room, else of the last word."""
    ends = [match.end() for match in SENTENCE.finditer(words, start, end)]
    if ends:
        return ends[-1]
    return max(words.rfind(' ', start, end), start) + 1 if ' ' in words[start + 1 : end] else end


async def _about(app: App, code: str) -> Parameters:
    try:
        return (await app.about()).parameters
    except UpstreamError as error:
        raise UpstreamError(code, error.detail, status=502) from error


def _kind(media_type: str, first: bytes) -> str:
    """The type of a sound: as Dify says, or by its first bytes if it says nothing. :raises UpstreamError: it is none"""
    if media_type in AUDIO and first:
        return media_type
    kind = _sniffed(first)
    if not kind:
        raise UpstreamError('speech_failed', f'{media_type or "nothing"} in place of sound')
    return kind


def _sniffed(first: bytes) -> str:
    """What it looks like; '' if that is no sound."""
    found = filetype.guess(first) if first else None
    return str(found.mime) if found and found.mime in AUDIO else ''


async def _all_of(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The head is out: all that an error can do from here on is to end the sound early."""
    size = len(first)
    yield first
    try:
        async for block in rest:
            size += len(block)
            if size > MOST_SOUND:
                logger.warning('upstream spoke for too long')
                return
            yield block
    except UpstreamError as error:
        logger.warning('upstream stopped speaking: %s', error)


def _is_wav(recording: bytes) -> bool:
    try:
        return content.examine(RECORDING, recording[: content.HEAD]).media_type == 'audio/x-wav'
    except Refused:
        return False
