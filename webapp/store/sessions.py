"""Who is signed in, and until when. The table holds hashes of the cookies' tokens, never the tokens."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, func, or_, select, update

from webapp.principal import EMBED, GUEST, LOCAL, Identity, Role, Within
from webapp.store import audit, users
from webapp.store.audit import Action
from webapp.store.tables import IdentityRow, SessionRow, UserRow, changed
from webapp.store.text import clean, fold_title
from webapp.store.users import User, Vouched, identity_value, user_value

TOUCH = timedelta(minutes=1)  # `last_seen_at` is kept to this precision: reading a page must not cost a write
MAX_DEVICE = 200
AT_ONCE = 1000  # values in one statement; databases have a limit
MAX_ELSEWHERE = 9  # further origins of one session


@dataclass(frozen=True, slots=True)
class BrowserSession:
    id: str  # SHA-256 of the cookie's token, in hex
    user_id: str
    created_at: datetime
    last_seen_at: datetime  # to the minute
    expires_at: datetime
    device: str  # what the browser calls itself
    within: Within | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A live session: whose it is, and by what identity they came."""

    user: User
    identity: Identity
    session: BrowserSession


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """What a provider gave along with a login. The tokens are encrypted already; '' for what it did not give."""

    session: str = ''  # its own name for the session, by which it may end it
    id_token: str = ''
    refresh_token: str = ''
    refresh_at: datetime | None = None  # when to ask it again


NO_TOKENS = ProviderTokens()


def sign_in(
    session: Session,
    *,
    identity: Identity,
    role: str,
    secret: str,
    token_hash: str,
    now: datetime,
    absolute: timedelta,
    device: str = '',
    address: str = '',
    replaces: str = '',
    tokens: ProviderTokens = NO_TOKENS,
    within: Within | None = None,
) -> Standing:
    """Open a session for somebody whose identity has been proven, for at most `absolute`.

    :param role: what the settings make of the identity
    :param replaces: id of the session that this browser had so far; it ends
    :param within: if it is to live in a page of another site
    :raises Refused: see `users.sign_in`
    """
    vouched = users.sign_in(session, identity=identity, role=role, secret=secret, now=now)
    if replaces:
        end(session, token_hash=replaces, now=now)
    row = SessionRow(
        id=token_hash,
        user_id=vouched.user.id,
        identity_id=vouched.identity_id,
        created_at=now,
        last_seen_at=now,
        expires_at=now + absolute,
        ended_at=None,
        device=fold_title(device)[:MAX_DEVICE],
        provider_session=clean(tokens.session),
        id_token=tokens.id_token,
        refresh_token=tokens.refresh_token,
        refresh_at=tokens.refresh_at,
        embed=within.embed if within else '',
        origins=' '.join(within.origins) if within else '',
        kid=within.kid if within else '',
    )
    session.add(row)
    session.flush()
    if is_by_provider(identity):
        actor = users.party(vouched.user, identity)
        detail = {'provider': identity.provider}
        audit.record(session, Action.SIGNED_IN, now=now, actor=actor, target=actor, address=address, detail=detail)
        record_role(session, vouched, role, now=now)
    return Standing(vouched.user, vouched.identity, _value(row))


def renew(
    session: Session,
    *,
    token_hash: str,
    identity: Identity,
    role: str,
    secret: str,
    now: datetime,
    absolute: timedelta,
    idle: timedelta,
    within: Within,
    elsewhere: Collection[str] = (),
) -> Standing | None:
    """Go on with a live session within a page of another site, whose host has vouched anew for the very same person.

    :param elsewhere: origins where the session goes on, too: frames in pages of one site share what browsers keep
    :return: None if it is over, or somebody else's, or lives elsewhere: it stays as it is
    :raises Refused: see `users.sign_in`
    """
    found = look_up(session, token_hash=token_hash, now=now, idle=idle)
    if found is None or found.session.within is None or found.session.within.embed != within.embed:
        return None
    if (found.identity.issuer, found.identity.subject) != (identity.issuer, identity.subject):
        return None
    vouched = users.sign_in(session, identity=identity, role=role, secret=secret, now=now)
    row = session.get(SessionRow, token_hash, with_for_update=True, populate_existing=True)
    if row is None or row.ended_at is not None:
        return None
    row.last_seen_at, row.expires_at, row.kid = now, now + absolute, within.kid
    _settle(row, within.origins, elsewhere)
    session.flush()
    return Standing(vouched.user, vouched.identity, _value(row))


def go_on(session: Session, *, session_id: str, origins: Sequence[str], elsewhere: Collection[str]) -> bool:
    """Go on with a session within a page of another site, in one more page; `False` if it is over.

    :param origins: of that page
    :param elsewhere: as in `renew`
    """
    row = session.get(SessionRow, session_id, with_for_update=True)
    if row is None or row.ended_at is not None:
        return False
    _settle(row, origins, elsewhere)
    return True


def _settle(row: SessionRow, origins: Sequence[str], elsewhere: Collection[str]) -> None:
    row.origins = ' '.join((*origins, *[origin for origin in elsewhere if origin not in origins][:MAX_ELSEWHERE]))


def link(session: Session, *, user_id: str, identity: Identity, role: str, now: datetime, address: str = '') -> None:
    """Give a person one more way in. :raises NotFound, Refused: see `users.link`"""
    vouched = users.link(session, user_id=user_id, identity=identity, role=role, now=now)
    actor = users.party(vouched.user, identity)
    detail = {'provider': identity.provider}
    audit.record(session, Action.LINKED, now=now, actor=actor, target=actor, address=address, detail=detail)
    record_role(session, vouched, role, now=now)


