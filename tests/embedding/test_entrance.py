"""Who is let into an embed, on both databases: by a token that counts once, and a ticket that does so too."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlmodel import select
from starlette.types import Scope
from support.clock import Clock
from support.embedding import HOST_SECRET, OTHER_SECRET, by_secret, compact
from support.visits import visit

from webapp.auth.admission import Admission
from webapp.auth.sessions import Sessions
from webapp.embedding import EmbedSessions, Entrance
from webapp.embedding.host_tokens import HostTokenRefused
from webapp.embeds import Embed, Embeds, Key
from webapp.errors import LimitReached, Refused, SignedOut
from webapp.limits import Limits
from webapp.principal import Principal, Role
from webapp.store import embeds as embeds_store, logins, people
from webapp.store.audit import Party
from webapp.store.database import Store
from webapp.store.tables import SpentTokenRow, TicketRow
from webapp.throttle import Throttle

PUBLIC = 'https://chat.example.com'
SECRET = 'a-secret-of-the-instance-32-bytes'
HOST = 'https://www.example.com'
K1, K2 = Key('k1', 'HS256', HOST_SECRET), Key('k2', 'HS256', OTHER_SECRET)
HELPDESK = Embed(
    id='helpdesk', app='support', origins=(HOST, 'https://*.shop.example'), keys=(K1, K2), budget_group='helpdesk'
)
SALES = Embed(id='sales', app='support', origins=(HOST,), keys=(K1,))
OPEN = Embed(id='open', app='support', origins=(HOST,), keys=(K1,), anonymous=True)
OTHERS = [
    'https://evil.example', 'http://www.example.com', 'https://www.example.com:8443', 'https://www.example.com/',
    'https://www.example.com.evil.example', 'https://evil-www.example.com', 'https://WWW.example.com', 'null', '', '*',
    'https://shop.example', 'https://a.b.shop.example', 'https://.shop.example', 'https://evil.example#.shop.example',
    'https://evil/.shop.example', 'https://a@shop.example', 'https://*.shop.example', 'http://one.shop.example',
    'https://one.shop.example.evil.example', 'https://oneshop.example', 'https://\u0455.shop.example',
    'https://a:b.shop.example', 'https://-.shop.example', 'https://a\n.shop.example', ' https://one.shop.example',
]  # fmt: skip


@dataclass
class House:
    """An instance with its settings, which may be another one tomorrow on the same database."""

    store: Store
    clock: Clock
    embeds: Collection[Embed] = (HELPDESK, SALES, OPEN)
    limits: Limits = field(default_factory=Limits)
    tokens: int = 0

    def __post_init__(self) -> None:
        named = ['ann@example.com', 'embed:helpdesk:ann']
        admission = Admission(embeds=Embeds(self.embeds), admins=named, readers=named)
        self.sessions = Sessions(self.store, secret=SECRET, admission=admission, secure=True, now=self.clock)
        throttle = Throttle(self.store, self.limits, now=self.clock)
        self.within = EmbedSessions(self.sessions)
        self.entrance = Entrance(self.store, self.within, throttle, PUBLIC, self.clock)

    def now(self, embed: Embed) -> Embed:
        """As it is in these settings."""
        return next(each for each in self.embeds if each.id == embed.id)

    def with_other(self, *embeds: Embed) -> 'House':
        return House(self.store, self.clock, embeds, tokens=self.tokens)

    def token(self, subject: str = 'ann', embed: Embed = HELPDESK, *, kid: str = 'k1', **changes: object) -> str:
        self.tokens += 1
        now = int(self.clock().timestamp())
        good = {'aud': PUBLIC + embed.path, 'sub': subject, 'iat': now, 'exp': now + 60, 'jti': f'{self.tokens}'}
        sign = by_secret(HOST_SECRET if kid == 'k1' else OTHER_SECRET)
        return compact({'alg': 'HS256', 'kid': kid}, good | changes, sign)


@dataclass
class Browser:
    """Of a person: keeps the cookies that it is sent."""

    house: House
    jar: dict[str, str] = field(default_factory=dict)
    answered: str = ''  # the last `Set-Cookie`
    address: str = '192.0.2.1'

    async def enter(self, token: str | None, embed: Embed = HELPDESK, origin: str | None = HOST) -> str:
        """The ticket."""
        entrance, now = self.house.entrance, self.house.now(embed)
        found = await self._visit(lambda scope: entrance.enter(scope, now, token=token, origin=origin))
        assert isinstance(found, str)
        return found

    async def take(self, ticket: str, embed: Embed = HELPDESK) -> Principal | None:
        found = await self._visit(lambda scope: self.house.entrance.take(scope, self.house.now(embed), ticket))
        assert found is None or isinstance(found, Principal)
        return found

    async def within(self, embed: Embed = HELPDESK) -> Principal | None:
        """By the cookie."""
        found = await self._visit(lambda scope: self.house.within.principal(scope, self.house.now(embed)))
        assert found is None or isinstance(found, Principal)
        return found

    async def at_home(self) -> Principal | None:
        """On our own pages."""
        found = await self._visit(self.house.sessions.principal)
        assert found is None or isinstance(found, Principal)
        return found

    async def come_in(self, token: str | None, embed: Embed = HELPDESK) -> Principal:
        found = await self.take(await self.enter(token, embed), embed)
        assert found is not None
        return found

    async def _visit(self, act: Callable[[Scope], Awaitable[object]]) -> object:
        sent = '; '.join(f'{name}={value}' for name, value in self.jar.items() if value)
        return await visit(self.house.sessions, act, cookie=sent, address=self.address, on_cookie=self._keep)

    def _keep(self, answered: str) -> None:
        self.answered = answered
        cookie, _, rest = answered.partition('=')
        self.jar[cookie] = rest.partition(';')[0]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def house(store: Store, clock: Clock) -> House:
    return House(store, clock)


async def refused(entering: Awaitable[Any]) -> str:
    with pytest.raises((HostTokenRefused, Refused)) as refusal:
        await entering
    error = refusal.value
    return error.reason if isinstance(error, HostTokenRefused) else error.code


async def test_a_token_leads_in_and_the_cookie_keeps_the_person_there(house: House) -> None:
    ann = Browser(house)
    principal = await ann.come_in(house.token(name='Ann', groups=['staff']))
    assert (principal.role, principal.name, principal.app) == (Role.USER, 'Ann', 'support')
    assert principal.within is not None
    assert (principal.within.embed, principal.within.origins, principal.within.kid) == ('helpdesk', (HOST,), 'k1')
    again = await ann.within()
    assert again == principal
    assert ann.answered.startswith('__Host-e-helpdesk=')
    assert ann.answered.endswith('; Path=/; HttpOnly; SameSite=None; Secure; Partitioned')


async def test_a_token_counts_once(house: House) -> None:
    token = house.token()
    first, second = Browser(house), Browser(house)
    await first.enter(token)
    assert await refused(second.enter(token)) == 'replayed'
    assert await refused(first.enter(token)) == 'replayed'
    assert second.jar == {}
    assert await first.within() is not None  # who had come in stays


async def test_of_twenty_at_once_with_one_token_one_comes_in(house: House) -> None:
    token = house.token()
    found = await asyncio.gather(*(Browser(house).enter(token) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(each, str) for each in found) == 1
    assert sum(isinstance(each, HostTokenRefused) and each.reason == 'replayed' for each in found) == 19


async def test_a_token_is_remembered_for_as_long_as_it_would_be_taken(house: House, clock: Clock) -> None:
    await Browser(house).enter(token := house.token())
    clock.forward(seconds=59)
    await house.store.write(logins.purge, now=clock())
    assert await refused(Browser(house).enter(token)) == 'replayed'
    clock.forward(seconds=2)
    await house.store.write(logins.purge, now=clock())
    assert await refused(Browser(house).enter(token)) == 'expired'
    assert await house.store.read(lambda session: session.exec(select(SpentTokenRow)).all()) == []


async def test_a_ticket_counts_once_and_for_half_a_minute(house: House, clock: Clock) -> None:
    ann, thief = Browser(house), Browser(house)
    ticket = await ann.enter(house.token())
    assert await ann.take(ticket) is not None
    assert await thief.take(ticket) is None
    late = await ann.enter(house.token())
    clock.forward(seconds=30)
    assert await ann.take(late) is None
    assert await ann.within() is not None


async def test_of_twenty_at_once_with_one_ticket_one_comes_in(house: House) -> None:
    ticket = await Browser(house).enter(house.token())
    found = await asyncio.gather(*(Browser(house).take(ticket) for _ in range(20)))
    assert sum(each is not None for each in found) == 1


async def test_a_ticket_is_for_its_embed_alone(house: House) -> None:
    ann = Browser(house)
    ticket = await ann.enter(house.token())
    assert await ann.take(ticket, SALES) is None
    assert await ann.take(ticket) is not None


async def test_what_is_no_ticket_leads_nowhere(house: House) -> None:
    for ticket in ('', 'x', '0' * 43, 'x' * 100_000, '\0', '\u00e9', "' OR 1=1 --"):
        assert await Browser(house).take(ticket) is None


async def test_the_database_holds_neither_tickets_nor_cookies(house: House) -> None:
    ann = Browser(house)
    ticket = await ann.enter(house.token())
    rows = await house.store.read(lambda session: session.exec(select(TicketRow)).all())
    assert [row.embed for row in rows] == ['helpdesk']
    kept = ' '.join(f'{row.id} {row.session_id}' for row in rows)
    assert ticket not in kept
    assert ann.jar['__Host-e-helpdesk'] not in kept


async def test_tickets_that_nobody_took_go(house: House, clock: Clock) -> None:
    await Browser(house).enter(house.token())
    assert await house.store.write(embeds_store.purge, now=clock()) == 0
    clock.forward(seconds=30)
    assert await house.store.write(embeds_store.purge, now=clock()) == 1


async def test_an_ended_session_s_ticket_leads_nowhere(house: House) -> None:
    ann = Browser(house)
    ticket = await ann.enter(house.token())
    principal = await ann.within()
    assert principal is not None
    await house.sessions.sign_out(principal)
    assert await ann.take(ticket) is None


async def test_a_cookie_counts_in_its_own_place_alone(house: House) -> None:
    ann = Browser(house)
    await ann.come_in(house.token())
    value = ann.jar['__Host-e-helpdesk']
    for name in ('__Host-e-sales', '__Host-e-open', '__Host-chat'):
        thief = Browser(house, {name: value})
        assert [await thief.within(embed) for embed in (HELPDESK, SALES, OPEN)] == [None] * 3
        assert await thief.at_home() is None
    assert await Browser(house, {'e-helpdesk': value}).within() is None
    assert await Browser(house, {'chat': value}).at_home() is None


async def test_people_of_two_embeds_are_two_though_their_hosts_call_them_the_same(house: House) -> None:
    here = await Browser(house).come_in(house.token())
    there = await Browser(house).come_in(house.token('ann', SALES), SALES)
    assert here.user_id != there.user_id
    assert here.dify_user != there.dify_user


async def test_two_tabs_of_one_person_share_their_session(house: House) -> None:
    ann = Browser(house)
    first, second = await ann.come_in(house.token()), await ann.come_in(house.token())
    assert first.session_id == second.session_id
    assert (await house.sessions.still(first)).user_id == first.user_id


async def test_two_browsers_of_one_person_have_a_session_each(house: House) -> None:
    first, second = await Browser(house).come_in(house.token()), await Browser(house).come_in(house.token())
    assert first.user_id == second.user_id
    assert first.session_id != second.session_id


async def test_two_hosts_of_one_site_share_a_session_and_both_are_known(house: House) -> None:
    """Their frames have one cookie jar."""
    ann = Browser(house)
    await ann.come_in(house.token())
    other = 'https://one.shop.example'
    principal = await ann.take(await ann.enter(house.token(), origin=other))
    assert principal is not None
    assert principal.within is not None
    assert set(principal.within.origins) == {HOST, other}


async def test_somebody_else_ends_the_session_of_the_one_before(house: House) -> None:
    browser = Browser(house)
    ann = await browser.come_in(house.token('ann'))
    old = dict(browser.jar)
    bob = await browser.come_in(house.token('bob'))
    assert bob.user_id != ann.user_id
    assert await Browser(house, old).within() is None
    with pytest.raises(SignedOut):
        await house.sessions.still(ann)
    current = await browser.within()
    assert current is not None
    assert current.user_id == bob.user_id


async def test_a_bad_token_changes_nothing(house: House) -> None:
    browser = Browser(house)
    ann = await browser.come_in(house.token('ann'))
    assert await refused(browser.enter(house.token('bob', SALES))) == 'audience'
    assert await browser.within() == ann


async def test_no_token_ends_a_session_that_a_host_vouched_for(house: House) -> None:
    for embed in (HELPDESK, OPEN):
        browser = Browser(house)
        ann = await browser.come_in(house.token('ann', embed), embed)
        if embed.anonymous:
            visitor = await browser.come_in(None, embed)
            assert (visitor.role, visitor.user_id != ann.user_id) == (Role.GUEST, True)
        else:
            assert await refused(browser.enter(None, embed)) == 'embed_identity_needed'
            assert browser.jar['__Host-e-helpdesk'] == ''
        with pytest.raises(SignedOut):
            await house.sessions.still(ann)


async def test_a_visitor_stays_who_they_are(house: House) -> None:
    browser = Browser(house)
    first, second = await browser.come_in(None, OPEN), await browser.come_in(None, OPEN)
    assert (first.user_id, first.session_id) == (second.user_id, second.session_id)
    other = await Browser(house).come_in(None, OPEN)
    assert other.user_id != first.user_id
    assert first.role is Role.GUEST


async def test_a_visitor_who_signs_in_is_somebody_else_from_then_on(house: House) -> None:
    browser = Browser(house)
    visitor = await browser.come_in(None, OPEN)
    ann = await browser.come_in(house.token('ann', OPEN), OPEN)
    assert ann.user_id != visitor.user_id
    with pytest.raises(SignedOut):
        await house.sessions.still(visitor)


async def test_a_page_of_another_origin_is_refused_whatever_it_brings(house: House) -> None:
    for origin in OTHERS:
        assert (origin, await refused(Browser(house).enter(house.token(), origin=origin))) == (origin, 'origin')


async def test_a_page_of_a_listed_origin_is_not(house: House) -> None:
    for origin in (HOST, 'https://one.shop.example', 'https://xn--bcher-kva.shop.example', None):
        browser = Browser(house)
        found = await browser.take(await browser.enter(house.token(), origin=origin))
        assert found is not None
        assert found.within is not None
        assert found.within.origins == ((origin,) if origin else HELPDESK.origins)


async def test_nobody_within_an_embed_is_more_than_a_user(house: House) -> None:
    said = {'email': 'ann@example.com', 'email_verified': True, 'groups': ['admins', 'chat-admins'], 'admin': True}
    principal = await Browser(house).come_in(house.token('ann', **said))
    assert principal.role is Role.USER
    assert not principal.is_admin
    assert not principal.is_reader
    assert not principal.may_read('somebody')


async def test_what_is_asked_here_is_charged_to_the_embed_s_group(house: House) -> None:
    charged = await Browser(house).come_in(house.token('ann', groups=['staff']))
    assert charged.cost_group(('staff',)) == 'helpdesk'
    other = await Browser(house).come_in(house.token('ann', SALES, groups=['staff']), SALES)
    assert other.cost_group(('staff',)) == 'staff'


async def test_whoever_has_been_blocked_is_refused_and_out_at_once(house: House, clock: Clock) -> None:
    browser = Browser(house)
    ann = await browser.come_in(house.token())
    ticket = await browser.enter(house.token())
    await house.store.write(people.block, user_id=ann.user_id, now=clock(), actor=Party('admin', 'Admin'))
    assert await browser.within() is None
    assert await browser.take(ticket) is None
    token = house.token()
    assert await refused(browser.enter(token)) == 'blocked'


async def test_a_name_that_can_not_be_kept_is_refused(house: House) -> None:
    for subject in ('ann\0', '\0', 'a\0b'):
        with pytest.raises(Refused) as refusal:
            await Browser(house).enter(house.token(subject))
        assert refusal.value.status == 400


async def test_zeros_elsewhere_are_taken_out(house: House) -> None:
    said = {'name': 'A\0nn', 'email': 'ann\0@example.com', 'groups': ['st\0aff'], 'jti': 'a\0b'}
    principal = await Browser(house).come_in(house.token(**said))
    assert '\0' not in principal.name + ''.join(principal.groups)


async def test_people_stay_who_they_are_when_keys_change(house: House) -> None:
    before = await Browser(house).come_in(house.token(kid='k1'))
    rotated = house.with_other(Embed(id='helpdesk', app='support', origins=(HOST,), keys=(K2,)))
    after = await Browser(rotated).come_in(rotated.token(kid='k2'))
    assert (after.user_id, after.dify_user) == (before.user_id, before.dify_user)


async def test_a_key_that_is_taken_away_ends_what_it_vouched_for(house: House) -> None:
    one, two = Browser(house), Browser(house)
    first, second = await one.come_in(house.token(kid='k1')), await two.come_in(house.token(kid='k2'))
    later = house.with_other(Embed(id='helpdesk', app='support', origins=HELPDESK.origins, keys=(K2,)))
    standing = await later.sessions.standing({first.session_id, second.session_id})
    assert standing.keys() == {second.session_id}
    assert await Browser(later, one.jar).within() is None
    assert await Browser(later, two.jar).within() is not None
    assert await refused(Browser(later).enter(later.token(kid='k1'))) == 'unknown_key'


async def test_an_origin_that_is_taken_away_ends_what_lived_there(house: House) -> None:
    here, there, anywhere = Browser(house), Browser(house), Browser(house)
    await here.enter(house.token())
    await there.enter(house.token(), origin='https://one.shop.example')
    await anywhere.enter(house.token(), origin=None)
    later = house.with_other(Embed(id='helpdesk', app='support', origins=(HOST,), keys=(K1,)))
    found = [await Browser(later, browser.jar).within() is not None for browser in (here, there, anywhere)]
    assert found == [True, False, False]
    for browser in (there, anywhere):  # whoever is still vouched for comes in anew
        assert await Browser(later, browser.jar).come_in(later.token()) is not None


async def test_a_session_that_lived_at_a_lost_origin_too_goes_on_at_the_others(house: House) -> None:
    browser = Browser(house)
    await browser.enter(house.token(), origin='https://one.shop.example')
    await browser.enter(house.token())
    later = house.with_other(Embed(id='helpdesk', app='support', origins=(HOST,), keys=(K1,)))
    assert await Browser(later, browser.jar).come_in(later.token()) is not None


async def test_visitors_go_when_they_may_not_come_in_any_more(house: House) -> None:
    visitor, ann = Browser(house), Browser(house)
    await visitor.come_in(None, OPEN)
    await ann.come_in(house.token('ann', OPEN), OPEN)
    later = house.with_other(Embed(id='open', app='support', origins=(HOST,), keys=(K1,)))
    assert await Browser(later, visitor.jar).within(OPEN) is None
    assert await Browser(later, ann.jar).within(OPEN) is not None


async def test_an_embed_that_is_taken_away_takes_its_people_along(house: House) -> None:
    ann = Browser(house)
    principal = await ann.come_in(house.token())
    later = house.with_other(SALES)
    assert await later.sessions.standing({principal.session_id}) == {}


async def test_a_session_ends_when_it_has_not_been_used(house: House, clock: Clock) -> None:
    ann = Browser(house)
    await ann.come_in(house.token())
    clock.forward(hours=13)
    assert await ann.within() is None
    assert await ann.come_in(house.token()) is not None


async def test_visitors_and_bad_tokens_are_counted_by_embed_and_address(store: Store, clock: Clock) -> None:
    house = House(store, clock, limits=Limits(embed_entries_per_minute=3))
    for _ in range(2):
        await Browser(house).enter(None, OPEN)
    bad = house.token(embed=SALES)
    assert await refused(Browser(house).enter(bad, OPEN)) == 'audience'
    for token in (None, bad):
        with pytest.raises(LimitReached):
            await Browser(house).enter(token, OPEN)
    assert await Browser(house).enter(house.token('ann', OPEN), OPEN)  # whoever is vouched for comes in
    assert await Browser(house, address='198.51.100.7').enter(None, OPEN)
    assert await refused(Browser(house).enter(bad)) == 'audience'  # at another embed
    clock.forward(minutes=1, seconds=1)
    assert await Browser(house).enter(None, OPEN)


async def test_a_visitor_who_comes_back_is_not_counted(store: Store, clock: Clock) -> None:
    house = House(store, clock, limits=Limits(embed_entries_per_minute=1))
    browser = Browser(house)
    assert len({(await browser.come_in(None, OPEN)).user_id for _ in range(4)}) == 1
