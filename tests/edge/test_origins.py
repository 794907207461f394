"""Requests from pages of other sites."""

import pytest
from raw_page import Small


@pytest.mark.parametrize(
    'headers',
    [
        {'Origin': 'https://evil.example'},
        {'Origin': 'null'},
        {'Origin': 'http://127.0.0.1:1'},
        {'Sec-Fetch-Site': 'cross-site'},
        {'Sec-Fetch-Site': 'same-site'},
    ],
)
def test_another_site_can_change_nothing(small: Small, headers: dict[str, str]) -> None:
    browser = small.http()
    browser.get('/')
    for method in ('POST', 'PUT', 'PATCH', 'DELETE'):
        for path in ('/logout', '/echo', '/nothing'):
            assert browser.request(method, path, headers=headers).status_code == 403
    who = browser.get('/').headers.get('set-cookie')
    assert who is None  # still signed in


def test_our_own_pages_and_programs_can(small: Small) -> None:
    for headers in ({'Origin': small.url}, {'Sec-Fetch-Site': 'same-origin'}, {}):
        assert small.http().post('/echo', content='four', headers=headers).json() == {'bytes': 4}


def test_two_origins_are_not_ours(small: Small) -> None:
    headers = [('Origin', small.url), ('Origin', 'https://evil.example')]
    assert small.http().post('/echo', headers=headers).status_code == 403


def test_no_other_origin_may_read_an_answer(small: Small) -> None:
    headers = {'Origin': 'https://evil.example', 'Access-Control-Request-Method': 'POST'}
    for method in ('GET', 'OPTIONS'):
        for path in ('/', '/client', '/_nicegui_ws/socket.io/?EIO=4&transport=polling'):
            answer = small.http().request(method, path, headers=headers)
            assert not [name for name in answer.headers if name.startswith('access-control-')]