def is_by_provider(identity: Identity) -> bool:
    """Whether somebody has signed in there. The local person and guests have not, nor has who comes by a page of
    another site, which has a log of its own: nothing is to be told of them."""
    return identity.provider not in {LOCAL, GUEST} and not identity.provider.startswith(EMBED)


def record_role(session: Session, vouched: Vouched, role: str, *, now: datetime) -> None:
    """Write down that somebody's role has changed, or that they have come as an admin.

    :param vouched: their role as it was
    """
    if vouched.role != role and (vouched.role or role == Role.ADMIN):
        detail = {'from': vouched.role, 'to': role}
        target = users.party(vouched.user, vouched.identity)
        audit.record(session, Action.ROLE_CHANGED, now=now, target=target, detail=detail)


def look_up(session: Session, *, token_hash: str, now: datetime, idle: timedelta) -> Standing | None:
    """The session and its person if it lives: not ended, not past its end, used within `idle`, not blocked. A query."""
    return standing(session, ids=[token_hash], now=now, idle=idle).get(token_hash)


def standing(session: Session, *, ids: Collection[str], now: datetime, idle: timedelta) -> dict[str, Standing]:
    """Those of the sessions that live, by their ids. A query, and one statement for a thousand of them."""
    statement = (
        select(SessionRow, UserRow, IdentityRow)
        .join(UserRow, col(UserRow.id) == SessionRow.user_id)
        .join(IdentityRow, col(IdentityRow.id) == SessionRow.identity_id)
        .where(*_lives(now, idle), col(UserRow.blocked_at).is_(None))
    )
    asked = list(ids)
    parts = (asked[start : start + AT_ONCE] for start in range(0, len(asked), AT_ONCE))
    return {
        row.id: Standing(user_value(user), identity_value(identity), _value(row))
        for part in parts
        for row, user, identity in session.exec(statement.where(col(SessionRow.id).in_(part)))
    }


def find(session: Session, *, token_hash: str, now: datetime, idle: timedelta) -> Standing | None:
    """`look_up`, and note that the session is in use, at most once a minute. A command.

    Cheapest is to `look_up` first and to call this only for a session that `is_due`.
    """
    found = look_up(session, token_hash=token_hash, now=now, idle=idle)
    if found and is_due(found.session, now):
        changed(session, update(SessionRow).where(col(SessionRow.id) == token_hash).values(last_seen_at=now))
        changed(session, update(UserRow).where(col(UserRow.id) == found.user.id).values(last_seen_at=now))
    return found


def is_due(browser: BrowserSession, now: datetime) -> bool:
    """Whether it is time to note again that the session is in use."""
    return now - browser.last_seen_at >= TOUCH


def of_person(session: Session, *, user_id: str, now: datetime, idle: timedelta) -> list[BrowserSession]:
    """A person's live sessions, the last used first."""
    statement = select(SessionRow).where(*_lives(now, idle), SessionRow.user_id == user_id)
    return [_value(row) for row in session.exec(statement.order_by(col(SessionRow.last_seen_at).desc(), SessionRow.id))]


def by_embed(session: Session, *, now: datetime, idle: timedelta) -> dict[str, int]:
    """How many live sessions there are within each embed that has any."""
    statement = select(SessionRow.embed, func.count()).where(*_lives(now, idle), SessionRow.embed != '')
    return dict(session.exec(statement.group_by(SessionRow.embed)).all())


def end(session: Session, *, token_hash: str, now: datetime) -> bool:
    """Sign a browser out; `False` if it was out already."""
    return _end(session, SessionRow.id == token_hash, now=now) > 0


def end_of_person(session: Session, *, user_id: str, session_id: str, now: datetime) -> bool:
    """End one session of a person's; `False` if it is not theirs, or over already."""
    return _end(session, SessionRow.id == clean(session_id), SessionRow.user_id == user_id, now=now) > 0


def end_all(session: Session, *, user_id: str, now: datetime, but: str = '') -> int:
    """Sign a person out everywhere, but for the session named; how many sessions that ended."""
    return _end(session, SessionRow.user_id == user_id, SessionRow.id != but, now=now)


def end_these(session: Session, *, ids: Collection[str], now: datetime) -> None:
    """End the sessions that are named."""
    asked = list(ids)
    for start in range(0, len(asked), AT_ONCE):
        _end(session, col(SessionRow.id).in_(asked[start : start + AT_ONCE]), now=now)


def purge(session: Session, *, now: datetime, idle: timedelta) -> int:
    """Delete sessions that can't come back to life; how many they were."""
    dead = or_(
        col(SessionRow.ended_at).is_not(None),
        col(SessionRow.expires_at) <= now,
        col(SessionRow.last_seen_at) <= now - idle,
    )
    return changed(session, delete(SessionRow).where(dead))


def _end(session: Session, *conditions: ColumnElement[bool] | bool, now: datetime) -> int:
    statement = update(SessionRow).where(col(SessionRow.ended_at).is_(None), *conditions)  # type: ignore[arg-type]
    return changed(session, statement.values(ended_at=now, id_token='', refresh_token='', refresh_at=None))


def _lives(now: datetime, idle: timedelta) -> tuple[bool, ...]:
    return (
        col(SessionRow.ended_at).is_(None),
        SessionRow.expires_at > now,
        SessionRow.last_seen_at > now - idle,
    )  # type: ignore[return-value]


def _value(row: SessionRow) -> BrowserSession:
    return BrowserSession(
        id=row.id,
        user_id=row.user_id,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        device=row.device,
        within=Within(row.embed, tuple(row.origins.split()), row.kid) if row.embed else None,
    )
