"""Conversations, history, titles, ratings, files and what an app says of itself."""

import json
import time
import uuid

import httpx
import pytest
from wire_tools import RECORDINGS, Json, ask, check, question, recorded_answer, shape

PNG = (RECORDINGS / 'file-preview.http').read_bytes().partition(b'\r\n\r\n')[2]


@pytest.fixture
def user() -> str:
    return f'u-{uuid.uuid4()}'


async def test_conversations_in_pages(client: httpx.AsyncClient, user: str) -> None:
    """The last used first. Those of one second fall out of a page's continuation, so one is made per second."""
    asked = []
    for number in range(3):
        asked.append((await ask(client, f'Question {number} about this product', user=user)).conversation_id)
        await _next_second(client)
    pages, last = [], {}
    for _ in range(3):
        page = (await client.get('/conversations', params={'user': user, 'limit': 1} | last)).json()
        check(page, 'conversations')
        pages.append((page['data'][0]['id'], page['has_more']))
        last = {'last_id': page['data'][0]['id']}
    assert pages == [(asked[2], True), (asked[1], True), (asked[0], False)]
    oldest = (await client.get('/conversations', params={'user': user, 'sort_by': 'created_at'})).json()
    assert [row['id'] for row in oldest['data']] == asked


async def test_history_in_pages(client: httpx.AsyncClient, user: str) -> None:
    """The newest page first, its oldest message on top."""
    id, queries = '', ['What is this product?', 'Where is the API key?', 'What does it cost?']
    for query in queries:
        id = (await ask(client, query, user=user, conversation_id=id)).conversation_id
        await _next_second(client)
    where = {'user': user, 'conversation_id': id, 'limit': 2}
    newest = (await client.get('/messages', params=where)).json()
    check(newest, 'messages')
    assert ([row['query'] for row in newest['data']], newest['has_more']) == (queries[1:], True)
    before = (await client.get('/messages', params=where | {'first_id': newest['data'][0]['id']})).json()
    assert ([row['query'] for row in before['data']], before['has_more']) == (queries[:1], False)
    unknown = await client.get('/messages', params=where | {'first_id': str(uuid.uuid4())})
    assert (unknown.status_code, unknown.json()['code']) == (404, 'not_found')


@pytest.mark.parametrize(
    ('query', 'case'),
    [('Where is the API key?', 'knowledge-messages'), ('/agent Where is the API key?', 'agent-messages')],
)
async def test_history_rows_have_the_fields_of_a_real_server(
    demo_client: httpx.AsyncClient, user: str, query: str, case: str
) -> None:
    heard = await ask(demo_client, query, user=user)
    page = (await demo_client.get('/messages', params={'user': user, 'conversation_id': heard.conversation_id})).json()
    real = _json(case)
    assert shape(page) == shape(real)
    assert _names(page['data'][0]['retriever_resources']) == _names(
        _json('knowledge-messages')['data'][0]['retriever_resources']
    )
    assert _names(page['data'][0]['agent_thoughts']) == _names(real['data'][0]['agent_thoughts'])
    if case == 'knowledge-messages':
        assert page['data'][0]['answer'] == heard.text
    else:  # rounds are set apart by a line break that was never streamed
        assert page['data'][0]['answer'].replace('\n', '') == heard.text.replace('\n', '')


async def test_a_whole_answer(client: httpx.AsyncClient, user: str) -> None:
    """Asked for, or because nothing was said."""
    for mode in ({'response_mode': 'blocking'}, {}):
        body = {k: v for k, v in question('What is this product?', user=user).items() if k != 'response_mode'} | mode
        answer = await client.post('/chat-messages', json=body)
        assert answer.status_code == 200
        check(answer.json(), 'whole_answer')


