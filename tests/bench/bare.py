"""The least that a web page needs to show a streamed answer, to measure frameworks, history and Markdown against.

`/stream` forwards the upstream's bytes and appends text. `/blocks` forwards text every 33 ms and gives each block an
element of its own, so that the browser need not lay out the earlier ones again: as fast as a page can be.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import httpx
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

BATCH_SECONDS = 0.033
PAGE = """<!doctype html><meta charset="utf-8"><title>bare</title>
<style>body { font: 16px/1.5 sans-serif; max-width: 48rem; margin: auto } .answer { white-space: pre-wrap }</style>
<main></main>
<form><textarea data-testid="composer-input"></textarea><button data-testid="composer-send">Send</button></form>
<script>
const [main, form, box] = ['main', 'form', 'textarea'].map((name) => document.querySelector(name));
form.onsubmit = async (event) => {
  event.preventDefault();
  const answer = main.appendChild(document.createElement('div'));
  answer.className = 'answer';
  answer.dataset.testid = 'message-assistant';
  const add = () => answer.appendChild(document.createElement('div')).appendChild(document.createTextNode(''));
  let node = add(), rest = '';
  const response = await fetch(location.pathname, { method: 'POST', body: box.value });
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    if (location.pathname === '/blocks') {
      const [here, ...blocks] = piece.split('\\n\\n');
      node.appendData(here);
      for (const block of blocks) (node = add()).appendData(block);
    } else {
      const frames = (rest + piece).split('\\n\\n');
      rest = frames.pop();
      for (const frame of frames) node.appendData(JSON.parse(frame.slice(6)).answer ?? '');
    }
    scrollTo(0, document.body.scrollHeight);
  }
};
</script>"""


async def page(_: Request) -> Response:
    return HTMLResponse(PAGE)


async def forward(request: Request) -> Response:
    async def body(query: str) -> AsyncIterator[bytes]:
        async with ask(request, query) as answer:
            async for chunk in answer.aiter_raw():
                yield chunk

    return StreamingResponse(body((await request.body()).decode()), media_type='text/plain; charset=utf-8')


async def batch(request: Request) -> Response:
    async def body(query: str) -> AsyncIterator[str]:
        pending: list[str] = []
        arrived = asyncio.Event()
        reading = asyncio.create_task(collect(request, query, pending, arrived))
        while not reading.done() or pending:
            await arrived.wait()
            arrived.clear()
            piece = ''.join(pending)
            pending.clear()
            yield piece
            if not reading.done():
                await asyncio.sleep(BATCH_SECONDS)
        await reading

    return StreamingResponse(body((await request.body()).decode()), media_type='text/plain; charset=utf-8')


async def collect(request: Request, query: str, into: list[str], arrived: asyncio.Event) -> None:
    try:
        async with ask(request, query) as answer:
            async for line in answer.aiter_lines():
                if line:
                    into.append(orjson.loads(line[6:]).get('answer', ''))
                    arrived.set()
    finally:
        arrived.set()


def ask(request: Request, query: str) -> contextlib.AbstractAsyncContextManager[httpx.Response]:
    body = {'query': query, 'user': 'bare', 'inputs': {}, 'response_mode': 'streaming'}
    client: httpx.AsyncClient = request.app.state.client
    return client.stream('POST', f'{sys.argv[2]}/chat-messages', json=body)


@contextlib.asynccontextmanager
async def client(app: Starlette) -> AsyncIterator[None]:
    async with httpx.AsyncClient(timeout=None, trust_env=False) as app.state.client:
        yield


app = Starlette(
    lifespan=client,
    routes=[
        Route('/stream', page),
        Route('/stream', forward, methods=['POST']),
        Route('/blocks', page),
        Route('/blocks', batch, methods=['POST']),
    ],
)

if __name__ == '__main__':
    uvicorn.run(app, host='127.0.0.1', port=int(sys.argv[1]), log_level='warning')
