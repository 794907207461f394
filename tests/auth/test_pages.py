"""Where somebody without a session is sent, and back."""

from urllib.parse import unquote

import pytest
from starlette.requests import Request

from webapp.ui.page import login_path, safe_next


@pytest.mark.parametrize(
    'target', ['/', '/a/support', '/a/support/c/123?q=hello%20world', '/me', '/a/x?next=//y', '/loginx']
)
def test_addresses_of_ours_are_gone_on_to(target: str) -> None:
    assert safe_next(target) == target


@pytest.mark.parametrize(
    'target',
    [
        None, '', 'a', '//evil.example', '///evil.example', '/\\evil.example', '\\\\evil.example', '/\t/evil.example',
        '/\n/evil.example', '/\x00', 'https://evil.example', 'https:evil.example', 'javascript:alert(1)', ' /a', '/a b',
        '/a\\b', '/login', '/login?next=/', '/logout', '/logout/', '/auth/x/callback', '/_nicegui/x', '/_nicegui_ws/x',
        '/static/x.js', '/healthz', '/é', '/' + 'x' * 2001, '//', '/\u2028/evil.example', '/[', '//[',
    ],
)  # fmt: skip
def test_others_are_not(target: str | None) -> None:
    assert safe_next(target) == ('/[' if target == '/[' else '/')


@pytest.mark.parametrize(
    ('path', 'query', 'expected'),
    [
        ('/', b'', '/login'),
        ('/a/support', b'', '/login?next=/a/support'),
        ('/a/support', b'q=1&x=%2F', '/login?next=/a/support%3Fq%3D1%26x%3D%252F'),
        ('//evil.example', b'', '/login'),
        ('/a/%5Cx', b'', '/login?next=/a/%255Cx'),
    ],
)
def test_the_login_knows_where_to_go_on(path: str, query: bytes, expected: str) -> None:
    scope = {'type': 'http', 'path': unquote(path), 'raw_path': path.encode(), 'query_string': query, 'headers': []}
    assert login_path(Request(scope)) == expected
