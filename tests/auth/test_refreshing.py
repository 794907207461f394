"""Sessions that are asked after at a real provider, over real HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from auth_support import COMPANY
from issuer import ANN, CLIENT, SECRET, Issuer, unsigned
from starlette.responses import HTMLResponse, JSONResponse

from webapp import clock
from webapp.auth.admission import Admission
from webapp.auth.clients import Clients
from webapp.auth.providers import Provider
from webapp.auth.refreshing import AT_ONCE, Refreshing
from webapp.auth.sealing import Sealing
from webapp.auth.wire import Wire
from webapp.errors import StoreUnavailable
from webapp.principal import Identity
from webapp.store import audit, sessions
from webapp.store.audit import Action, Filter
from webapp.store.database import Store
from webapp.store.sessions import ProviderTokens, Standing

IDLE, MINUTE = timedelta(hours=12), timedelta(minutes=1)
SEALING = Sealing('a secret of these tests and no other place')
SESSION = 'a session'


@pytest.fixture
def company(issuer: Issuer) -> Provider:
    return replace(
        COMPANY, issuer=issuer.url, client_id=CLIENT, client_secret=SECRET, admin_groups=frozenset({'chat-admins'})
    )


@pytest.fixture
async def world(store: Store, company: Provider) -> AsyncIterator[SimpleNamespace]:
    """`start()` gives somebody who asks, as each process has one; `ended` is whose pages were closed."""
    world = SimpleNamespace(later=timedelta(0), ended=[])
    opened: list[Clients] = []

    def start(**settings: Any) -> Refreshing:
        opened.append(Clients([company], Wire(1.0)))
        admission = Admission(**{'providers': [company]} | settings)
        return Refreshing(
            store, opened[-1], admission, SEALING, on_end=world.ended.append, now=lambda: clock.now() + world.later
        )

    world.start = start
    yield world
    for clients in opened:
        await clients.aclose()


@pytest.fixture
def sign_in(store: Store, company: Provider, issuer: Issuer) -> Callable[..., Any]:
    async def sign_in(id: str = SESSION, subject: str = ANN['sub'], **changes: Any) -> Standing:
        identity = Identity(company.issuer, subject, company.name, name='Ann', groups=frozenset({'staff'}))
        token = changes.pop('token', None) or issuer.new_refresh_token()
        tokens = {'refresh_token': SEALING.seal(token), 'refresh_at': clock.now() - MINUTE} | changes
        return await store.write(
            sessions.sign_in, identity=identity, role='user', secret='secret', token_hash=id, now=clock.now(),
            absolute=timedelta(days=7), tokens=ProviderTokens(**tokens),
        )  # fmt: skip

    return sign_in


async def standing(store: Store, id: str = SESSION) -> Standing | None:
    return await store.read(sessions.look_up, token_hash=id, now=clock.now(), idle=IDLE)


async def told(store: Store, action: Action) -> list[dict[str, Any]]:
    return [entry.detail for entry in await store.read(audit.page, wanted=Filter(action=action))]


async def row(store: Store, id: str = SESSION) -> tuple[str, datetime | None]:
    """The refresh token, and when it is due."""

    def read(session: Any) -> tuple[str, datetime | None]:
        found = session.get(sessions.SessionRow, id)
        return SEALING.open(found.refresh_token), found.refresh_at

    return await store.read(read)


async def test_what_the_provider_says_now_counts_and_its_next_token_is_kept(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, issuer: Issuer
) -> None:
    await sign_in()
    first, _ = await row(store)
    issuer.person |= {'name': 'Ann Lee', 'groups': ['staff', 'chat-admins']}
    issuer.tokens = {'expires_in': 1800}
    refreshing = world.start()
    assert await refreshing.look() == 1
    now = await standing(store)
    assert now
    assert (now.user.name, now.identity.claims_admin) == ('Ann Lee', True)
    assert await told(store, Action.ROLE_CHANGED) == [{'from': 'user', 'to': 'admin'}]
    second, at = await row(store)
    assert second not in {'', first}
    assert at
    assert timedelta(minutes=29) < at - clock.now() <= timedelta(minutes=30)
    world.later = timedelta(minutes=29)
    assert await refreshing.look() == 0
    world.later = timedelta(minutes=30)
    issuer.person['groups'] = ['staff']
    issuer.claims = {'iat': int(time.time()) + 1800, 'exp': int(time.time()) + 2100}
    assert await refreshing.look() == 1
    now = await standing(store)
    assert now
    assert not now.identity.claims_admin
    assert world.ended == []


async def test_twenty_at_once_ask_once(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, issuer: Issuer
) -> None:
    await sign_in()
    asked = issuer.asked['/token']
    await asyncio.gather(*(world.start().look() for _ in range(20)))
    assert issuer.asked['/token'] == asked + 1
    assert await standing(store)
    assert world.ended == []


async def test_a_refusal_ends_the_session(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, issuer: Issuer
) -> None:
    await sign_in()
    await sign_in('used', token='spent')
    await world.start().look()
    assert await standing(store)
    assert await standing(store, 'used') is None
    assert world.ended == ['used']
    assert await told(store, Action.SESSION_ENDED) == [{'provider': 'company', 'reason': 'not_renewed'}]
    assert await row(store, 'used') == ('', None)


@pytest.mark.parametrize(
    'answer',
    [
        None,
        HTMLResponse('<p>Bad gateway', 502),
        HTMLResponse('<p>Welcome'),
        JSONResponse({'error': 'invalid_client'}, 401),
    ],
    ids=['silence', 'broken', 'html', 'our fault'],
)
async def test_a_provider_out_of_reach_ends_nothing_and_is_asked_ever_more_seldom(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, issuer: Issuer, answer: Any,
) -> None:  # fmt: skip
    await sign_in()
    issuer.answers = {'/token': answer}
    refreshing = world.start()
    asked = []
    for seconds in range(0, 1000, 10):
        world.later = timedelta(seconds=seconds)
        before = issuer.asked['/token']
        await refreshing.look()
        if issuer.asked['/token'] > before:
            asked.append(seconds)
        if answer is None and len(asked) == 2:
            break
    assert asked == [0, 30, 90, 210, 450, 930][: len(asked)]
    assert len(asked) >= 2
    assert await standing(store)
    issuer.answers = {}
    world.later = timedelta(hours=1)
    await world.start().look()
    assert (await row(store))[0].startswith('refresh-')
    assert await told(store, Action.SESSION_ENDED) == []


async def test_many_sessions_of_a_provider_that_is_down_do_not_all_ask_it(
    world: SimpleNamespace, sign_in: Callable[..., Any], issuer: Issuer
) -> None:
    for number in range(30):
        await sign_in(f'session-{number}')
    issuer.answers = {'/token': HTMLResponse('<p>Bad gateway', 502)}
    before = issuer.asked['/token']
    await world.start().look()
    assert issuer.asked['/token'] - before <= AT_ONCE


async def test_words_about_somebody_else_end_the_session(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, issuer: Issuer
) -> None:
    await sign_in()
    issuer.person = {'sub': 'bob-1', 'name': 'Bob'}
    await world.start().look()
    assert await standing(store) is None
    assert await told(store, Action.SESSION_ENDED) == [{'provider': 'company', 'reason': 'somebody_else'}]


async def test_also_where_they_come_from_the_userinfo_endpoint_alone(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, issuer: Issuer
) -> None:
    await sign_in()
    issuer.tokens = {'id_token': None}
    issuer.userinfo = {'sub': 'bob-1'}
    await world.start().look()
    assert await standing(store) is None


async def test_without_an_id_token_the_userinfo_endpoint_is_asked(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, issuer: Issuer
) -> None:
    await sign_in()
    issuer.tokens = {'id_token': None}
    issuer.userinfo = {'groups': ['chat-admins']}
    await world.start().look()
    now = await standing(store)
    assert now
    assert now.identity.groups == {'chat-admins'}


async def test_who_says_less_than_at_the_login_takes_nothing_back(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, issuer: Issuer
) -> None:
    await sign_in()
    issuer.tokens = {'id_token': None}
    issuer.userinfo = {'groups': None}
    await world.start().look()
    now = await standing(store)
    assert now
    assert now.identity.groups == {'staff'}


async def test_a_forged_token_changes_nothing_but_the_next_refresh_token_counts(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, issuer: Issuer
) -> None:
    await sign_in()
    first, _ = await row(store)
    issuer.person['groups'] = ['chat-admins']
    issuer.forge = unsigned
    await world.start().look()
    now = await standing(store)
    assert now
    assert now.identity.groups == {'staff'}
    assert (await row(store))[0] not in {'', first}


async def test_whom_the_settings_let_in_no_more_is_out(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, company: Provider
) -> None:
    await sign_in()
    only = replace(company, allowed_domains=frozenset({'other.example'}))
    await world.start(providers=[only]).look()
    assert await standing(store) is None
    assert world.ended == [SESSION]


async def test_a_token_that_cannot_be_read_ends_the_session_without_a_question(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, issuer: Issuer
) -> None:
    await sign_in(refresh_token=Sealing('an older secret').seal('refresh-me'))
    asked = issuer.asked['/token']
    await world.start().look()
    assert issuer.asked['/token'] == asked
    assert await standing(store) is None


async def test_a_write_that_fails_for_one_session_keeps_no_other_from_its_next_token(
    world: SimpleNamespace, sign_in: Callable[..., Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f'session-{number}' for number in range(4)]
    for id in ids:
        await sign_in(id)
    before = {id: await row(store, id) for id in ids}
    write = store.write

    async def failing(command: Any, **given: Any) -> Any:
        if 'session-1' in {given.get('session_id'), getattr(given.get('claim'), 'session_id', '')}:
            raise StoreUnavailable(detail='no space is left')
        return await write(command, **given)

    monkeypatch.setattr(store, 'write', failing)
    assert await world.start().look() == 3
    assert [id for id in ids if await row(store, id) == before[id]] == ['session-1']
    monkeypatch.undo()
    assert await world.start().look() == 1
    assert (await row(store, 'session-1'))[0] not in {'', before['session-1'][0]}
    assert world.ended == []
