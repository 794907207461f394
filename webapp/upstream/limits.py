"""How long and how much upstream may take. Every limit ends in a plain failure, never in a hang or a full memory."""

from dataclasses import dataclass

MAX_FRAME = 16 * 1024 * 1024  # bytes of one event; workflow events carry whole documents
MAX_SKIPPED = 4 * MAX_FRAME  # bytes of frames beyond that before we give up
MAX_BAD_FRAMES = 100  # in a row
MAX_TEXT = 20 * 1024 * 1024  # characters of one answer, reasoning and withdrawn text included
MAX_JSON = 32 * 1024 * 1024  # bytes of an answer in one piece
MAX_ERROR = 256 * 1024  # bytes read of an error page
MAX_STEPS = 500  # tool calls and nodes of one answer
MAX_FILES = 100
MAX_FORMS = 20
MAX_CITATIONS = 100


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """All in seconds."""

    connect: float = 10
    first_byte: float = 300  # Dify sends no headers before the first token; a blocking answer comes whole
    silence: float = 60  # between any two bytes of a stream; pings count as life
    total: float = 1260  # a stream in all: a little over Dify's own limit for a run
    model: float = 120  # calls that wait for a model: titles, suggested questions, speech
    call: float = 30  # every other call
    upload: float = 300
    keepalive: float = 1.5  # Dify's own server closes idle connections after 2
    after_end: float = 1  # how long an ended stream may take to close by itself
    after_half_end: float = 5  # between `message_end` and `workflow_finished`, which come in either order
    after_error: float = 2
    speech: float = 10  # between the end of an answer that is read aloud and its voice, and between two pieces of that
    busy_pause: float = 1  # before a message refused as too busy is sent again; doubles, with jitter
    busy_pause_at_most: float = 10  # also when the server asks for more
