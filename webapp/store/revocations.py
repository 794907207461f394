"""What admins have taken from pages of other sites: keys and origins by which nobody comes in any more.

They are read at each entry, so they hold at once, on every process. Who has taken what stands in the audit log.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from webapp.errors import NotFound
from webapp.origins import fits
from webapp.principal import Within
from webapp.store import audit, locks, sessions
from webapp.store.audit import Action, Party
from webapp.store.tables import EmbedRevocationRow, SessionRow
from webapp.store.text import clean


class Kind(StrEnum):
    KEY = 'key'
    ORIGIN = 'origin'


@dataclass(frozen=True, slots=True)
class Revocation:
    """:ivar name: of the key, its `kid`; the origin as the settings have it, perhaps with a star"""

    embed: str
    kind: Kind
    name: str
    at: datetime

    def hits(self, within: Within) -> bool:
        """Whether somebody there rests on what was taken."""
        if within.embed != self.embed:
            return False
        return within.kid == self.name if self.kind is Kind.KEY else any(map(self.hits_origin, within.origins))

    def hits_origin(self, origin: str) -> bool:
        """:param origin: as browsers write it, or as the settings have it"""
        return self.kind is Kind.ORIGIN and (origin == self.name or fits(origin, self.name))


class Revoked(Exception):
    """Somebody wants to come in by what was taken; nothing has changed."""

    def __init__(self, revocation: Revocation) -> None:
        self.revocation = revocation
        super().__init__(f'{revocation.kind} {revocation.name}')


def all_of(session: Session, *, embed: str = '') -> list[Revocation]:
    """:param embed: of this one; '' for all"""
    statement = select(EmbedRevocationRow).order_by(EmbedRevocationRow.kind, EmbedRevocationRow.name)
    if embed:
        statement = statement.where(EmbedRevocationRow.embed == embed)
    return [Revocation(row.embed, Kind(row.kind), row.name, row.at) for row in session.exec(statement)]


def require(session: Session, within: Within) -> None:
    """For functions of the store: nobody comes in while something is being taken.

    :raises Revoked: they rest on what was
    """
    locks.hold(session, 'embed', within.embed)
    for each in all_of(session, embed=within.embed):
        if each.hits(within):
            raise Revoked(each)


def revoke(
    session: Session, *, embed: str, kind: Kind, name: str, actor: Party, now: datetime, address: str = ''
) -> list[str]:
    """Take a key or an origin from an embed, and end the sessions that rest on it; their ids."""
    locks.hold(session, 'embed', embed)
    if session.get(EmbedRevocationRow, (embed, kind, name)) is not None:
        return []
    revocation = Revocation(embed, kind, name, now)
    session.add(EmbedRevocationRow(embed=embed, kind=kind, name=name, at=now))
    ended = [id_ for id_, within in _open(session, embed) if revocation.hits(within)]
    sessions.end_these(session, ids=ended, now=now)
    detail = {'embed': embed, kind: name, 'sessions': len(ended)}
    audit.record(session, Action.EMBED_REVOKED, now=now, actor=actor, address=address, detail=detail)
    return ended


def allow(
    session: Session, *, embed: str, kind: Kind, name: str, actor: Party, now: datetime, address: str = ''
) -> None:
    """Give back what was taken. :raises NotFound: it was not"""
    locks.hold(session, 'embed', embed)
    row = session.get(EmbedRevocationRow, (clean(embed), kind, clean(name)))
    if row is None:
        raise NotFound
    session.delete(row)
    detail = {'embed': row.embed, kind: row.name}
    audit.record(session, Action.EMBED_ALLOWED, now=now, actor=actor, address=address, detail=detail)


def end_sessions(session: Session, *, embed: str, actor: Party, now: datetime, address: str = '') -> list[str]:
    """End all sessions within an embed; their ids. Whoever is vouched for may come in anew."""
    locks.hold(session, 'embed', embed)
    ended = [id_ for id_, _ in _open(session, embed)]
    sessions.end_these(session, ids=ended, now=now)
    detail = {'embed': embed, 'sessions': len(ended)}
    audit.record(session, Action.EMBED_ENDED, now=now, actor=actor, address=address, detail=detail)
    return ended


def _open(session: Session, embed: str) -> list[tuple[str, Within]]:
    columns = (SessionRow.id, SessionRow.origins, SessionRow.kid)
    statement = select(*columns).where(SessionRow.embed == embed, col(SessionRow.ended_at).is_(None))
    return [(id_, Within(embed, tuple(origins.split()), kid)) for id_, origins, kid in session.exec(statement)]
