"""Files over real HTTP, between a browser and the whole app, with the demo upstream behind it."""

import select
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from files_support import EXE, GIF_AND_SCRIPT, PDF, SVG, Person, png
from support import direct
from support.server import Server, wait_for

SECRET = 'a7c29b1e-44f0-4d5b-9f7e-0d6b3c51e8aa'


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    settings = {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo', 'WEBAPP_GUESTS': 'true', 'WEBAPP_SECRET': SECRET}
    server = Server(tmp_path_factory.mktemp('app'), settings)
    server.start()
    yield server
    server.stop()
    assert 'Traceback' not in server.log, server.log


@pytest.fixture(scope='module')
def ann(server: Server) -> Iterator[Person]:
    with Person(server) as person:
        yield person


@pytest.fixture(scope='module')
def bob(server: Server) -> Iterator[Person]:
    with Person(server) as person:
        yield person


def test_an_image_comes_back_as_it_was_sent(ann: Person) -> None:
    image = png(40, 30)
    answer = ann.upload('Grüße.png', image)
    assert answer.status_code == 201
    told = answer.json()
    assert told == {
        'id': told['id'],
        'name': 'Grüße.png',
        'kind': 'image',
        'media_type': 'image/png',
        'size': len(image),
        'url': f'/files/{told["id"]}',
        'link': '',
        'width': 40,
        'height': 30,
    }
    shown = ann.get(told['url'])
    assert (shown.status_code, shown.content) == (200, image)
    headers = shown.headers
    assert headers['content-type'] == 'image/png'
    assert headers['content-disposition'] == "inline; filename*=UTF-8''Gr%C3%BC%C3%9Fe.png"
    assert headers['x-content-type-options'] == 'nosniff'
    assert 'sandbox' in headers['content-security-policy']
    assert "default-src 'none'" in headers['content-security-policy']
    assert headers['cache-control'] == 'private, max-age=31536000, immutable'
    assert 'Cookie' in headers['vary']
    assert headers['content-length'] == str(len(image))

    again = ann.get(told['url'], **{'if-none-match': headers['etag']})
    assert (again.status_code, again.content) == (304, b'')
    saved = ann.get(told['url'] + '?download=1')
    assert saved.headers['content-disposition'].startswith('attachment;')
    head = ann.http.head(told['url'])
    assert (head.status_code, head.headers['content-length']) == (200, str(len(image)))


def test_a_file_of_several_pieces_is_read_whole_and_in_parts(ann: Person) -> None:
    text = b''.join(b'%07d\n' % line for line in range(400_000))  # three megabytes and a bit
    url = ann.upload('long.txt', text).json()['url']
    assert ann.get(url).content == text
    for asked, first, last in (
        ('bytes=0-0', 0, 0),
        ('bytes=1048570-1048590', 1048570, 1048590),
        ('bytes=3199990-', 3199990, 3199999),
        ('bytes=-5', 3199995, 3199999),
        ('bytes=3199990-99999999', 3199990, 3199999),
        ('bytes=-99999999', 0, 3199999),
    ):
        part = ann.get(url, range=asked)
        assert part.status_code == 206, asked
        assert part.content == text[first : last + 1]
        assert part.headers['content-range'] == f'bytes {first}-{last}/3200000'
    for whole in ('bytes=5-4', 'bytes=-', 'bytes=a-b', 'lines=1-2', 'bytes=' + ','.join(['0-'] * 10_000)[:6000]):
        assert ann.get(url, range=whole).status_code == 200, whole[:40]
    assert ann.get(url, **{'range': 'bytes=0-9', 'if-range': '"another"'}).status_code == 200
    for nowhere in ('bytes=3200000-', 'bytes=-0'):
        answer = ann.get(url, range=nowhere)
        assert (answer.status_code, answer.headers['content-range']) == (416, 'bytes */3200000')


@pytest.mark.parametrize(
    ('name', 'content'), [('drawing.svg', SVG), ('page.html', b'<script>alert(1)</script>'), ('report.pdf', PDF)]
)
def test_what_could_be_active_is_only_ever_a_download(ann: Person, name: str, content: bytes) -> None:
    answer = ann.get(ann.upload(name, content).json()['url'])
    assert answer.headers['content-type'] == 'application/octet-stream'
    assert answer.headers['content-disposition'] == f"attachment; filename*=UTF-8''{name}"
    assert answer.content == content


def test_a_polyglot_is_the_image_that_its_head_says(ann: Person) -> None:
    answer = ann.get(ann.upload('trick.gif', GIF_AND_SCRIPT).json()['url'])
    assert (answer.headers['content-type'], answer.headers['x-content-type-options']) == ('image/gif', 'nosniff')
    assert 'sandbox' in answer.headers['content-security-policy']


@pytest.mark.parametrize(
    ('given', 'kept'),
    [
        ('../../etc/passwd.png', 'passwd.png'),
        ('C:\\Users\\ann\\photo.png', 'photo.png'),
        ('photo\u202egnp.exe.png', 'photo_gnp.exe.png'),
        ('nul\0byte.png', 'nul�byte.png'),
        ('a"b.png', 'a_b.png'),
        ('x' * 300 + '.png', 'x' * 196 + '.png'),
        ('<img src=x>.png', '_img src=x_.png'),
        ('two\r\nlines.png', 'two__lines.png'),
    ],
)
def test_names_that_want_harm_become_plain_ones(ann: Person, given: str, kept: str) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="app"\r\n\r\ndefault\r\n--b\r\nContent-Disposition: form-data; '
        b'name="file"; filename="' + _in_header(given) + b'"\r\n\r\n' + png() + b'\r\n--b--\r\n'
    )
    answer = ann.http.post('/uploads', content=body, headers={'content-type': 'multipart/form-data; boundary=b'})
    if answer.status_code == 400:
        assert any(c in given for c in '\r\n\0')
        return
    told = answer.json()
    assert told['name'] in {kept, kept.replace('\\', '_')}
    assert ann.get(told['url']).headers['content-disposition'].isascii()


