"""What people do about their account and admins about people, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from support.axe import faults
from support.chat import CONNECTED, ask, open_page
from support.people import ISSUER, SECRET, Other, SignedIn, in_store, serving, sign_in
from support.server import Server

from webapp import clock
from webapp.principal import Identity
from webapp.store import audit, people, users
from webapp.store.audit import Action, Filter

IPHONE = (
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML) Version/18.0 '
    'Mobile/15E148 Safari/604.1'
)


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp('people'), demo) as server:
        yield server


@pytest.fixture
def admin(server: Server, context: BrowserContext, page: Page) -> Page:
    sign_in(server, 'admin', name='Admin').open_in(context)
    return page


def visit(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_function(CONNECTED)


def log(server: Server, person: SignedIn, action: Action) -> list[dict[str, object]]:
    return [
        entry.detail for entry in in_store(server, audit.page, wanted=Filter(action=action, people=[person.user_id]))
    ]


def test_an_admin_finds_somebody_blocks_them_and_takes_it_back(server: Server, admin: Page, other: Other) -> None:
    bob = sign_in(server, 'bob', name='Bob Stone', email='bob@example.com')
    bobs = other(bob)
    open_page(bobs, server.url)

    visit(admin, f'{server.url}/admin')
    admin.get_by_role('main').get_by_role('link', name=re.compile('in all')).click()
    admin.get_by_test_id('people-search').fill('stone')
    expect(admin.get_by_test_id('person')).to_have_count(1)
    expect(admin).to_have_url(f'{server.url}/admin/users?q=stone')
    expect(admin.get_by_test_id('people-search')).to_be_focused()
    admin.reload()
    expect(admin.get_by_test_id('people-search')).to_have_value('stone')
    admin.get_by_role('link', name='Bob Stone').click()
    expect(admin.get_by_test_id('person-name')).to_have_text('Bob Stone')
    admin.wait_for_function(CONNECTED)

    admin.get_by_test_id('person-block').click()
    admin.get_by_role('button', name='Cancel').click()
    assert log(server, bob, Action.BLOCKED) == []
    admin.get_by_test_id('person-block').press('Enter')
    admin.get_by_test_id('confirm').press('Enter')
    expect(admin.get_by_test_id('is-blocked')).to_be_visible()
    expect(admin.get_by_test_id('session')).to_have_count(0)
    expect(bobs).to_have_url(re.compile('/login'))
    assert log(server, bob, Action.BLOCKED) == [{'sessions': 1}]

    admin.get_by_test_id('person-unblock').click()
    admin.get_by_test_id('confirm').click()
    expect(admin.get_by_test_id('person-block')).to_be_visible()
    expect(admin.get_by_test_id('is-blocked')).to_have_count(0)
    expect(admin.get_by_test_id('audit-row').first).to_contain_text('Unblocked')


def test_nobody_is_offered_to_lock_themselves_out(server: Server, admin: Page) -> None:
    visit(admin, f'{server.url}/admin/users?role=admin')
    admin.get_by_role('link', name='Admin', exact=True).click()
    expect(admin.get_by_role('main')).to_contain_text('This is you.')
    expect(admin.get_by_test_id('person-block')).to_have_count(0)


def test_whoever_loses_the_role_can_do_nothing_more(server: Server, context: BrowserContext, page: Page) -> None:
    carl = sign_in(server, 'carl', claims_admin=True)
    dora = sign_in(server, 'dora')
    carl.open_in(context)
    visit(page, f'{server.url}/admin/users/{dora.user_id}')
    page.get_by_test_id('person-block').click()
    in_store(
        server, users.sign_in, identity=Identity(ISSUER, 'carl', 'oidc'), role='user', secret=SECRET, now=clock.now()
    )
    page.evaluate("document.querySelector('[data-testid=confirm]')?.click()")  # it may be gone already
    expect(page.get_by_test_id('composer-input')).to_be_visible()
    assert in_store(server, people.get, user_id=dora.user_id).user.blocked_at is None


def test_people_end_their_sessions_elsewhere(server: Server, context: BrowserContext, page: Page, other: Other) -> None:
    eve = sign_in(server, 'eve', name='Eve', email='eve@example.com')
    phones = other(sign_in(server, 'eve', device=IPHONE))
    open_page(phones, server.url)
    third, foreign = sign_in(server, 'eve'), sign_in(server, 'frank')
    eve.open_in(context)
    open_page(page, server.url)
    page.get_by_test_id('user-menu').click()
    page.get_by_role('link', name='Your account').click()
    expect(page.get_by_test_id('my-name')).to_have_text('Eve')
    expect(page.get_by_test_id('session')).to_have_count(3)
    own = page.get_by_test_id('session').filter(has=page.get_by_test_id('this-session'))
    expect(own.get_by_test_id('session-end')).to_have_count(0)
    page.wait_for_function(CONNECTED)

    phone = page.get_by_test_id('session').filter(has_text='Safari on iPhone')
    phone.get_by_test_id('session-end').evaluate('(button, id) => button.dataset.of = id', foreign.session_id)
    phone.get_by_test_id('session-end').click()
    page.get_by_test_id('confirm').click()
    expect(phone.get_by_test_id('session-end')).not_to_have_attribute('data-of', foreign.session_id)
    assert log(server, foreign, Action.SESSION_ENDED) == [], "somebody else's is not theirs to end"

    phone.get_by_test_id('session-end').click()
    page.get_by_test_id('confirm').click()
    expect(page.get_by_test_id('session')).to_have_count(2)
    expect(phones).to_have_url(re.compile('/login'))

    page.get_by_test_id('sessions-end').click()
    page.get_by_test_id('confirm').click()
    expect(page.get_by_test_id('session')).to_have_count(1)
    expect(page.get_by_test_id('sessions-end')).to_have_count(0)
    with third.client() as client:
        assert client.get('/me').status_code == 303
    assert len(log(server, eve, Action.SESSION_ENDED)) == 2


def test_the_log_is_filtered_in_the_address_and_leaves_as_a_file(server: Server, admin: Page) -> None:
    gina = sign_in(server, 'gina', name='Gina Grey')
    visit(admin, f'{server.url}/admin/audit')
    admin.get_by_test_id('audit-who').fill('gina grey')
    expect(admin.get_by_test_id('audit-row')).to_have_count(1)
    admin.get_by_test_id('audit-action').select_option('signed_in')
    expect(admin).to_have_url(f'{server.url}/admin/audit?action=signed_in&who=gina+grey')
    expect(admin.get_by_test_id('audit-row')).to_contain_text('Gina Grey')
    with admin.expect_download() as download:
        admin.get_by_test_id('audit-csv').click()
    assert gina.user_id in download.value.path().read_text()
    admin.get_by_test_id('audit-until').fill('2020-01-01')
    expect(admin.get_by_role('main')).to_contain_text('No entry fits.')


def test_a_deleted_conversation_is_in_the_log_without_its_words(
    server: Server, context: BrowserContext, page: Page
) -> None:
    hal = sign_in(server, 'hal')
    hal.open_in(context)
    open_page(page, server.url)
    ask(page, 'A secret question')
    item = page.get_by_test_id('conversation-item')
    conversation = item.get_attribute('data-conversation-id')
    item.hover()
    item.get_by_test_id('conversation-menu').click()
    page.get_by_test_id('conversation-delete').click()
    page.get_by_test_id('confirm').click()
    expect(item).to_have_count(0)
    assert log(server, hal, Action.CONVERSATION_DELETED) == [{'conversation': conversation, 'app': 'default'}]


def test_the_menu_says_who_one_is_and_signs_out(server: Server, context: BrowserContext, page: Page) -> None:
    sign_in(server, 'ida', name='Ida Ilves').open_in(context)
    open_page(page, server.url)
    menu = page.get_by_role('region', name='Account')
    page.get_by_test_id('user-menu').click()
    expect(menu).to_contain_text('Ida Ilves')
    expect(menu.get_by_role('link', name='Administration')).to_have_count(0)
    menu.get_by_test_id('logout').click()
    page.wait_for_url('**/login**')


def test_in_local_mode_the_menu_leads_to_both(app: Server, page: Page) -> None:
    open_page(page, app.url)
    page.get_by_test_id('user-menu').click()
    menu = page.get_by_role('region', name='Account')
    expect(menu.get_by_test_id('logout')).to_have_count(0)
    menu.get_by_role('link', name='Your account').click()
    expect(page.get_by_test_id('session')).to_have_count(1)
    page.get_by_test_id('home').click()
    expect(page.get_by_test_id('composer-input')).to_be_visible()
    page.goto(f'{app.url}/admin/users')
    expect(page.get_by_test_id('person')).to_have_count(1)


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_everybody_can_use_these_pages(server: Server, admin: Page, scheme: str) -> None:
    admin.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    joe = sign_in(server, 'joe', name='Joe', email=f'{"x" * 60}@example.com')
    for path in ('/me', '/admin', '/admin/usage', '/admin/users', f'/admin/users/{joe.user_id}', '/admin/audit'):
        for width in (1280, 360):
            admin.set_viewport_size({'width': width, 'height': 740})
            visit(admin, server.url + path)
            assert faults(admin) == [], path
            assert admin.evaluate(
                "[document.documentElement, document.querySelector('.desk')].every(n => n.scrollWidth <= n.clientWidth)"
            ), path
    expect(admin.get_by_role('heading', level=1)).to_have_text('Administration')


def test_the_first_key_leads_to_the_page(server: Server, admin: Page) -> None:
    visit(admin, f'{server.url}/admin/users')
    admin.keyboard.press('Tab')
    expect(admin.get_by_text('Skip to the page')).to_be_focused()
    admin.keyboard.press('Enter')
    admin.keyboard.press('Tab')
    expect(admin.get_by_role('link', name='Overview')).to_be_focused()
    admin.keyboard.press('Control+Shift+S')  # no sidebar here to show
    admin.keyboard.press('Control+k')
    expect(admin.get_by_role('link', name='Overview')).to_be_focused()
