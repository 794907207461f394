"""Where somebody without a session is sent, and back."""

from urllib.parse import unquote

import pytest
from auth_support import OTHERS, OURS
from starlette.requests import Request

from webapp.auth.targets import safe_next
from webapp.ui.page import login_path


@pytest.mark.parametrize('target', OURS)
def test_addresses_of_ours_are_gone_on_to(target: str) -> None:
    assert safe_next(target) == target


@pytest.mark.parametrize('target', [None, *OTHERS])
def test_others_are_not(target: str | None) -> None:
    assert safe_next(target) == '/'


@pytest.mark.parametrize(
    ('path', 'query', 'expected'),
    [
        ('/', b'', '/login'),
        ('/a/support', b'', '/login?next=/a/support'),
        ('/a/support', b'q=1&x=%2F', '/login?next=/a/support%3Fq%3D1%26x%3D%252F'),
        ('//evil.example', b'', '/login'),
        ('/a/%5Cx', b'', '/login'),
        ('/a/../auth/x', b'', '/login'),
    ],
)
def test_the_login_knows_where_to_go_on(path: str, query: bytes, expected: str) -> None:
    scope = {'type': 'http', 'path': unquote(path), 'raw_path': path.encode(), 'query_string': query, 'headers': []}
    assert login_path(Request(scope)) == expected
