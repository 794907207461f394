"""Who is asked for, by whom, and what is believed of a proxy."""

import socket

import pytest
from raw_page import Small, Start, status

FORWARDED = [
    {'Forwarded': 'for=192.0.2.1;host=evil.example'},
    {'X-Forwarded-For': '192.0.2.1'},
    {'X-Forwarded-Host': 'evil.example'},
    {'X-Forwarded-Prefix': '//canary.invalid'},
    {'X-Real-IP': '127.0.0.1'},
]


@pytest.fixture(scope='module')
def behind_proxy(start: Start) -> Small:
    """Guests are welcome at https://chat.example.com, and the proxy in front has a loopback address."""
    return start('--guests', '--public-url', 'https://chat.example.com', '--proxy', '127.0.0.0/30')


@pytest.fixture(scope='module')
def alone(start: Start) -> Small:
    """Guests are welcome at http://chat.example.com, and no proxy is trusted."""
    return start('--guests', '--public-url', 'http://chat.example.com')


@pytest.mark.parametrize('name', ['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST'])
def test_local_mode_answers_to_loopback_names_with_its_port(small: Small, name: str) -> None:
    assert small.http().get('/', headers={'Host': f'{name}:{small.port}'}).status_code == 200


@pytest.mark.parametrize(
    'host', ['evil.example', '127.0.0.1', '127.0.0.1:1', 'localhost.evil.example', '', '192.168.1.5', '127.0.0.1:80@x']
)
def test_local_mode_answers_to_no_other_name(small: Small, host: str) -> None:
    for path in ('/', '/healthz', '/static/none', '/_nicegui_ws/socket.io/?EIO=4&transport=polling'):
        assert small.http().get(path, headers={'Host': host}).status_code == 400
    assert status(small.open_page().socket(headers={'Host': host})) == 400


@pytest.mark.parametrize('hosts', ['', 'Host: {own}\r\nHost: evil.example\r\n', 'Host: {own}, evil.example\r\n'])
def test_no_host_is_none_and_two_are_none(small: Small, hosts: str) -> None:
    with socket.create_connection(('127.0.0.1', small.port), timeout=20) as raw:
        raw.sendall(f'GET / HTTP/1.1\r\n{hosts.format(own=f"127.0.0.1:{small.port}")}\r\n'.encode())
        assert raw.recv(100).startswith(b'HTTP/1.1 400')


@pytest.mark.parametrize('header', FORWARDED)
def test_local_mode_does_not_work_behind_a_proxy(small: Small, header: dict[str, str]) -> None:
    answer = small.http().get('/', headers=header)
    assert (answer.status_code, 'local mode' in answer.text) == (400, True)
    assert status(small.open_page().socket(headers=header)) == 400


def test_the_public_name_is_ours_with_and_without_its_port(alone: Small) -> None:
    for host in ('chat.example.com', 'chat.example.com:80', 'CHAT.example.com'):
        assert alone.http().get('/client', headers={'Host': host}).status_code == 200
    for host in (
        'chat.example.com:8080',
        f'127.0.0.1:{alone.port}',
        'chat.example.com.evil.example',
        'chat.example.com.',
    ):
        assert alone.http().get('/client', headers={'Host': host}).status_code == 400


def test_health_is_asked_by_address(alone: Small) -> None:
    assert alone.http().get('/healthz').json() == {'status': 'ok'}
    assert alone.http().get('/readyz').json() == {'status': 'ok', 'checks': {'database': 'ok'}}


@pytest.mark.parametrize('header', FORWARDED)
def test_a_stranger_is_not_believed(alone: Small, header: dict[str, str]) -> None:
    answer = alone.http().get('/client', headers=header | {'Host': 'chat.example.com'})
    assert answer.json() == {'client': '127.0.0.1', 'forwarded': {}}


@pytest.mark.parametrize(
    ('forwarded_for', 'client'),
    [
        (['192.0.2.1'], '192.0.2.1'),
        (['203.0.113.9, 192.0.2.1'], '192.0.2.1'),  # what stands left of the last hop anybody may have written
        (['203.0.113.9', '192.0.2.1'], '192.0.2.1'),
        (['192.0.2.1, 127.0.0.2'], '192.0.2.1'),  # a second proxy of ours
        (['192.0.2.1:4711'], '192.0.2.1'),
        (['[2001:db8::1]:4711'], '2001:db8::1'),
        (['2001:db8::1'], '2001:db8::1'),
        (['192.0.2.1, unknown'], '127.0.0.1'),
        (['<script>'], '127.0.0.1'),
        ([], '127.0.0.1'),
    ],
)
def test_a_trusted_proxy_says_who_asks(behind_proxy: Small, forwarded_for: list[str], client: str) -> None:
    headers = [('Host', 'chat.example.com'), *(('X-Forwarded-For', value) for value in forwarded_for)]
    assert behind_proxy.http().get('/client', headers=headers).json() == {'client': client, 'forwarded': {}}


def test_a_trusted_proxy_says_which_name_was_asked_for(behind_proxy: Small) -> None:
    for host, expected in (('chat.example.com', 200), ('evil.example', 400), ('chat.example.com, evil.example', 400)):
        headers = {'Host': 'inside:8080', 'X-Forwarded-Host': host}
        assert behind_proxy.http().get('/client', headers=headers).status_code == expected


def test_no_redirect_leads_where_a_header_says(start: Start) -> None:
    closed = start('--closed', '--public-url', 'http://chat.example.com')
    headers = {
        'Host': 'chat.example.com',
        'X-Forwarded-Prefix': '//canary.invalid',
        'X-Forwarded-Host': 'canary.invalid',
    }
    for path in ('/', '/hostile', '/nothing', '//canary.invalid/..', '/login'):
        answer = closed.http().get(path, headers=headers)
        assert 'canary' not in str(answer.headers)
        assert '//canary.invalid/_nicegui' not in answer.text
    assert answer.status_code == 200
    assert '"/_nicegui/' in answer.text


@pytest.mark.parametrize(
    'path',
    [
        '/nothing', '/%00', '/a%0d%0ab', '/%ff%fe', '/..%2f..%2fetc/passwd', '/static/../pyproject.toml',
        '/static/%2e%2e/pyproject.toml', '/static/', '/static//', '/_nicegui/3.18.0/static/../../client.py',
        '/_nicegui/3.18.0/libraries/nothing', '/_nicegui/3.18.0/resources/x/..%2f..%2f', '/_nicegui_ws/socket.io/',
        '/_nicegui_ws/nothing', '/echo/' + 'x' * 5000, '/?q=%00%ff', '/login?next=//evil.example',
    ],
)  # fmt: skip
def test_strange_addresses_are_answered_calmly(small: Small, path: str) -> None:
    for method in ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'):
        answer = small.http().request(method, path)
        assert answer.status_code < 500
        assert answer.status_code != 200 or path.startswith(('/?', '/login'))
        assert 'x-content-type-options' in answer.headers
        assert 'access-control-allow-origin' not in answer.headers
    assert 'Traceback' not in small.log
