"""Sockets: who may open one, and what may come through it. Raw frames, no browser."""

import contextlib
import json

import pytest
from raw_page import Small, Start, closed, shakes, status, wait_for
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection


def clicks(small: Small) -> int:
    return small.log.count('clicked')


def test_a_page_and_its_own_socket_work(small: Small) -> None:
    page, before = small.open_page(), clicks(small)
    with page.shake() as socket:
        socket.send(page.click())
        wait_for(lambda: clicks(small) == before + 1)


@pytest.mark.parametrize(
    'origin', ['https://evil.example', 'null', 'http://127.0.0.1:1', 'http://localhost.evil.example']
)
def test_a_page_of_another_site_gets_no_socket(small: Small, origin: str) -> None:
    page = small.open_page()
    assert status(page.socket(origin=origin)) == 403


def test_every_loopback_name_is_ours_in_local_mode(small: Small) -> None:
    for name in ('localhost', '127.0.0.1', '[::1]'):
        assert status(small.open_page().socket(origin=f'http://{name}:{small.port}')) == 101


def test_a_forged_click_from_another_socket_does_nothing(small: Small) -> None:
    victim, attacker, before = small.open_page(), small.open_page(), clicks(small)
    with victim.shake() as own, attacker.shake() as foreign:
        foreign.send(victim.click())
        foreign.send(attacker.click())
        wait_for(lambda: clicks(small) == before + 1)  # the attacker's own
        own.send(victim.click())
        wait_for(lambda: clicks(small) == before + 2)


def test_a_socket_without_handshake_can_do_nothing(small: Small) -> None:
    victim, before = small.open_page(), clicks(small)
    with victim.shake() as own, victim.shake(origin=None, cookies=False, implicit_handshake='false') as foreign:
        foreign.send(victim.click())
        foreign.send('42' + json.dumps(['connect', {'QUERY_STRING': victim.query()}]))
        foreign.send(victim.click())
        foreign.close()
        own.send(victim.click())
        wait_for(lambda: clicks(small) == before + 1)
        assert clicks(small) == before + 1


def test_a_handshake_needs_the_cookie_that_the_page_was_asked_for_with(small: Small) -> None:
    browser = small.http()
    browser.get('/')  # brings the cookie
    page = small.open_page(browser)
    assert not shakes(page.shake(cookies=False))
    assert not shakes(page.shake(cookies=False, headers={'Cookie': 'chat=forged'}))
    assert shakes(page.shake())


def test_a_second_handshake_in_the_name_of_another_tab_is_refused(small: Small) -> None:
    page = small.open_page()
    with page.shake():
        assert not shakes(page.shake(tab_id='another'))


@pytest.mark.parametrize(
    'change',
    [{'tab_id': ''}, {'tab_id': 'x' * 101}, {'next_message_id': 'one'}, {'document_id': ''}, {'client_id': 'none'}],
)
def test_a_handshake_that_makes_no_sense_is_refused(small: Small, change: dict[str, str]) -> None:
    assert not shakes(small.open_page().shake(**change))


def test_a_socket_that_does_not_shake_hands_is_closed(start: Start) -> None:
    small = start('--handshake', '1')
    page = small.open_page()
    with page.socket(implicit_handshake='false') as silent:
        assert closed(silent) == 1008
    with page.shake() as greeted, page.socket(implicit_handshake='false') as silent:
        assert closed(silent) == 1008
        before = clicks(small)
        greeted.send(page.click())  # older than the other one, and open still
        wait_for(lambda: clicks(small) == before + 1)


def test_a_frame_of_two_megabytes_ends_the_socket_and_nothing_else(small: Small) -> None:
    other, page, before = small.open_page(), small.open_page(), clicks(small)
    with other.shake() as unaffected, page.shake() as socket:
        socket.send('42' + json.dumps(['event', 'x' * 2_000_000]))
        assert closed(socket) in {1008, 1009}
        unaffected.send(other.click())
        wait_for(lambda: clicks(small) == before + 1)


MALFORMED = [
    '42"event"',
    '42[]',
    '42[["event"]]',
    '42[{"event":1}]',
    '42["event"]',
    '42["event",null]',
    '42["event","text"]',
    '42["event",{}]',
    '42["event",{"client_id":7}]',
    '42["event",1,2,3,4]',
    '42["javascript_response",[]]',
    '42["ack",{"client_id":null}]',
    '42["log",{"level":"fatal"}]',
    '42["handshake"]',
    '42["handshake",{"client_id":{}}]',
    '42["connect"]',
    '42["connect",{"QUERY_STRING":5}]',
    '42["event",',
    '42' + '[' * 5000,
    '42' + '9' * 5000,
    '40/elsewhere,',
    '40/elsewhere,{}',
    '41/elsewhere,',
    '430[]',
    '43',
    '42["unknown",1]',
    '42["*"]',
    '42["event",{"client_id":"\\ud800"}]',
]


