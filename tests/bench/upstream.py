"""An upstream that writes answers at an exact pace and remembers when: Dify's Service API, as far as a chat needs it.

The question says what to answer: `bench tokens=4000 rate=200 seed=7 shape=mixed`. The first delta is a word found
nowhere else, and so is the last: a driver sees them appear in the page. `GET /log/7` tells when they were sent.
"""

import asyncio
import random
import re
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

FIRST_SECONDS = 0.3  # until the first delta
WORDS = re.findall(
    r'\w+',
    """apple basket candle drawer engine forest garden harbour island jacket kitchen ladder market needle orchard paper
    quarry river saddle table under value window yellow zephyr a an the of and to in for with on from over""",
)
DELTA = re.compile(r'\s*\S{1,4}|\s+')  # a token of about four characters
LOG: dict[str, dict[str, float]] = {}


def marks(seed: str) -> tuple[str, str]:
    """The first and the last word of the answer."""
    return f'first{seed}word', f'last{seed}word'


def answer(tokens: int, seed: str, shape: str = 'mixed') -> list[str]:
    """The deltas of an answer, the same for the same seed.

    :param shape: 'mixed' Markdown, or one single 'fence', 'table' or 'list' from end to end
    """
    first, last = marks(seed)
    deltas = [first, '\n\n']
    blocks = SHAPES[shape](random.Random(seed))
    while len(deltas) < tokens - 1:
        deltas += DELTA.findall(next(blocks))
    end = '\n```\n' if shape == 'fence' else '\n\n'
    return [*deltas[: tokens - 1], end + last]


def words(rng: random.Random, low: int, high: int) -> str:
    return ' '.join(rng.choice(WORDS) for _ in range(rng.randint(low, high)))


def mixed(rng: random.Random) -> Iterator[str]:
    while True:
        yield f'\n## {words(rng, 2, 5)}\n\n'
        yield f'{words(rng, 20, 60)}. **{words(rng, 1, 3)}** or `{words(rng, 1, 1)}`, {words(rng, 5, 20)}.\n\n'
        yield ''.join(f'- *{words(rng, 1, 2)}*: {words(rng, 4, 10)}\n' for _ in range(rng.randint(2, 5)))
        lines = ''.join(f'    {rng.choice(WORDS)} = {rng.choice(WORDS)}({rng.randint(0, 99)})\n' for _ in range(6))
        yield f'\n```python\ndef {rng.choice(WORDS)}():\n{lines}```\n\n'
        rows = ''.join(f'| {words(rng, 1, 2)} | {rng.randint(1, 999)} |\n' for _ in range(rng.randint(3, 6)))
        yield f'| what | how many |\n|---|---:|\n{rows}\n{words(rng, 15, 40)}.\n'


def fence(rng: random.Random) -> Iterator[str]:
    yield '```python\n'
    while True:
        yield f'{rng.choice(WORDS)} = {rng.choice(WORDS)}({rng.randint(0, 999)})  # {words(rng, 2, 6)}\n'


def table(rng: random.Random) -> Iterator[str]:
    yield '| what | how many | note |\n|---|---:|---|\n'
    while True:
        yield f'| {words(rng, 1, 2)} | {rng.randint(1, 999)} | {words(rng, 2, 5)} |\n'


def bullets(rng: random.Random) -> Iterator[str]:
    while True:
        yield f'- *{words(rng, 1, 2)}*: {words(rng, 4, 14)}\n'


SHAPES = {'mixed': mixed, 'fence': fence, 'table': table, 'list': bullets}


async def chat(request: Request) -> Response:
    body = await request.json()
    asked = dict(re.findall(r'(\w+)=(\w+)', body['query']))
    ids = {
        'task_id': str(uuid.uuid4()),
        'message_id': str(uuid.uuid4()),
        'conversation_id': body.get('conversation_id') or str(uuid.uuid4()),
        'created_at': int(time.time()),
    }
    return StreamingResponse(stream(asked, ids), media_type='text/event-stream')


async def stream(asked: dict[str, str], ids: dict[str, object]) -> AsyncIterator[bytes]:
    deltas = answer(int(asked['tokens']), asked['seed'], asked.get('shape', 'mixed'))
    log = LOG[asked['seed']] = {'bytes': len(''.join(deltas).encode())}
    due = time.monotonic() + FIRST_SECONDS
    for number, delta in enumerate(deltas):
        wait = due + number / int(asked['rate']) - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        log['last'] = time.monotonic()
        log.setdefault('first', log['last'])
        yield frame({'event': 'message', **ids, 'id': ids['message_id'], 'answer': delta})
    usage = {'prompt_tokens': 9, 'completion_tokens': len(deltas), 'total_tokens': len(deltas) + 9}
    yield frame({'event': 'message_end', **ids, 'id': ids['message_id'], 'metadata': {'usage': usage}})


def frame(payload: dict[str, object]) -> bytes:
    return b'data: ' + orjson.dumps(payload) + b'\n\n'


async def log(request: Request) -> Response:
    return JSONResponse(LOG.get(request.path_params['seed'], {}))


async def name(request: Request) -> Response:
    return JSONResponse({'id': request.path_params['id'], 'name': 'A title', 'inputs': {}, 'status': 'normal'})


async def parameters(_: Request) -> Response:
    return JSONResponse({'opening_statement': '', 'suggested_questions': [], 'user_input_form': []})


async def info(_: Request) -> Response:
    return JSONResponse({'name': 'Bench', 'description': '', 'tags': [], 'mode': 'chat'})


app = Starlette(
    routes=[
        Route('/v1/chat-messages', chat, methods=['POST']),
        Route('/v1/conversations/{id}/name', name, methods=['POST']),
        Route('/v1/parameters', parameters),
        Route('/v1/info', info),
        Route('/log/{seed}', log),
    ]
)

if __name__ == '__main__':
    uvicorn.run(app, host='127.0.0.1', port=int(sys.argv[1]), log_level='warning')