async def test_a_whole_answer_has_the_fields_of_a_real_server(demo_client: httpx.AsyncClient) -> None:
    body = question('Where is the API key?', response_mode='blocking')
    answer = (await demo_client.post('/chat-messages', json=body)).json()
    real = _json('knowledge-chat-blocking')
    assert shape(answer) == shape(real)
    (ours, theirs) = (found['metadata']['retriever_resources'] for found in (answer, real))
    assert _names(ours) == _names(theirs)


async def test_an_agent_gives_no_whole_answer(demo_client: httpx.AsyncClient) -> None:
    answer = await demo_client.post('/chat-messages', json=question('/agent hello', response_mode='blocking'))
    assert answer.json() == _json('error-agent-blocking')


@pytest.mark.parametrize(
    ('query', 'code'),
    [
        ('/error', 'completion_request_error'),
        ('/steps /error', 'invalid_param'),
        ('/error bare', 'internal_server_error'),
    ],
)
async def test_a_failed_whole_answer_is_an_http_error(demo_client: httpx.AsyncClient, query: str, code: str) -> None:
    answer = await demo_client.post('/chat-messages', json=question(query, response_mode='blocking'))
    assert answer.json()['code'] == code
    assert answer.status_code == answer.json()['status']


async def test_titles(client: httpx.AsyncClient, user: str) -> None:
    """First the beginning of the query; made or given on request; a blank name is refused."""
    query = 'How do I connect my own Dify server to this page?'
    id = (await ask(client, query, user=user)).conversation_id
    (row,) = (await client.get('/conversations', params={'user': user})).json()['data']
    assert row['name'] == query[:20] + '…'
    made = (await client.post(f'/conversations/{id}/name', json={'auto_generate': True, 'user': user})).json()
    check(made, 'conversation')
    assert made['name'] not in {'', row['name']}
    given = (await client.post(f'/conversations/{id}/name', json={'name': 'título 🐸', 'user': user})).json()
    assert given['name'] == 'título 🐸'


async def test_a_title_is_made_in_the_background_unless_told_otherwise(
    demo_client: httpx.AsyncClient, user: str
) -> None:
    heard = await ask(demo_client, 'Where is the API key kept?', user=user, auto_generate_name=True)
    name = ''
    while name in {'', 'Where is the API key…'}:
        (row,) = (await demo_client.get('/conversations', params={'user': user})).json()['data']
        assert row['id'] == heard.conversation_id
        name = row['name']
    assert name == 'API Key Kept'


async def test_titles_that_fail(demo_client: httpx.AsyncClient, user: str) -> None:
    async def renamed(query: str) -> str:
        id = (await ask(demo_client, query, user=user)).conversation_id
        answer = await demo_client.post(f'/conversations/{id}/name', json={'auto_generate': True, 'user': user})
        return str(answer.json()['name'])

    assert await renamed('/title blank hello') == ''
    assert await renamed('/title fail hello') == '/title fail hello'  # the name it had, and no error


async def test_a_name_too_long_is_an_error_of_the_server(demo_client: httpx.AsyncClient, user: str) -> None:
    id = (await ask(demo_client, 'hello', user=user)).conversation_id
    answer = await demo_client.post(f'/conversations/{id}/name', json={'name': 'x' * 300, 'user': user})
    assert (answer.status_code, answer.json()) == (500, _json('rename-300-chars'))


async def test_ratings(client: httpx.AsyncClient, user: str) -> None:
    message = (await ask(client, 'What is this product?', user=user)).message_id
    where = f'/messages/{message}/feedbacks'
    for rating in ('like', 'dislike', None):
        answer = await client.post(where, json={'rating': rating, 'content': 'so-so', 'user': user})
        assert answer.json() == {'result': 'success'}
    nothing_left = await client.post(where, json={'rating': None, 'user': user})
    assert (nothing_left.status_code, nothing_left.json()) == (400, _json('feedback-null-again'))
    foreign = await client.post(where, json={'rating': 'like', 'user': 'u-bob'})
    assert (foreign.status_code, foreign.json()) == (404, _json('feedback-other-user'))


