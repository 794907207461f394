"""Who gets in, for how long, and what their cookie looks like."""

import asyncio
import re
from collections.abc import Callable

import pytest
from auth_support import COMPANY, Browser
from sqlalchemy import text
from sqlmodel import Session
from starlette.types import Scope
from support.clock import Clock

from webapp.auth.cookies import Cookie
from webapp.auth.sessions import Sessions
from webapp.errors import LimitReached, Refused, SignedOut, StoreUnavailable
from webapp.limits import Limits
from webapp.principal import Identity, Principal, Role
from webapp.store.database import Store

Make = Callable[..., Sessions]


async def enter(browser: Browser) -> Principal:
    principal = await browser.visit(browser.sessions.enter)
    assert isinstance(principal, Principal)
    return principal


async def sign_in(browser: Browser, subject: str) -> Principal:
    async def act(scope: object) -> Principal:
        identity = Identity(COMPANY.issuer, subject, COMPANY.name)
        return await browser.sessions.sign_in(scope, identity)  # type: ignore[arg-type]

    principal = await browser.visit(act)
    assert isinstance(principal, Principal)
    return principal


async def test_in_local_mode_everybody_is_the_local_person_and_the_admin(make: Make) -> None:
    sessions = make()
    one, other = Browser(sessions), Browser(sessions)
    first, second = await enter(one), await enter(other)
    assert first.user_id == second.user_id
    assert first.session_id != second.session_id
    assert first.is_admin
    assert (await enter(one)).session_id == first.session_id


async def test_every_guest_is_somebody_of_their_own(make: Make) -> None:
    sessions = make(is_local=False, guests=True)
    first, second = await enter(Browser(sessions)), await enter(Browser(sessions))
    assert first.user_id != second.user_id
    assert first.dify_user != second.dify_user
    assert {first.role, second.role} == {Role.GUEST}


async def test_otherwise_nobody_gets_in_without_a_login(make: Make) -> None:
    browser = Browser(make(is_local=False))
    assert await browser.visit(browser.sessions.enter) is None
    assert browser.answered == ''


async def test_the_cookie_is_256_random_bits_and_nothing_else(make: Make, store: Store) -> None:
    plain, secure = Browser(make()), Browser(make(secure=True))
    await enter(plain)
    await enter(secure)
    token = r'[\w-]{43}'
    rules = 'Max-Age=604800; Path=/; HttpOnly; SameSite=Lax'
    assert re.fullmatch(rf'chat={token}; {rules}', plain.answered)
    assert re.fullmatch(rf'__Host-chat={token}; {rules}; Secure', secure.answered)

    def ids(session: Session) -> list[str]:
        return [row[0] for row in session.connection().execute(text('SELECT id FROM sessions'))]

    assert not {plain.cookie.partition('=')[2], secure.cookie.partition('=')[2]} & set(await store.read(ids))


@pytest.mark.parametrize(
    'cookie',
    [
        '',
        'chat=',
        'chat=guess',
        'other={token}',
        '__Host-chat={token}',
        'chat={token}x',
        'chat=%00',
        'chat={token}; chat=x',
    ],
)
async def test_other_cookies_are_nobodys(make: Make, cookie: str) -> None:
    known = Browser(make())
    await enter(known)
    browser = Browser(known.sessions, cookie.format(token=known.cookie.partition('=')[2]))
    assert await browser.visit(browser.sessions.principal) is None


async def test_a_cookie_among_others_is_found(make: Make) -> None:
    browser = Browser(make())
    principal = await enter(browser)
    browser.cookie = f'theme=dark; {browser.cookie}; empty='
    assert await browser.visit(browser.sessions.principal) == principal


async def test_a_session_ends_when_it_is_not_used(make: Make, clock: Clock) -> None:
    browser = Browser(make(is_local=False, guests=True))
    first = await enter(browser)
    for _ in range(3):
        clock.forward(hours=11)
        assert await enter(browser) == first
    clock.forward(hours=13)
    with pytest.raises(SignedOut):
        await browser.sessions.still(first)
    assert (await enter(browser)).user_id != first.user_id


async def test_and_after_a_week_in_any_case(make: Make, clock: Clock) -> None:
    browser = Browser(make(is_local=False, guests=True))
    first = await enter(browser)
    for _ in range(15):
        clock.forward(hours=11)
        await browser.sessions.still(first)
    clock.forward(hours=4)
    with pytest.raises(SignedOut):
        await browser.sessions.still(first)
    assert await browser.sessions.purge() == 1


async def test_ending_a_session_ends_it_for_open_pages_and_for_whoever_copied_the_cookie(make: Make) -> None:
    browser = Browser(make(is_local=False, guests=True))
    principal = await enter(browser)
    thief = Browser(browser.sessions, browser.cookie)
    assert await thief.visit(thief.sessions.principal) == principal
    ended = await browser.visit(browser.sessions.end)
    assert (ended.session_id, ended.provider) == (principal.session_id, 'guest')
    assert await browser.visit(browser.sessions.end) is None
    assert browser.answered == 'chat=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax'
    assert await thief.visit(thief.sessions.principal) is None
    with pytest.raises(SignedOut) as refused:
        await browser.sessions.still(principal)
    assert (refused.value.code, refused.value.status) == ('signed_out', 401)


