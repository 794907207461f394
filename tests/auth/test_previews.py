"""As whom an admin sees an embed on a page of ours: as nobody who is anybody else, and for an hour at most."""

import hashlib
from datetime import timedelta

import pytest
from auth_support import Browser
from support.clock import Clock

from webapp.auth.admission import Admission
from webapp.auth.sessions import Sessions
from webapp.embedding import EmbedSessions, Entrance
from webapp.embeds import Embed, Embeds, Key
from webapp.errors import NotFound
from webapp.limits import NO_LIMITS
from webapp.principal import Identity, Principal, Role, Within
from webapp.store import embeds
from webapp.store.database import Store
from webapp.store.embeds import Entry
from webapp.throttle import Throttle

HELPDESK = Embed('helpdesk', 'demo', ('https://www.example.com',), (Key('k1', 'HS256', 'k' * 32),), budget_group='shop')
WIKI = Embed('wiki', 'demo', ('https://www.example.com',), anonymous=True)


@pytest.fixture
def sessions(store: Store, clock: Clock) -> Sessions:
    admission = Admission(is_local=True, embeds=Embeds([HELPDESK, WIKI]))
    return Sessions(store, secret='s' * 32, admission=admission, secure=False, now=clock)


@pytest.fixture
def entrance(store: Store, sessions: Sessions, clock: Clock) -> Entrance:
    return Entrance(store, EmbedSessions(sessions), Throttle(store, NO_LIMITS), 'https://chat.example.com', clock)


@pytest.fixture
async def admin(sessions: Sessions) -> Principal:
    found = await Browser(sessions).visit(sessions.enter)
    assert isinstance(found, Principal)
    return found


async def open_(entrance: Entrance, admin: Principal, embed: Embed, browser: Browser) -> Principal | None:
    ticket = await entrance.preview(admin, embed, name='Preview')
    return await browser.visit(lambda scope: entrance.take(scope, embed, ticket))


@pytest.mark.parametrize('embed', [HELPDESK, WIKI], ids=['of-people', 'of-visitors'])
async def test_it_is_a_person_of_its_own(entrance: Entrance, admin: Principal, embed: Embed) -> None:
    browser = Browser(entrance.sessions.own)
    seen = await open_(entrance, admin, embed, browser)
    assert seen
    assert (seen.name, seen.role, seen.within) == ('Preview', Role.USER, Within(embed.id, ()))
    assert (seen.app, seen.charged_to) == ('demo', embed.budget_group)
    assert seen.user_id != admin.user_id
    assert browser.answered == ''  # no cookie
    again = await open_(entrance, admin, embed, browser)
    assert again
    assert (again.user_id, again.session_id == seen.session_id) == (seen.user_id, False)


async def test_the_same_admin_is_another_one_elsewhere(entrance: Entrance, admin: Principal) -> None:
    both = [await open_(entrance, admin, embed, Browser(entrance.sessions.own)) for embed in (HELPDESK, WIKI)]
    assert len({seen.user_id for seen in both if seen}) == 2


async def test_no_host_can_vouch_for_it(entrance: Entrance, admin: Principal, store: Store, clock: Clock) -> None:
    seen = await open_(entrance, admin, HELPDESK, Browser(entrance.sessions.own))
    subject = hashlib.sha256(admin.user_id.encode()).hexdigest()
    identity = Identity(HELPDESK.issuer, subject, HELPDESK.issuer)
    claimed = Entry(identity, 'user', Within('helpdesk', HELPDESK.origins, 'k1'), None, 'a', '', 'b', '', '')
    hour = timedelta(hours=1)
    standing = await store.write(embeds.enter, claimed, secret='s' * 32, now=clock(), absolute=hour, idle=hour)
    assert seen
    assert standing
    assert standing.user.id != seen.user_id


async def test_its_ticket_counts_once_and_at_its_embed(entrance: Entrance, admin: Principal) -> None:
    ticket = await entrance.preview(admin, HELPDESK, name='')
    browser = Browser(entrance.sessions.own)
    assert await browser.visit(lambda scope: entrance.take(scope, WIKI, ticket)) is None
    assert await browser.visit(lambda scope: entrance.take(scope, HELPDESK, ticket))
    assert await browser.visit(lambda scope: entrance.take(scope, HELPDESK, ticket)) is None


async def test_it_is_over_within_the_hour(entrance: Entrance, admin: Principal, clock: Clock) -> None:
    seen = await open_(entrance, admin, HELPDESK, Browser(entrance.sessions.own))
    assert seen
    clock.forward(minutes=59)
    assert await entrance.sessions.own.standing([seen.session_id])
    clock.forward(minutes=2)
    assert await entrance.sessions.own.standing([seen.session_id]) == {}


async def test_it_is_for_admins(entrance: Entrance, admin: Principal) -> None:
    seen = await open_(entrance, admin, HELPDESK, Browser(entrance.sessions.own))
    assert seen
    with pytest.raises(NotFound):
        await entrance.preview(seen, HELPDESK, name='')