def test_a_thousand_malformed_frames_are_dropped_without_a_flood_in_the_log(small: Small) -> None:
    other, before, lines = small.open_page(), clicks(small), small.log.count('\n')
    sent = 0
    with other.shake() as unaffected:
        while sent < 1000:
            with small.open_page().shake() as socket:
                sent += _send_until_closed(socket)
            unaffected.send(other.click())
            wait_for(lambda: clicks(small) > before)
    assert 'Traceback' not in small.log
    assert small.log.count('\n') - lines < 1000


def _send_until_closed(socket: ClientConnection) -> int:
    for number in range(200):
        try:
            socket.send(MALFORMED[number % len(MALFORMED)])
            socket.recv(timeout=0)
        except TimeoutError:
            pass
        except ConnectionClosed:
            return number + 1
    return 200


@pytest.mark.parametrize('frame', ['', 'x', '9', '2', '0{}', '4', '44', '451-["event"]', b'binary', 'b64', '4[[[['])
def test_what_is_no_packet_of_a_browser_ends_the_socket(small: Small, frame: str | bytes) -> None:
    with small.open_page().shake() as socket:
        socket.send(frame)
        assert closed(socket) == 1008


@pytest.mark.parametrize(
    'change',
    [
        {'id': '1'}, {'id': None}, {'id': [1]}, {'id': 10**400}, {'listener_id': None}, {'listener_id': 'unknown'},
        {'listener_id': ['x']}, {'args': 'text'}, {'args': [1]}, {'args': ['{']}, {'args': None}, {'args': {}},
    ],
)  # fmt: skip
def test_a_malformed_event_of_ones_own_page_is_dropped(small: Small, change: dict[str, object]) -> None:
    page, before = small.open_page(), clicks(small)
    name, message = json.loads(page.click()[2:])
    with page.shake() as socket:
        socket.send('42' + json.dumps([name, message | change]))
        socket.send(page.click())
        wait_for(lambda: clicks(small) == before + 1)


def test_too_many_frames_end_the_socket(small: Small) -> None:
    with small.open_page().shake() as socket:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(100_000):
                socket.send('3')
        assert closed(socket) == 1008


def test_what_a_page_reports_is_one_short_line(small: Small) -> None:
    page = small.open_page()
    report = {'client_id': page.client_id, 'level': 'error', 'message': 'first\nERROR forged line ' + 'x' * 10_000}
    with page.shake() as socket:
        for _ in range(100):
            socket.send('42' + json.dumps(['log', report]))
        before = clicks(small)
        socket.send(page.click())
        wait_for(lambda: clicks(small) == before + 1)
    lines = [line for line in small.log.splitlines() if 'forged line' in line]
    assert len(lines) == 20
    assert all('first\\nERROR forged' in line and len(line) < 500 for line in lines)


def test_sockets_without_handshake_are_bounded(small: Small) -> None:
    page = small.open_page()
    with contextlib.ExitStack() as sockets:
        for _ in range(200):
            sockets.enter_context(page.socket(implicit_handshake='false'))
        assert status(page.socket(implicit_handshake='false')) == 403
    wait_for(lambda: status(page.socket(implicit_handshake='false')) == 101)


def test_long_polling_is_guarded_as_well(small: Small) -> None:
    page, before = small.open_page(), clicks(small)
    poll = '/_nicegui_ws/socket.io/?' + page.query(transport='polling')
    assert page.http.get(poll, headers={'Origin': 'https://evil.example'}).status_code == 400
    answer = page.http.get(poll, headers={'Origin': small.url})
    assert not any(name.startswith('access-control-') for name in answer.headers)
    poll += '&sid=' + json.loads(answer.text[1:])['sid']
    assert page.http.post(poll, content='40', headers={'Origin': 'https://evil.example'}).status_code == 403
    assert page.http.post(poll, content='40').status_code == 200
    page.http.get(poll)
    page.http.post(poll, content=page.click())
    wait_for(lambda: clicks(small) == before + 1)
    page.http.post(poll, content=b'\xff\xfe')
    page.http.post(poll, content='\x1e'.join(['4["x'] * 100))
    assert 'Traceback' not in small.log
