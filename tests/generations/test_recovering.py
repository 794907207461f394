"""What Dify has on record of an answer whose stream broke: its run first, then its history."""

import json

import httpx
import pytest

from webapp.chat.events import Repaired, Reported
from webapp.chat.message import Reply, Status, Usage
from webapp.generations.repair import Found, recover
from webapp.upstream.client import DifyClient

BROKEN = Reply(Status.INTERRUPTED, conversation_id='c', message_id='m', run_id='r')
KEPT = {'id': 'm', 'conversation_id': 'c', 'answer': 'By train.', 'status': 'normal', 'created_at': 1_800_000_000}


def dify(run: dict | None, *rows: dict) -> DifyClient:
    """A client of a Dify that has this on record."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == '/v1/workflows/run/r':
            body = run or {'code': 'not_workflow_app', 'message': 'No.', 'status': 400}
            return httpx.Response(200 if run else 400, stream=httpx.ByteStream(json.dumps(body).encode()))
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps({'data': rows}).encode()))

    return DifyClient('http://localhost', 'app-key', transport=httpx.MockTransport(answer))


@pytest.mark.parametrize('status', ['succeeded', 'partial-succeeded'])
async def test_a_run_that_has_its_answer_gives_it(status: str) -> None:
    outputs = json.dumps({'answer': '<think>hm</think>By train.'})  # as 1.12 writes them
    client = dify({'status': status, 'outputs': outputs, 'total_tokens': 9})
    assert await recover(client, BROKEN, user='ann') == Found((Repaired('By train.'), Reported(Usage(total_tokens=9))))
    await client.aclose()


@pytest.mark.parametrize('status', ['running', 'paused'])
async def test_a_run_that_goes_on_may_have_it_later(status: str) -> None:
    client = dify({'status': status, 'outputs': None}, KEPT)
    assert await recover(client, BROKEN, user='ann') == Found(goes_on=True)
    await client.aclose()


@pytest.mark.parametrize('run', [{'status': 'failed', 'error': 'x'}, {'status': 'stopped'}, None])
@pytest.mark.parametrize('text', ['By train.', ''])
async def test_else_history_may_have_it(run: dict | None, text: str) -> None:
    client = dify(run, KEPT | {'id': 'another'}, KEPT | {'answer': text})
    expected = Found((Repaired(text), Reported())) if text else Found()
    assert await recover(client, BROKEN, user='ann') == expected
    await client.aclose()
