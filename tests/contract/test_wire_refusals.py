"""Refusals: the requests that a real Dify refused, sent again; and those that a scenario asks for."""

import json
import re
import uuid

import httpx
import pytest
from wire_tools import ask, check, question, recorded_answer, recorded_request

from webapp.upstream.demo.scenario import REFUSALS

# Requests that need nothing on the server, so that any server must answer the same.
CASES = (
    'audio-to-text-disabled',
    'delete-no-body',
    'error-401-bad-key',
    'error-401-basic-scheme',
    'error-401-no-key',
    'error-404-unknown-conversation',
    'error-404-unknown-route',
    'error-405-get',
    'error-bad-file-id',
    'error-bad-response_mode',
    'error-conversation_id-not-uuid',
    'error-empty-query',
    'error-missing-inputs',
    'error-missing-query',
    'error-missing-user',
    'error-query-not-string',
    'error-unknown-file-id',
    'error-user-256-chars',
    'conversations-sort-bogus',
    'conversations-unknown-last_id',
    'feedback-bogus',
    'feedback-no-user',
    'feedback-unknown-message',
    'file-preview-unknown',
    'messages-list-no-conversation_id',
    'messages-list-unknown-conversation',
    'rename-bad-uuid',
    'rename-blank',
    'rename-missing-name',
    'rename-other-user',
    'stop-bad-uuid',
    'stop-no-user',
    'stop-unknown-task',
    'suggested-no-user',
    'text-to-audio-disabled',
)
SCHEMES = {'error-401-bad-key': 'Bearer wrong', 'error-401-basic-scheme': 'Basic eDp5', 'error-401-no-key': None}


@pytest.mark.parametrize('case', CASES)
async def test_the_same_answer_as_a_real_server(client: httpx.AsyncClient, case: str) -> None:
    """Status, kind and body; texts up to the version of the checking library."""
    status, content_type, body = recorded_answer(case)
    answer = await _send_again(client, case)
    assert answer.status_code == status
    assert answer.headers['content-type'] == content_type
    assert _comparable(answer.text) == _comparable(body)


@pytest.mark.parametrize(
    ('case', 'content', 'content_type'),
    [
        ('error-bad-json', b'{"query":', 'application/json'),
        ('error-form-encoded', b'a=b', 'application/x-www-form-urlencoded'),
    ],
)
async def test_a_body_that_is_no_json(client: httpx.AsyncClient, case: str, content: bytes, content_type: str) -> None:
    status, _, body = recorded_answer(case)
    answer = await client.post('/chat-messages', content=content, headers={'Content-Type': content_type})
    assert (answer.status_code, answer.json()['code']) == (status, re.search(r'"code": "(\w+)"', body)[1])


@pytest.mark.parametrize('body', [b'[]', b'null', b'"text"', b'{"query": "\xff"}', b'[' * 100_000, b''])
async def test_hostile_bodies_are_refused_politely(demo_client: httpx.AsyncClient, body: bytes) -> None:
    answer = await demo_client.post('/chat-messages', content=body, headers={'Content-Type': 'application/json'})
    assert (answer.status_code, answer.json()['code']) == (400, 'bad_request')


async def test_a_body_too_large_is_refused(demo_client: httpx.AsyncClient) -> None:
    answer = await demo_client.post('/chat-messages', json=question('x' * 16_000_000))
    assert answer.status_code == 413


@pytest.mark.parametrize('name', REFUSALS)
async def test_refusals_on_demand(demo_client: httpx.AsyncClient, name: str) -> None:
    answer = await demo_client.post('/chat-messages', json=question(f'/error {name}'))
    wanted = REFUSALS[name]
    assert answer.status_code == wanted.status
    if wanted.code:
        check(answer.json(), 'refusal')
        assert answer.json()['code'] == wanted.code
    else:
        assert answer.headers['content-type'].startswith('text/html')


async def test_a_foreign_conversation_looks_like_none(client: httpx.AsyncClient) -> None:
    """Whatever is tried with it: the same 404 as for an id that never was."""
    mine = (await ask(client, 'What is this product?', user='u-ann')).conversation_id
    bob = {'user': 'u-bob'}
    for id in (mine, str(uuid.uuid4())):
        answers = [
            await client.post('/chat-messages', json=question('hello', user='u-bob', conversation_id=id)),
            await client.get('/messages', params=bob | {'conversation_id': id}),
            await client.post(f'/conversations/{id}/name', json=bob | {'name': 'mine'}),
        ]
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert all(answer.json()['message'].startswith('Conversation Not Exists.') for answer in answers)


async def test_only_its_owner_deletes_a_conversation(demo_client: httpx.AsyncClient) -> None:
    """As documented, and since early 2026 kept."""
    mine = (await ask(demo_client, 'hello', user='u-ann')).conversation_id
    foreign = await demo_client.request('DELETE', f'/conversations/{mine}', json={'user': 'u-bob'})
    assert (foreign.status_code, foreign.json()['code']) == (404, 'not_found')
    own = await demo_client.request('DELETE', f'/conversations/{mine}', json={'user': 'u-ann'})
    assert (own.status_code, own.content) == (204, b'')
    again = await demo_client.request('DELETE', f'/conversations/{mine}', json={'user': 'u-ann'})
    assert again.status_code == 404


async def _send_again(client: httpx.AsyncClient, case: str) -> httpx.Response:
    recorded = recorded_request(case)
    request = client.build_request(
        recorded['method'],
        recorded['path'].removeprefix('/v1'),
        json=recorded['body'] if isinstance(recorded['body'], dict) else None,
        files={'file': ('a.mp3', b'sound', 'audio/mp3')} if isinstance(recorded['body'], str) else None,
    )
    match SCHEMES.get(case, ''):
        case None:
            del request.headers['Authorization']
        case '':
            pass
        case scheme:
            request.headers['Authorization'] = scheme
    return await client.send(request)


def _comparable(text: str) -> object:
    """What was said, not in which order of fields; without the version in the checking library's links."""
    text = re.sub(r'pydantic\.dev/[\d.]+/', 'pydantic.dev/', text)
    return json.loads(text) if text.startswith('{') else text.strip()
