"""What the watch over open pages finds out, and what it leaves alone."""

from collections.abc import Callable, Collection, Mapping

import pytest
from auth_support import COMPANY, Browser
from sqlmodel import Session, update
from support.clock import Clock

from webapp.auth.sessions import Sessions
from webapp.auth.watch import Watch
from webapp.errors import StoreUnavailable
from webapp.principal import Identity, Principal, Role
from webapp.store import sessions as rows
from webapp.store.database import Store
from webapp.store.tables import IdentityRow, UserRow, changed

Make = Callable[..., Sessions]


class Pages:
    """Those of sessions, as the watch sees them."""

    def __init__(self, *open_for: Principal) -> None:
        self.open = {principal.session_id for principal in open_for}
        self.looks: list[tuple[Collection[str], Mapping[str, Principal]]] = []

    def keep(self, asked: Collection[str], standing: Mapping[str, Principal]) -> None:
        self.looks.append((asked, standing))


@pytest.fixture
def sessions(make: Make) -> Sessions:
    return make(is_local=False)


async def sign_in(sessions: Sessions, subject: str, **facts: object) -> Principal:
    async def act(scope: object) -> Principal:
        identity = Identity(COMPANY.issuer, subject, COMPANY.name, **facts)  # type: ignore[arg-type]
        return await sessions.sign_in(scope, identity)  # type: ignore[arg-type]

    principal = await Browser(sessions).visit(act)
    assert isinstance(principal, Principal)
    return principal


async def look(sessions: Sessions, *open_for: Principal) -> Mapping[str, Principal]:
    pages = Pages(*open_for)
    await Watch(sessions, opened=lambda: pages.open, keep=pages.keep).look()
    [(asked, standing)] = pages.looks
    assert asked == pages.open
    return standing


async def test_what_ends_a_session_is_seen(sessions: Sessions, store: Store, clock: Clock) -> None:
    ann, bob = await sign_in(sessions, 'ann'), await sign_in(sessions, 'bob')
    assert await look(sessions, ann, bob) == {ann.session_id: ann, bob.session_id: bob}
    await store.write(rows.end_all, user_id=ann.user_id, now=clock())
    assert await look(sessions, ann, bob) == {bob.session_id: bob}

    def block(session: Session) -> None:
        changed(session, update(UserRow).values(blocked_at=clock()))

    await store.write(block)
    assert await look(sessions, ann, bob) == {}


async def test_a_page_that_is_only_looked_at_does_not_keep_its_session(sessions: Sessions, clock: Clock) -> None:
    ann = await sign_in(sessions, 'ann')
    for _ in range(11):
        clock.forward(hours=1)
        assert await look(sessions, ann)
    clock.forward(hours=1)
    assert await look(sessions, ann) == {}


async def test_people_are_seen_as_they_are_now(sessions: Sessions, store: Store) -> None:
    ann = await sign_in(sessions, 'ann', claims_admin=True, groups=frozenset({'staff'}))
    assert ann.role is Role.ADMIN

    def demote(session: Session) -> None:
        changed(session, update(IdentityRow).values(claims_admin=False, groups=[]))

    await store.write(demote)
    [now] = (await look(sessions, ann)).values()
    assert (now.role, now.groups) == (Role.USER, frozenset())


async def test_nobody_asks_while_no_page_is_open_and_nothing_closes_without_an_answer(
    sessions: Sessions, store: Store
) -> None:
    pages = Pages(await sign_in(sessions, 'ann'))
    watch = Watch(sessions, opened=lambda: pages.open, keep=pages.keep)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await watch.look()
    pages.open.clear()
    await watch.look()  # would raise, if it asked
    assert pages.looks == []
