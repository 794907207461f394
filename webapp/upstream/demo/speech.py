"""Sound both ways, without pretence: the demo has neither a voice nor ears.

Read aloud, each word is a tone, the longer the word the lower. Of a recording it says how long it is, and that it has
understood nothing; of a silent one it says nothing.
"""

import base64
import io
import math
import struct
import wave
from collections.abc import AsyncIterator, Iterator

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from webapp.upstream.demo.payloads import body, user_of
from webapp.upstream.demo.responses import ApiError, answer, invalid
from webapp.upstream.demo.state import demo_of
from webapp.upstream.demo.turn import Frame, Turn

VOICE = 'tones'
RATE = 16_000  # samples a second
TONE, PAUSE = 0.16, 0.05  # seconds
MOST_WORDS = 600
HIGHEST, LOWEST = 660.0, 220.0  # Hz
LOUD = 6000  # of 32767
TYPES = {f'audio/{kind}' for kind in ('mp3', 'm4a', 'wav', 'amr', 'mpga')}
MOST_MEGABYTES = 30
BROKEN = 'speechless'  # a text that begins so can't be spoken


async def text_to_audio(request: Request) -> Response:
    given = await body(request)
    user_of(given)
    if not demo_of(request).abilities.speaks:
        raise invalid('TTS is not enabled')
    text = given.get('text')
    if not isinstance(text, str) or not text:
        raise invalid('Text is required')
    if text.startswith(BROKEN):
        raise ApiError(400, 'provider_not_initialize', 'Model demo credentials is not initialized.')
    return StreamingResponse(_spoken(text.split()[:MOST_WORDS]), media_type='audio/wav')


async def audio_to_text(request: Request) -> Response:
    if not demo_of(request).abilities.hears:
        raise invalid('Speech to text is not enabled')
    try:
        async with request.form(max_files=1, max_fields=5) as form:
            part = form.get('file')
            if not isinstance(part, UploadFile):
                text = 'The browser (or proxy) sent a request that this server could not understand.'
                raise ApiError(400, 'bad_request_key_error', text)
            kind, content = part.content_type, await part.read()
    except (HTTPException, MultiPartException) as error:
        raise ApiError(400, 'no_audio_uploaded', 'Please upload your audio.') from error
    if kind not in TYPES:
        raise ApiError(415, 'unsupported_audio_type', 'Audio type not allowed.')
    if len(content) > MOST_MEGABYTES * 1024 * 1024:
        raise ApiError(413, 'audio_too_large', f'Audio size larger than {MOST_MEGABYTES} mb')
    return answer({'text': _heard(content)})


async def aloud(frames: AsyncIterator[Frame], turn: Turn) -> AsyncIterator[Frame]:
    """The frames of an answer, and behind them its voice, as an app sends it that reads answers aloud unasked."""
    async for frame in frames:
        yield frame
        if frame['event'] != 'message_end' or turn.stopped:
            continue
        async for sound in _spoken(turn.text.split()[:MOST_WORDS]):
            yield turn.frame('tts_message', audio=base64.b64encode(sound).decode())
        yield turn.frame('tts_message_end', audio='')


async def _spoken(words: list[str]) -> AsyncIterator[bytes]:
    """A WAV, a word at a time."""
    size = 2 * round(RATE * (TONE + PAUSE)) * len(words)
    form = (16, 1, 1, RATE, 2 * RATE, 2, 16)  # of PCM: mono, 16 bits
    yield struct.pack('<4sI4s4sIHHIIHH4sI', b'RIFF', 36 + size, b'WAVE', b'fmt ', *form, b'data', size)
    for word in words:
        yield struct.pack(f'<{round(RATE * (TONE + PAUSE))}h', *_tone(word))


def _tone(word: str) -> Iterator[int]:
    pitch = max(LOWEST, HIGHEST / (1 + 0.12 * len(word)))
    length = round(RATE * TONE)
    for at in range(round(RATE * (TONE + PAUSE))):
        swell = math.sin(math.pi * at / length) if at < length else 0.0  # so that nothing clicks
        yield round(LOUD * swell * math.sin(2 * math.pi * pitch * at / RATE))


def _heard(content: bytes) -> str:
    try:
        with wave.open(io.BytesIO(content)) as sound:
            seconds = sound.getnframes() / sound.getframerate()
            is_silent = not any(sound.readframes(sound.getnframes()))
    except (wave.Error, EOFError):
        return "A recording. This demo can't understand speech."
    return '' if is_silent else f"A recording of {seconds:.1f} seconds. This demo can't understand speech."
