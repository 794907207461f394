"""One more way in for somebody who has just signed in. Never by itself, and never because addresses are alike.

Three steps: they ask for it on a page of ours, prove it at the provider, and take it on a page of ours. The last one is
needed because not every provider asks anew who somebody is: who has got an account of theirs into another's browser
must not get that other's account by it.
"""

from datetime import datetime, timedelta

from starlette.types import Scope

from webapp.auth.sessions import Sessions
from webapp.errors import SignedOut, SignInFailed
from webapp.principal import Identity, Principal, Role
from webapp.store import links
from webapp.store.database import Store

FRESH = timedelta(minutes=10)  # how old the session may be that wants one, and how long what was proven waits


async def begin(sessions: Sessions, scope: Scope, *, now: datetime) -> str:
    """The id of the session that wants one more way in.

    :raises SignedOut: there is none, or nobody has signed in to it
    :raises SignInFailed: `sign_in_stale`: they have not signed in just now
    """
    principal = await sessions.principal(scope)
    if principal is None or principal.role is Role.GUEST:
        raise SignedOut
    theirs = await sessions.of_person(principal.user_id)
    began = next((each.created_at for each in theirs if each.id == principal.session_id), None)
    if began is None or now - began > FRESH:
        raise SignInFailed('sign_in_stale', 'the session is not fresh', status=403)
    return principal.session_id


async def offer(
    sessions: Sessions, store: Store, scope: Scope, *, linking: str, identity: Identity, now: datetime
) -> None:
    """Let them take the way in that has been proven in their browser.

    :param linking: id of the session that wanted it
    :raises SignedOut: it has ended, or is not this browser's any more
    :raises Refused: `not_admitted`, `identity_taken`
    """
    principal = await sessions.principal(scope)
    if principal is None or principal.session_id != linking:
        raise SignedOut
    sessions.admission.admit(identity)
    await store.write(
        links.offer, user_id=principal.user_id, session_id=linking, identity=identity, expires_at=now + FRESH
    )


async def accept(sessions: Sessions, store: Store, principal: Principal, offer_id: str, *, now: datetime) -> None:
    """Take it. :raises NotFound, Refused: see `links.accept`"""
    await store.write(
        links.accept,
        user_id=principal.user_id,
        session_id=principal.session_id,
        offer_id=offer_id,
        admits=sessions.admission.role,
        now=now,
        address=principal.address,
    )


async def remove(
    sessions: Sessions, store: Store, principal: Principal, identity_id: str, *, now: datetime
) -> list[str]:
    """Give up a way in; the ids of the sessions that ended by it. :raises NotFound, Refused: see `links.remove`"""
    return await store.write(
        links.remove,
        user_id=principal.user_id,
        identity_id=identity_id,
        admits=sessions.admission.role,
        now=now,
        address=principal.address,
    )