def _in_header(name: str) -> bytes:
    return name.replace('\\', '\\\\').replace('"', '\\"').encode()


@pytest.mark.parametrize(
    ('name', 'content', 'status', 'code'),
    [
        ('empty.txt', b'', 400, 'empty_file'),
        ('setup.exe', EXE, 415, 'file_kind'),
        ('setup.png', EXE, 415, 'file_kind'),
        ('photo.png', b'only words', 415, 'file_mismatch'),
        ('bomb.png', png(60_000, 60_000), 415, 'file_mismatch'),
        ('song.mp3', b'ID3\x03\0\0\0\0\0\x0a' + bytes(300), 415, 'file_kind'),
        ('large.png', png() + bytes(10 * 1024 * 1024), 413, 'file_too_large'),
        ('large.txt', b'a' * (15 * 1024 * 1024 + 1), 413, 'file_too_large'),
    ],
)
def test_a_refusal_says_why_in_words(ann: Person, name: str, content: bytes, status: int, code: str) -> None:
    answer = ann.upload(name, content)
    assert (answer.status_code, answer.json()['code']) == (status, code)
    assert answer.json()['message'].endswith('.')


def test_an_upload_must_be_one(ann: Person) -> None:
    assert ann.upload('a.png', png(), app='none-of-ours').status_code == 404
    assert ann.http.post('/uploads', data={'app': 'default'}).status_code == 415
    assert ann.http.post('/uploads', files={'file': ('a.png', png())}).status_code == 400
    two = [('file', ('a.png', png())), ('file', ('b.png', png()))]
    assert ann.http.post('/uploads', data={'app': 'default'}, files=two).status_code == 400
    assert ann.upload('a.png', png(), origin='https://evil.example').status_code == 403


