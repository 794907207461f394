"""What is written down about a request, and what is not."""

import json
import logging
import re

import pytest
from raw_page import Small, Start, wait_for

from webapp import log


def test_one_line_each_with_a_number_that_the_answer_carries(small: Small) -> None:
    answer = small.http().get('/client')
    number = answer.headers['x-request-id']
    wait_for(lambda: f'{number} webapp.access: GET /client 200' in small.log)
    assert f'{number} small: the key is ***' in small.log
    assert 'top-secret-key' not in small.log


def test_no_query_string_and_no_id_of_a_page(small: Small) -> None:
    page = small.open_page(path='/?q=what-somebody-typed')
    with page.shake():
        page.http.post(f'/_nicegui/client/{page.client_id}/upload/1', content='x')
        page.http.get('/nothing?token=a-ticket')
    wait_for(lambda: 'SOCKET /_nicegui_ws/socket.io/ 101' in small.log)
    for secret in ('what-somebody-typed', 'a-ticket', page.client_id, page.tab, page.http.cookies['chat']):
        assert secret not in small.log


def test_an_address_stays_one_word(small: Small) -> None:
    small.http().get('/a%0d%0aINFO%20forged%1b[31m')
    wait_for(lambda: 'GET /a%0d%0aINFO%20forged%1b[31m 400' in small.log)


@pytest.mark.parametrize('form', ['text', 'json'])
def test_secrets_are_blotted_out_wherever_they_turn_up(form: log.Format, capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        log.configure(form, secrets=['app-key-1', 'app-key-12', 'short'])
        try:
            raise ValueError('app-key-12 in a traceback')
        except ValueError:
            logging.getLogger('test').exception('with %s, and a short word', 'app-key-1')
        logging.getLogger('uvicorn.error').info('%s - "WebSocket %s" [accepted]', 'client', '/?client_id=1')
    finally:
        logging.getLogger().handlers[:], logging.captureWarnings(False)
        logging.getLogger().handlers, logging.getLogger().level = before
    written = capsys.readouterr().err
    assert 'app-key' not in written
    assert 'a short word' in written
    assert 'WebSocket' not in written
    if form == 'json':
        line = json.loads(written)
        assert (line['level'], line['logger'], line['request_id']) == ('ERROR', 'test', '-')
        assert 'ValueError' in line['exception']
    else:
        assert re.match(r'\d{4}-\d\d-\d\dT[\d:.]+Z ERROR {3}- {8}test: with \*\*\*', written)


def test_a_trusted_proxy_may_have_given_the_id_already(start: Start) -> None:
    small = start('--guests', '--public-url', 'https://chat.example.com', '--proxy', '127.0.0.1')
    http = small.http(headers={'Host': 'chat.example.com'})
    assert http.get('/client', headers={'X-Request-ID': 'trace-4711'}).headers['x-request-id'] == 'trace-4711'
    wait_for(lambda: 'trace-4711 webapp.access: GET /client 200' in small.log)
    for unfit in ('', 'two words', 'x' * 200, 'a\tb', 'ä', '-rf', '"quoted"'):
        answer = http.get('/client', headers=[(b'X-Request-ID', unfit.encode())])
        assert re.fullmatch('[0-9a-f]{8}', answer.headers['x-request-id'])


def test_nobody_else_may(small: Small) -> None:
    answer = small.http().get('/client', headers={'X-Request-ID': 'trace-0815'})
    assert 'trace-0815' not in answer.headers['x-request-id']
    wait_for(lambda: f'{answer.headers["x-request-id"]} webapp.access: GET /client 200' in small.log)
    assert 'trace-0815' not in small.log
