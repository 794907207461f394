"""Our own scripts and styles."""

import hashlib

import pytest
from raw_page import Small

from webapp.edge import assets


def test_every_file_is_served_under_one_version_for_a_year(small: Small) -> None:
    assert 'thread.css' in assets.files()
    for name, content in assets.files().items():
        answer = small.http().get(assets.url(name))
        assert (answer.status_code, answer.content) == (200, content)
        assert 'immutable' in answer.headers['cache-control']
        assert answer.headers['x-content-type-options'] == 'nosniff'


def test_the_version_is_that_of_the_whole_folder() -> None:
    digest = hashlib.sha256()
    for name, content in sorted(assets.files().items()):
        digest.update(f'{name}\0{len(content)}\0'.encode() + content)
    assert assets.url('thread.css') == f'/static/{digest.hexdigest()[:12]}/thread.css'


def test_without_a_version_or_with_an_old_one_a_file_is_kept_briefly(small: Small) -> None:
    for path in ('/static/thread.css', '/static/0123456789ab/thread.css'):
        answer = small.http().get(path)
        assert answer.content == assets.files()['thread.css']
        assert answer.headers['cache-control'] == 'public, max-age=300'
        again = small.http().get(path, headers={'If-None-Match': f'W/{answer.headers["etag"].removeprefix("W/")}'})
        assert (again.status_code, again.content) == (304, b'')


@pytest.mark.parametrize('name', ['thread.css', 'thread.js'])
def test_types_are_right_and_said_once(small: Small, name: str) -> None:
    kind = {'css': 'text/css; charset=utf-8', 'js': 'text/javascript; charset=utf-8'}[name.rpartition('.')[2]]
    assert small.http().get(assets.url(name)).headers.get_list('content-type') == [kind]


@pytest.mark.parametrize(
    'path',
    ['', 'nothing.css', '../pyproject.toml', '%2e%2e/pyproject.toml', '.keep', 'a/b/thread.css', '/'],
)
def test_nothing_else_is_there(small: Small, path: str) -> None:
    assert small.http().get(f'/static/{path}').status_code in {404, 400}


def test_an_unknown_file_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        assets.url('nothing.css')


def test_files_can_only_be_read(small: Small) -> None:
    answer = small.http().post(assets.url('thread.css'))
    assert (answer.status_code, answer.headers['allow']) == (405, 'GET, HEAD')
