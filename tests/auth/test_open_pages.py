"""Pages that are open when the session ends, or when somebody loses what the page asks for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import URL
from sqlmodel import Session, col, update
from support.people import WITH_LOGIN, SignedIn, in_store, sign_in
from support.server import Server

from webapp.store.tables import IdentityRow, changed

Start = Callable[..., Server]

STAFF_ONLY = """
[[apps]]
slug = "all"
base_url = "{demo}"
api_key = "demo"

[[apps]]
slug = "staff"
base_url = "{demo}"
api_key = "demo"
groups = ["staff"]
"""


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('404',)


@pytest.fixture(scope='module')
def start(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Start]:
    """Start the app with a login, and with an app that is for staff alone."""
    with ExitStack() as ends:

        def begin(**settings: str) -> Server:
            server = Server(tmp_path_factory.mktemp('app'), WITH_LOGIN | settings)
            (server.folder / 'webapp.toml').write_text(STAFF_ONLY.format(demo=demo))
            server.start()
            ends.callback(_end, server)
            return server

        yield begin


@pytest.fixture(scope='module')
def server(start: Start) -> Server:
    return start()


def _end(server: Server) -> None:
    server.stop()
    assert 'Traceback' not in server.log, server.log


def show(page: Page, person: SignedIn, path: str = '/a/all') -> Page:
    person.open_in(page.context)
    page.goto(person.server.url + path)
    expect(page.get_by_test_id('composer-input')).to_be_visible()
    return page


def regroup(session: Session, subject: str, **said: object) -> None:
    changed(session, update(IdentityRow).where(col(IdentityRow.subject) == subject).values(**said))


def test_signing_out_in_one_tab_closes_the_other(server: Server, context: BrowserContext) -> None:
    ann = sign_in(server)
    one, other = show(context.new_page(), ann), show(context.new_page(), ann)
    one.get_by_test_id('user-menu').click()
    one.get_by_test_id('logout').click()
    expect(other).to_have_url(f'{server.url}/login?code=signed_out&next=%2Fa%2Fall')
    expect(one).to_have_url(f'{server.url}/login?code=signed_out')


def test_whoever_loses_a_group_leaves_the_pages_of_its_app(server: Server, context: BrowserContext) -> None:
    ann = sign_in(server, groups=frozenset({'staff'}))
    staff, other = show(context.new_page(), ann, '/a/staff'), show(context.new_page(), ann)
    in_store(server, regroup, 'ann', groups=[])
    expect(staff).to_have_url(f'{server.url}/')
    expect(other).to_have_url(f'{server.url}/a/all')


def test_whoever_is_an_admin_no_more_leaves_the_pages_for_admins(server: Server, page: Page) -> None:
    eve = sign_in(server, 'eve', name='Eve', claims_admin=True)
    eve.open_in(page.context)
    page.goto(f'{server.url}/admin/users')
    expect(page.get_by_role('link', name='Eve')).to_be_visible()
    in_store(server, regroup, 'eve', claims_admin=False)
    expect(page).to_have_url(f'{server.url}/')
    answer = page.goto(f'{server.url}/admin/users')
    assert answer
    assert answer.status == 404
    assert 'Eve' not in answer.text()


def test_a_session_that_ends_at_one_process_closes_pages_at_another(
    start: Start, postgres: URL, context: BrowserContext
) -> None:
    shared = {'DATABASE_URL': postgres.render_as_string(hide_password=False)}
    here, there = start(**shared), start(**shared)
    ann = sign_in(here)
    page = show(context.new_page(), ann)
    with ann.client() as browser:
        answer = browser.post(f'{there.url}/logout', headers={'Origin': there.url})
    assert answer.headers['set-cookie'].startswith('chat=;')
    expect(page).to_have_url(f'{here.url}/login?code=signed_out&next=%2Fa%2Fall')
