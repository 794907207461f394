"""People sign in at real providers, in a real browser: in by the front door, out of it, and as somebody else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from support.chat import CONNECTED, answer_text, ask, conversation_id, conversations, last_answer
from support.providers import Anybody, Certified, running
from support.server import Server

SECRET = 'a-secret-of-the-journeys-of-32-bytes'
PEOPLE = {
    'ann': {'name': 'Ann', 'email': 'ann@example.com', 'email_verified': True, 'groups': ['staff']},
    'bob': {'name': 'Bob', 'email': 'bob@example.com', 'email_verified': True},
}
TOML = """
[[providers]]
name = "company"
preset = "keycloak"
label = "Company"
issuer = "{company.issuer}"
client_id = "{company.client_id}"
client_secret = "{company.client_secret}"
[[providers]]
name = "partners"
label = "Partners"
issuer = "{partners.issuer}"
client_id = "chat"
client_secret = "hush"
"""


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    # Providers' own pages ask for what is not there; ours that refuse say so by their status.
    return ('ERR_NAME_NOT_RESOLVED', 'WebSocket connection to', 'status of 400', 'status of 403', 'status of 404')


@pytest.fixture(scope='module')
def partners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anybody]:
    """A provider that believes whatever people say of themselves."""
    with running(Anybody(tmp_path_factory.mktemp('partners'), host='localhost', accounts=PEOPLE)) as provider:
        assert isinstance(provider, Anybody)
        yield provider


@pytest.fixture(scope='module')
def serve_with(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Callable[[str], Server]]:
    """Start the app with the providers of a `webapp.toml`, in which {app} is its own address."""
    servers: list[Server] = []

    def start(toml: str) -> Server:
        settings = {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo', 'WEBAPP_SECRET': SECRET}
        server = Server(tmp_path_factory.mktemp('app'), settings)
        servers.append(server)
        (server.folder / 'webapp.toml').write_text(toml)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()
        assert 'Traceback' not in server.log, server.log


def test_somebody_signs_in_and_leaves_nothing_to_the_next(
    serve_with: Callable[[str], Server], partners: Anybody, page: Page
) -> None:
    app = serve_with(TOML[TOML.rindex('[[') :].format(partners=partners))
    what_was_asked_for_comes_after_the_login(app, partners, page)
    ask(page, '/echo a secret of ann')
    where = page.url
    page.reload()
    expect(answer_text(page)).to_have_text('a secret of ann')
    sign_out(page, partners)
    page.goto(where)
    expect(page).to_have_url(f'{app.url}/login?next={where.removeprefix(app.url)}')
    the_next_person_sees_nothing_of_it(app, partners, page, where)


def what_was_asked_for_comes_after_the_login(app: Server, partners: Anybody, page: Page) -> None:
    page.goto(f'{app.url}/a/default?q=What%20is%20this%3F')
    expect(page).to_have_url(f'{app.url}/login?next=/a/default%3Fq%3DWhat%2520is%2520this%253F')
    page.get_by_test_id('login-partners').click()
    partners.be(page, 'ann')
    expect(page).to_have_url(f'{app.url}/a/default?q=What%20is%20this%3F')
    expect(page.get_by_test_id('composer-input')).to_have_value('What is this?')
    page.wait_for_function(CONNECTED)


def the_next_person_sees_nothing_of_it(app: Server, partners: Anybody, page: Page, where: str) -> None:
    page.get_by_test_id('login-partners').click()
    partners.be(page, 'bob')
    expect(page.get_by_role('main')).to_contain_text('not yours')
    page.goto(app.url)
    page.wait_for_function(CONNECTED)
    expect(conversations(page)).to_have_count(0)
    assert 'a secret of ann' not in page.content()


def test_a_certified_provider_is_satisfied(
    serve_with: Callable[[str], Server],
    partners: Anybody,
    context: BrowserContext,
    page: Page,
    browser: Browser,
    tmp_path: Path,
) -> None:
    """It demands PKCE, says who it is in each answer, and tells when somebody has signed out."""
    company = Certified(tmp_path, host='127.0.0.1', accounts=PEOPLE)
    app = serve_with(TOML.format(company=company, partners=partners))
    company.app = app.url
    with running(company):
        who_does_not_want_to_is_told_the_way_back(page, app, company)
        sign_in(page, app, company, 'ann')
        ask(page, '/echo a secret of ann')
        written = conversation_id(page)
        the_same_name_at_another_provider_is_somebody_else(browser, app, partners, written)
        signing_out_ends_it_there_too(page, company)
        signing_out_there_ends_it_here(context, page, app, company)
        a_way_in_is_added_and_taken_away(browser, app, company, partners)
        company.stop()
        company.start()  # with new keys
        sign_in(page, app, company, 'ann')
        page.goto(f'{app.url}/a/default/c/{written}')
        expect(last_answer(page)).to_contain_text('a secret of ann')


def who_does_not_want_to_is_told_the_way_back(page: Page, app: Server, company: Certified) -> None:
    page.goto(app.url)
    page.get_by_test_id('login-company').click()
    company.deny(page)
    expect(page.get_by_role('main')).to_contain_text('the sign-in was cancelled')
    page.get_by_role('main').get_by_role('link').click()
    expect(page.get_by_test_id('login-company')).to_be_visible()


def the_same_name_at_another_provider_is_somebody_else(
    browser: Browser, app: Server, partners: Anybody, written: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(app.url)
    page.get_by_test_id('login-partners').click()
    partners.be(page, 'ann')
    page.wait_for_function(CONNECTED)
    expect(conversations(page)).to_have_count(0)
    assert page.goto(f'{app.url}/a/default/c/{written}').status == 404  # type: ignore[union-attr]
    context.close()


def a_way_in_is_added_and_taken_away(browser: Browser, app: Server, company: Certified, partners: Anybody) -> None:
    with browser.new_context(locale='en-US', timezone_id='UTC') as context:
        page = context.new_page()
        page.goto(f'{app.url}/login?next=/me')
        page.get_by_test_id('login-partners').click()
        partners.be(page, 'bob')
        ways = page.get_by_test_id('ways').get_by_role('listitem')
        expect(ways).to_have_count(1)
        page.get_by_test_id('link-company').click()
        company.be(page, 'bob')
        expect(page.get_by_test_id('offer')).to_contain_text('Add bob@example.com (Company) to Bob?')
        page.get_by_test_id('offer-yes').click()
        expect(ways).to_have_count(2)
        ways.filter(has_text='Partners').get_by_test_id('way-remove').click()
        page.get_by_test_id('confirm').click()
        page.wait_for_url('**/login?**')  # the session by that way has ended with it
    with browser.new_context() as context:
        page = context.new_page()
        sign_in(page, app, company, 'bob')
        page.goto(f'{app.url}/me')
        expect(page.get_by_test_id('ways').get_by_role('listitem')).to_have_count(1)
        expect(page.get_by_test_id('ways')).to_contain_text('Company')


def signing_out_ends_it_there_too(page: Page, company: Certified) -> None:
    sign_out(page, company)
    page.get_by_test_id('login-company').click()
    expect(page.locator('input[name=login]')).to_be_visible()  # it has forgotten them


def signing_out_there_ends_it_here(context: BrowserContext, page: Page, app: Server, company: Certified) -> None:
    sign_in(page, app, company, 'ann')
    there = context.new_page()
    there.goto(f'{company.issuer}/session/end')
    company.confirm(there)
    there.close()
    expect(page.get_by_role('alert')).to_contain_text('signed out', timeout=15_000)


def sign_in(page: Page, app: Server, company: Certified, login: str) -> None:
    page.goto(f'{app.url}/login')
    page.get_by_test_id('login-company').click()
    company.be(page, login)
    expect(page).to_have_url(f'{app.url}/')
    page.wait_for_function(CONNECTED)


def sign_out(page: Page, provider: Anybody | Certified) -> None:
    page.get_by_test_id('user-menu').click()
    page.get_by_test_id('logout').click()
    provider.confirm(page)
    expect(page.get_by_test_id('login-partners')).to_be_visible()