async def test_signing_in_never_takes_over_an_older_cookie(make: Make) -> None:
    browser = Browser(make(is_local=False, guests=True))
    guest, planted = await enter(browser), browser.cookie
    ann = await sign_in(browser, 'ann')
    assert browser.cookie != planted
    assert ann.user_id != guest.user_id
    assert await browser.visit(browser.sessions.principal) == ann


async def test_admins_are_named_in_the_settings_and_only_there(make: Make) -> None:
    browser = Browser(make(is_local=False, admins=['ann']))
    assert (await sign_in(browser, 'ann')).role is Role.ADMIN
    assert (await sign_in(Browser(browser.sessions), 'bob')).role is Role.USER
    stricter = make(is_local=False)  # after a restart with other settings
    assert (await Browser(stricter, browser.cookie).visit(stricter.principal)).role is Role.USER


async def test_a_cookie_is_worth_nothing_where_the_settings_let_no_such_person_in(make: Make) -> None:
    local, guest = Browser(make()), Browser(make(is_local=False, guests=True))
    ann = Browser(make(is_local=False))
    await enter(local)
    await enter(guest)
    await sign_in(ann, 'ann')
    for settings, welcome in (
        ({'is_local': True}, {local.cookie}),
        ({'is_local': False, 'guests': True}, {guest.cookie, ann.cookie}),
        ({'is_local': False, 'guests': False}, {ann.cookie}),
    ):
        sessions = make(**settings)
        for cookie in (local.cookie, guest.cookie, ann.cookie):
            principal = await Browser(sessions, cookie).visit(sessions.principal)
            assert (principal is not None) == (cookie in welcome)
    with pytest.raises(Refused):
        await sign_in(Browser(make()), 'ann')


@pytest.mark.parametrize('around', ['\x85', '\xa0', '\x1c', '\x1d', '\x1e', '\x1f', '\x0b', '\x0c'], ids=ascii)
@pytest.mark.parametrize('base', ['chat', 'login'])
def test_only_what_browsers_take_for_the_name_of_a_cookie_is_it(base: str, around: str) -> None:
    cookie = Cookie(secure=True, seconds=60, base=base)

    def read(jar: str) -> str | None:
        return cookie.read({'headers': [(b'cookie', jar.encode('latin-1'))]})

    assert read(f'{around}{cookie.name}=forged') is None
    assert read(f'a=b;{around}{cookie.name}=forged; {cookie.name}=token') == 'token'
    assert read(f'a=b;\t {cookie.name}=token \t;c=d') == 'token'


async def test_a_browser_whose_sign_out_has_failed_can_sign_out_again(make: Make, store: Store) -> None:
    browser = Browser(make())
    await enter(browser)
    held = browser.cookie

    async def end(scope: Scope) -> bool:
        try:
            return bool(await browser.sessions.end(scope))
        except StoreUnavailable:
            return False

    await store.write(_rename, 'sessions', 'elsewhere')
    assert not await browser.visit(end)
    assert browser.cookie == held
    await store.write(_rename, 'elsewhere', 'sessions')
    assert await browser.visit(end)
    assert browser.cookie == 'chat='


def _rename(session: Session, table: str, name: str) -> None:
    session.connection().execute(text(f'ALTER TABLE {table} RENAME TO {name}'))


async def test_guests_from_one_address_come_a_minute_at_a_time(make: Make, clock: Clock) -> None:
    sessions = make(is_local=False, guests=True, limits=Limits(guests_per_minute=3))
    known = Browser(sessions)
    arrived = await asyncio.gather(*(_arrive(each) for each in [known, *(Browser(sessions) for _ in range(49))]))
    assert arrived.count('guest') == 3
    assert arrived.count('too_many_guests') == 47
    assert await _arrive(Browser(sessions, address='192.0.2.2')) == 'guest'
    with pytest.raises(LimitReached) as refused:
        await enter(Browser(sessions))
    assert (refused.value.status, refused.value.retry_after) == (429, 60)
    clock.forward(minutes=1)
    assert await _arrive(Browser(make(is_local=False, guests=True, limits=Limits(guests_per_minute=3)))) == 'guest'


async def test_whoever_is_known_comes_in_however_many_others_do(make: Make) -> None:
    sessions = make(is_local=False, guests=True, limits=Limits(guests_per_minute=1))
    known = Browser(sessions)
    first = await enter(known)
    assert await _arrive(Browser(sessions)) == 'too_many_guests'
    assert await enter(known) == first
    assert await sign_in(Browser(sessions), 'ann')


async def test_an_address_of_ipv6_counts_as_the_network_that_its_owner_has(make: Make) -> None:
    sessions = make(is_local=False, guests=True, limits=Limits(guests_per_minute=1))
    assert await _arrive(Browser(sessions, address='2001:db8:1:2::1')) == 'guest'
    assert await _arrive(Browser(sessions, address='2001:db8:1:2:ffff::9')) == 'too_many_guests'
    assert await _arrive(Browser(sessions, address='2001:db8:1:3::1')) == 'guest'
    assert await _arrive(Browser(sessions, address='192.0.2.1')) == 'guest'
    assert await _arrive(Browser(sessions, address='::ffff:192.0.2.1')) == 'too_many_guests'


async def test_in_local_mode_nobody_is_counted(make: Make) -> None:
    sessions = make(limits=Limits(guests_per_minute=1))
    for _ in range(5):
        assert await enter(Browser(sessions))


async def _arrive(browser: Browser) -> str:
    """The role of who came in, or why nobody did."""
    try:
        return str((await enter(browser)).role)
    except LimitReached as refused:
        return refused.code
