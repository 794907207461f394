"""One more way in for somebody who has just signed in. Never by itself, and never because addresses are alike."""

from datetime import datetime, timedelta

from starlette.types import Scope

from webapp.auth.sessions import Sessions, address
from webapp.errors import Refused, SignedOut, SignInFailed
from webapp.principal import Identity, Principal, Role
from webapp.store import sessions as session_store
from webapp.store.database import Store

FRESH = timedelta(minutes=10)  # how old the session may be that wants one


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


async def finish(
    sessions: Sessions, store: Store, scope: Scope, *, linking: str, identity: Identity, now: datetime
) -> Principal:
    """Give them the way in that they have proven to be theirs.

    :param linking: id of the session that wanted it
    :raises SignedOut: it has ended, or is not this browser's any more
    :raises Refused: `not_admitted`, or see `users.link`
    """
    principal = await sessions.principal(scope)
    if principal is None or principal.session_id != linking:
        raise SignedOut
    role = sessions.admission.role(identity)
    if role is None:
        raise Refused('not_admitted', f'{identity.provider} is no way in for them', status=403)
    await store.write(
        session_store.link, user_id=principal.user_id, identity=identity, role=role, now=now, address=address(scope)
    )
    return principal
