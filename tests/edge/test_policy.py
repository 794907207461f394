"""Headers, and what a real browser makes of them."""

import re

import pytest
from playwright.sync_api import Page, expect
from raw_page import Small
from starlette.responses import HTMLResponse
from support.serving import serving

from webapp.edge import assets
from webapp.edge.template import with_nonces

HEADERS = {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
}


@pytest.fixture
def expected_problems(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The hostile page breaks the policy on purpose, which the browser reports."""
    return ('Content Security Policy', '404') if 'hostile' in request.node.name else ()


@pytest.mark.parametrize('path', ['/', '/login', '/nothing', '/client', '/static/thread.css', '/healthz', '/static/no'])
def test_every_answer_carries_the_headers(small: Small, path: str) -> None:
    answer = small.http().get(path, headers={'Accept': 'text/html'})
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert 'camera=()' in answer.headers['permissions-policy']
    policy = answer.headers['content-security-policy']
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert 'server' not in answer.headers
    assert 'strict-transport-security' not in answer.headers  # over plain http it means nothing


@pytest.mark.parametrize('path', ['/static/embed.js', '/static/0123456789ab/embed.js'])
def test_the_script_of_host_sites_may_be_run_by_their_pages_but_not_read(small: Small, path: str) -> None:
    answer = small.http().get(path, headers={'Origin': 'https://www.example.com', 'Sec-Fetch-Site': 'cross-site'})
    assert (answer.status_code, answer.headers['content-type']) == (200, 'text/javascript; charset=utf-8')
    assert answer.headers['cross-origin-resource-policy'] == 'cross-origin'
    assert 'access-control-allow-origin' not in answer.headers


@pytest.mark.parametrize(
    'path', ['/static/embed.jsx', '/static/a/embed.js', '/x/static/embed.js', '/embed.js', '/static/thread.js']
)
def test_no_other_path_is_for_other_sites(small: Small, path: str) -> None:
    assert small.http().get(path).headers['cross-origin-resource-policy'] == 'same-origin'


def test_a_page_of_another_site_runs_the_script_and_no_other(small: Small, page: Page, problems: list[str]) -> None:
    def tag(name: str) -> str:
        return f'<script src="{small.url}{assets.url(name)}" data-embed="desk"></script>'

    host = HTMLResponse(f'<link rel="icon" href="data:,"><h1>Shop</h1>{tag("embed.js")}{tag("thread.js")}')
    with serving(host) as url:
        page.goto(url.replace('127.0.0.1', 'localhost'))
        assert page.evaluate('typeof WebappChat') == 'object'
    assert ['NotSameOrigin' in each and 'thread.js' not in each for each in problems] == [True]
    problems.clear()


def test_the_policy_of_a_page_allows_only_its_own_scripts(small: Small) -> None:
    answer = small.http().get('/')
    script = re.search(r"script-src 'nonce-([\w-]{20,})' 'strict-dynamic' 'unsafe-eval';", answer.headers[POLICY])
    assert script
    assert "'unsafe-inline'" not in script[0]
    tags = re.findall(r'<script[\s>][^>]*', answer.text)
    assert len(tags) >= 8
    assert all(f'nonce="{script[1]}"' in tag for tag in tags)
    assert script[1] not in small.http().get('/').text  # another one each time


def test_a_page_works_under_the_policy(small: Small, page: Page) -> None:
    page.goto(small.url)
    page.get_by_test_id('button').click()
    expect(page.get_by_test_id('count')).to_have_text('1')
    page.reload()
    expect(page.get_by_test_id('count')).to_have_text('0')
    assert page.evaluate('performance.getEntriesByType("resource").every(r => r.name.startsWith(location.origin))')


def test_hostile_texts_run_nothing(small: Small, page: Page) -> None:
    page.goto(f'{small.url}/hostile')
    page.get_by_text('inline', exact=True).click()
    page.get_by_role('button', name='still alive').click()
    expect(page).to_have_title('alive')
    assert page.evaluate('window.hacked') is None
    page.evaluate("""() => {
        for (const tag of ["<img src=x onerror='window.hacked = 6'>", "<svg onload='window.hacked = 7'></svg>"]) {
            document.body.insertAdjacentHTML("beforeend", tag)
        }
        const link = Object.assign(document.createElement("a"), { href: "javascript:window.hacked = 8" })
        document.body.append(link)
        link.click()
    }""")
    page.get_by_role('button', name='still alive').click()
    assert page.evaluate('window.hacked') is None


def test_hostile_addresses_are_only_text(small: Small, page: Page) -> None:
    text = '</script><script>window.hacked = 1</script>${window.hacked = 2}`'
    page.goto(f'{small.url}/?q={text}')
    expect(page.get_by_test_id('query')).to_have_text(text)
    assert page.evaluate('window.hacked') is None


def test_no_page_may_be_framed(small: Small, start: object, page: Page, problems: list[str]) -> None:
    page.goto(f'{small.url}/login')
    page.set_content(f'<iframe src="{small.url}/login"></iframe>')
    page.wait_for_function('() => window.frames.length === 1')
    frame = page.frames[1]
    frame.wait_for_load_state()
    assert not frame.get_by_text('Log in').count()
    problems.clear()  # the browser tells that it refused


def test_a_template_of_another_form_is_noticed_at_start() -> None:
    with pytest.raises(RuntimeError, match='another form'):
        with_nonces('<html><script src="all-in-one.js"></script></html>')


POLICY = 'content-security-policy'