def test_without_a_session_nothing_comes_in_and_nothing_goes_out(server: Server, ann: Person) -> None:
    url = ann.upload('mine.png', png()).json()['url']
    with direct.client(server.url) as stranger:
        answer = stranger.post('/uploads', data={'app': 'default'}, files={'file': ('a.png', png())})
        assert (answer.status_code, answer.json()['code']) == (401, 'signed_out')
        assert stranger.post('/uploads/text', content='hello').status_code == 401
        assert stranger.get(url).status_code == 404


def test_a_file_of_somebody_else_does_not_exist(ann: Person, bob: Person) -> None:
    url = ann.upload('mine.png', png()).json()['url']
    foreign, unknown = bob.get(url), bob.get('/files/' + '0' * 32)
    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content) == (404, foreign.content)
    for odd in (
        '/files/..%2f..%2fetc%2fpasswd',
        '/files/%F0%9F%98%80',
        '/files/' + 'a' * 5000,
        "/files/'%20OR%201=1--",
    ):
        assert bob.get(odd).status_code == 404, odd


def test_many_uploads_of_one_person_take_turns(ann: Person) -> None:
    answers: list[int] = []

    def send() -> None:
        answers.append(ann.upload('photo.png', png() + bytes(2_000_000)).status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 6


def test_when_too_many_wait_the_next_one_is_refused_and_when_they_go_there_is_room(server: Server) -> None:
    with Person(server) as person:
        lines = [_half_an_upload(person) for _ in range(11)]
        answered, _, _ = select.select(lines, [], [], 20)
        [refused] = [line.recv(2000) + line.recv(2000) for line in answered]
        assert b'429 Too Many Requests' in refused
        assert b'uploads_busy' in refused
        for line in lines:
            line.close()
        wait_for(lambda: person.upload('photo.png', png()).status_code == 201, 'the server to see that they have gone')


def _half_an_upload(person: Person) -> socket.socket:
    host, port = person.http.base_url.host, person.http.base_url.port
    cookie = '; '.join(f'{c.name}={c.value}' for c in person.http.cookies.jar)
    line = socket.create_connection((host, port or 80))
    head = (
        f'POST /uploads HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\nContent-Length: 5000000\r\n'
        f'Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n'
        f'Content-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    )
    line.sendall(head.encode() + png())
    return line


def test_a_long_text_is_held_for_its_writer(ann: Person) -> None:
    held = ann.http.post('/uploads/text', content='Ünï ' * 500_000)
    assert held.status_code == 201
    assert ann.get(f'/files/{held.json()["id"]}').status_code == 404
    assert ann.http.post('/uploads/text', content=b'\xff\xfe\xfa').status_code == 400
    assert ann.http.post('/uploads/text', content=b' ').json()['code'] == 'empty_query'
    assert ann.http.post('/uploads/text', content=b'a' * 8_000_001).status_code == 413


def test_held_texts_count_as_uploads_for_all_guests_of_an_address(
    tmp_path_factory: pytest.TempPathFactory, demo: str
) -> None:
    settings = {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo', 'WEBAPP_GUESTS': 'true', 'WEBAPP_SECRET': SECRET}
    server = Server(tmp_path_factory.mktemp('limited'), settings)
    (server.folder / 'webapp.toml').write_text('[limits]\nupload_mb_per_day = 1\n')
    server.start()
    try:
        with Person(server) as one, Person(server) as two:
            answers = [who.http.post('/uploads/text', content=b'a' * 600_000) for who in (one, one, two, one)]
            small = one.http.post('/uploads/text', content=b'a' * 300_000)
    finally:
        server.stop()
    assert [answer.status_code for answer in answers] == [201, 429, 429, 429]
    assert [answer.json()['code'] for answer in answers[1:3]] == ['too_many_uploads', 'too_many_uploads_of_guests']
    assert int(answers[1].headers['retry-after']) > 86_000
    assert small.status_code == 201
    with closing(sqlite3.connect(server.folder / 'data' / 'webapp.db')) as connection:
        kept = connection.execute("SELECT size FROM files WHERE source = 'text' ORDER BY size").fetchall()
    assert kept == [(300_000,), (600_000,)], 'what was refused was not kept'
