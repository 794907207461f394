"""What a real Dify was asked and what it said, byte for byte."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / 'recordings'
CUT = 'EOF-without-final-chunk'

Json = dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """One exchange.

    :ivar asked: method, path, headers, body
    :ivar chunks: the body as it came
    :ivar is_cut: the stream had no end: the server closed the connection, or whoever recorded did
    :ivar pieces_before_stop: how many of them had come when the person who asked stopped it
    """

    name: str
    app: str
    asked: Json
    status: int
    headers: Mapping[str, str]
    chunks: tuple[bytes, ...]
    is_cut: bool
    pieces_before_stop: int | None

    @property
    def body(self) -> bytes:
        return b''.join(self.chunks)

    @property
    def is_stream(self) -> bool:
        return 'text/event-stream' in self.headers['content-type']

    @property
    def frames(self) -> list[Json]:
        """The events of a stream, without pings; of an answer in one piece, that."""
        if not self.is_stream:
            return [json.loads(self.body)]
        return [json.loads(line[6:]) for line in self.body.split(b'\n') if line.startswith(b'data: ')]

    def of(self, *events: str) -> list[Json]:
        return [frame for frame in self.frames if frame.get('event') in events]

    @property
    def conversation_id(self) -> str:
        """Dify's; '' if it was refused."""
        return str(self.frames[0].get('conversation_id', ''))

    @property
    def created_at(self) -> int:
        return int(self.frames[0].get('created_at', 0))

    @property
    def question(self) -> Json:
        """What was asked; nothing where that was no JSON object."""
        body = self.asked.get('body')
        return body if isinstance(body, dict) else {}


@cache
def recording(name: str) -> Recording:
    path = next(path for kind in ('sse', 'http') if (path := FOLDER / f'{name}.{kind}').exists())
    head, _, body = path.read_bytes().partition(b'\r\n\r\n')
    status, *lines = head.decode().split('\r\n')
    about = json.loads((FOLDER / f'{name}.json').read_text())
    arrivals = about.get('arrivals_ms_bytes', [])
    sizes = [size for _, size in arrivals if size != CUT] if path.suffix == '.sse' else [len(body)]
    assert sum(sizes) == len(body)
    places = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
    return Recording(
        name=name,
        app=(about['request'].get('app') or 'plain').replace('_', '-'),
        asked=about['request'],
        status=int(status.split()[1]),
        headers={name.lower(): value.strip() for name, _, value in (line.partition(':') for line in lines)},
        chunks=tuple(body[start:end] for start, end in pairwise(places)),
        is_cut=bool(about.get('client_closed')) or CUT in chain.from_iterable(arrivals),
        pieces_before_stop=len(sizes) - after if (after := about.get('events_after_stop_answered')) else None,
    )


def streams() -> list[str]:
    """All answers that came as a stream."""
    return sorted(path.stem for path in FOLDER.glob('*.sse'))


def answers_in_one_piece() -> list[str]:
    """All other answers to a question: refusals, and of whoever asked not to have a stream."""
    names = sorted(path.stem for path in FOLDER.glob('*.http'))
    asked = {name: json.loads((FOLDER / f'{name}.json').read_text())['request'] for name in names}
    return [name for name in names if (asked[name]['method'], asked[name]['path']) == ('POST', '/v1/chat-messages')]


def histories() -> Iterator[Recording]:
    """Pages of messages that were read from conversations."""
    for path in sorted(FOLDER.glob('*messages*.http')):
        played = recording(path.stem)
        if played.asked['path'].startswith('/v1/messages?') and played.status == 200:
            yield played