async def test_the_list_of_ratings(demo_client: httpx.AsyncClient, user: str) -> None:
    heard = await ask(demo_client, 'hello', user=user)
    await demo_client.post(
        f'/messages/{heard.message_id}/feedbacks', json={'rating': 'dislike', 'content': 'so-so', 'user': user}
    )
    page = (await demo_client.get('/app/feedbacks')).json()
    check(page, 'feedbacks')
    assert shape(page) == shape(_json('app-feedbacks'))
    assert (page['data'][0]['message_id'], page['data'][0]['content']) == (heard.message_id, 'so-so')
    history = await demo_client.get('/messages', params={'user': user, 'conversation_id': heard.conversation_id})
    assert history.json()['data'][0]['feedback'] == {'rating': 'dislike'}


async def test_suggested_questions_can_be_answered(demo_client: httpx.AsyncClient, user: str) -> None:
    message = (await ask(demo_client, 'Where is the API key?', user=user)).message_id
    answer = (await demo_client.get(f'/messages/{message}/suggested', params={'user': user})).json()
    check(answer, 'suggested')
    assert len(answer['data']) == 3
    for suggestion in answer['data']:
        assert (await ask(demo_client, suggestion)).of('message_end')[0]['metadata']['retriever_resources']
    foreign = await demo_client.get(f'/messages/{message}/suggested', params={'user': 'u-bob'})
    assert (foreign.status_code, foreign.json()) == (404, _json('suggested-other-user'))


async def test_files(client: httpx.AsyncClient, user: str) -> None:
    """Uploaded, refused as a preview until used, then readable with the key."""
    upload = await client.post(
        '/files/upload', files={'file': ('фото 日本.png', PNG, 'image/png')}, data={'user': user}
    )
    assert upload.status_code == 201
    check(upload.json(), 'upload')
    assert (upload.json()['name'], upload.json()['size']) == ('фото 日本.png', len(PNG))
    file = upload.json()['id']
    early = await client.get(f'/files/{file}/preview', params={'user': user})
    assert (early.status_code, early.json()) == (404, _json('file-preview-before-use'))
    sent = {'type': 'image', 'transfer_method': 'local_file', 'upload_file_id': file}
    heard = await ask(client, 'What came with this message?', user=user, files=[sent])
    preview = await client.get(f'/files/{file}/preview', params={'user': user})
    assert (preview.content, preview.headers['content-type']) == (PNG, 'image/png')
    saved = await client.get(f'/files/{file}/preview', params={'user': user, 'as_attachment': 'true'})
    assert saved.headers['content-disposition'].startswith("attachment; filename*=UTF-8''")
    history = await client.get('/messages', params={'user': user, 'conversation_id': heard.conversation_id})
    (row,) = history.json()['data'][0]['message_files']
    assert (row['upload_file_id'], row['belongs_to'], row['transfer_method']) == (file, 'user', 'local_file')


async def test_the_demo_tells_what_came_and_does_not_claim_to_see(demo_client: httpx.AsyncClient, user: str) -> None:
    upload = await demo_client.post('/files/upload', files={'file': ('cat.png', PNG, 'image/png')}, data={'user': user})
    assert shape(upload.json()) == shape(_json('upload-png'))
    files = [{'type': 'image', 'transfer_method': 'local_file', 'upload_file_id': upload.json()['id']}]
    heard = await ask(demo_client, 'What is this product?', user=user, files=files)
    assert '`cat.png`: a PNG picture of 64 × 48 pixels, 217 bytes' in heard.text
    assert 'What a picture shows I cannot tell' in heard.text
    page = (await demo_client.get('/messages', params={'user': user, 'conversation_id': heard.conversation_id})).json()
    real = _json('messages-with-images')['data'][0]['message_files']
    assert _names(page['data'][0]['message_files']) == _names(real)


async def test_signed_addresses_need_no_key_and_no_other_signature(demo_client: httpx.AsyncClient, user: str) -> None:
    heard = await ask(demo_client, '/image a fox', user=user)
    url = heard.of('message_file')[0]['url']
    async with httpx.AsyncClient(trust_env=False) as nobody:
        picture = await nobody.get(url)
        assert (picture.status_code, picture.headers['content-type']) == (200, 'image/png')
        assert picture.content.startswith(b'\x89PNG')
        forged = await nobody.get(url[:-1] + ('0' if url[-1] != '0' else '1'))
        assert (forged.status_code, forged.json()) == (404, _json('file-signed-url-tampered'))
        old = await nobody.get(url.replace('timestamp=', 'timestamp=1'))
        assert old.status_code == 404


@pytest.mark.parametrize(
    ('name', 'content', 'case'),
    [
        ('a/b.png', PNG, 'upload-slash-name'),
        ('big.txt', b'x' * (15 * 1024 * 1024 + 1), 'upload-too-big-doc'),
        ('big.png', b'x' * (10 * 1024 * 1024 + 1), 'upload-too-big-image'),
    ],
)
async def test_uploads_that_are_refused(demo_client: httpx.AsyncClient, name: str, content: bytes, case: str) -> None:
    status, _, _ = recorded_answer(case)
    answer = await demo_client.post('/files/upload', files={'file': (name, content, 'image/png')}, data={'user': 'u'})
    assert (answer.status_code, answer.json()) == (status, _json(case))


async def test_an_upload_without_a_file(demo_client: httpx.AsyncClient) -> None:
    none = await demo_client.post('/files/upload', files={'other': ('a.txt', b'x')}, data={'user': 'u'})
    assert (none.status_code, none.json()) == (400, _json('upload-no-file'))
    broken = await demo_client.post(
        '/files/upload', content=b'', headers={'Content-Type': 'multipart/form-data; boundary=x'}
    )
    assert (broken.status_code, broken.json()) == (400, _json('upload-broken-multipart'))


async def test_files_that_a_message_may_not_have(demo_client: httpx.AsyncClient, user: str) -> None:
    upload = await demo_client.post('/files/upload', files={'file': ('cat.png', PNG, 'image/png')}, data={'user': user})
    file = {'type': 'image', 'transfer_method': 'local_file', 'upload_file_id': upload.json()['id']}
    cases = [
        (user, [file] * 4, 'Number of image files exceeds the maximum limit 3'),
        (user, [file | {'type': 'document'}], 'File validation failed for file: cat.png'),
        ('u-bob', [file], 'Invalid upload file'),
    ]
    for who, files, text in cases:
        answer = await demo_client.post('/chat-messages', json=question('hello', user=who, files=files))
        assert (answer.status_code, answer.json()['message']) == (400, text)


async def test_what_an_app_says_of_itself(client: httpx.AsyncClient) -> None:
    for name in ('info', 'parameters', 'meta', 'site'):
        answer = await client.get(f'/{name}')
        assert answer.status_code == 200
        check(answer.json(), name)
    assert (await client.get('/', headers={'Authorization': ''})).json()['welcome'] == 'Dify OpenAPI'


@pytest.mark.parametrize('name', ['info', 'parameters', 'site'])
async def test_it_says_so_with_the_fields_of_a_real_server(demo_client: httpx.AsyncClient, name: str) -> None:
    ours, theirs = (await demo_client.get(f'/{name}')).json(), _json(f'chat-{name}')
    forms = {'user_input_form': None}
    assert shape(ours | forms) == shape(theirs | forms)


def _json(case: str) -> Json:
    data: Json = json.loads(recorded_answer(case)[2])
    return data


def _names(rows: list[Json]) -> list[list[str]]:
    """The fields of the first row; rows are alike."""
    return [list(row) for row in rows[:1]]


async def _next_second(client: httpx.AsyncClient) -> None:
    """Let the server's clock, which counts seconds, move on; told by its own answers."""
    now = int(time.time())
    while int(time.time()) == now:
        await client.get('/info')
