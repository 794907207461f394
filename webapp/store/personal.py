"""All that is held of a person, a page of records at a time, for them to take away.

Secrets stay out (hashes of sessions, tokens), and so does what upstream calls things, but for its name of the person.
So does who else was there: of an entry of the audit log they get what was done and when, not the name or the address
of who did it, and of what they did themselves to others or looked for, nothing by which to tell whom it was about.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, literal, or_, tuple_
from sqlmodel import Session, col, select

from webapp.chat.message import FilePart, FormPart, Reply, dump_reply
from webapp.store import budget_table, files, limits, messages, users
from webapp.store.audit import Action
from webapp.store.rollups import UNIT
from webapp.store.tables import (
    AuditRow,
    BudgetRow,
    ConversationRow,
    DeletionRow,
    FileRow,
    HitRow,
    IdentityRow,
    OfferRow,
    ReservationRow,
    SessionRow,
    UsageDayRow,
    UsageRow,
)
from webapp.store.usage import from_nano

Record = dict[str, Any]

PAGE = 500
PAGE_OF_MESSAGES = 5  # each may be as long as a book
UPSTREAM = ('conversation_id', 'message_id', 'task_id', 'run_id')  # of a reply: names that mean nothing here

# Of an entry that is not about them: what says nothing of others. An action that is not here tells no more than itself.
TOLD: Mapping[str, Set[str]] = {
    Action.SIGN_IN_REFUSED: {'provider', 'reason'},
    Action.BLOCKED: {'sessions'},
    Action.SESSION_ENDED: {'sessions'},
    Action.AUDIT_EXPORTED: {'format', 'action', 'since', 'until'},
    Action.USAGE_EXPORTED: {'format', 'range', 'from', 'to', 'by', 'app', 'model', 'outcome'},
    Action.FEEDBACK_EXPORTED: {'format', 'texts', 'rating', 'state', 'app', 'since', 'until', 'searched'},
    Action.FEEDBACK_STATE_CHANGED: {'from', 'to'},
    Action.BUDGET_SET: {'budget', 'period', 'limit', 'before'},
    Action.BUDGET_REMOVED: {'budget', 'period', 'limit'},
    Action.NOTICE_SHOWN: {'text', 'level', 'until'},
    Action.NOTICE_ENDED: {'text', 'level', 'until'},
}


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one table.

    :ivar id: the columns by which they are read on; together unique among the person's, and text
    :ivar columns: that are exported
    """

    table: type[Any]
    id: tuple[str, ...]
    columns: Sequence[str]


SECTIONS: dict[str, Section] = {
    'identities': Section(
        IdentityRow,
        ('id',),
        (
            'provider',
            'issuer',
            'subject',
            'name',
            'email',
            'email_verified',
            'groups',
            'role',
            'created_at',
            'vouched_at',
        ),
    ),
    'sessions': Section(SessionRow, ('id',), ('created_at', 'last_seen_at', 'expires_at', 'ended_at', 'device')),
    'conversations': Section(
        ConversationRow, ('id',), ('id', 'app', 'title', 'title_state', 'inputs', 'created_at', 'updated_at', 'unread')
    ),
    'limits': Section(HitRow, ('id',), ('scope', 'at', 'amount')),
    'reservations': Section(
        ReservationRow, ('message_id', 'currency'), ('message_id', 'app', 'currency', 'nano', 'tokens')
    ),
    'budgets': Section(BudgetRow, ('period', 'currency'), ('period', 'currency', 'maximum')),
    'deletions': Section(DeletionRow, ('id',), ('app', 'created_at')),
    'usage': Section(
        UsageRow,
        ('id',),
        (
            *('created_at', 'day', 'app', 'cost_group', 'conversation_id', 'message_id', 'model', 'outcome', 'failure'),
            *(
                'pricing',
                'currency',
                'prompt_tokens',
                'completion_tokens',
                'total_tokens',
                'prompt_nano',
                'completion_nano',
            ),
            *('total_nano', 'latency_ms', 'first_token_ms', 'history_tokens', 'history_nano', 'history_currency'),
        ),
    ),
}


def person(session: Session, *, user_id: str) -> Record:
    """:raises NotFound: no such person"""
    user = users.get(session, user_id=user_id)
    names = ('id', 'name', 'email', 'created_at', 'last_seen_at', 'blocked_at')
    return {name: getattr(user, name) for name in names} | {'upstream_user': user.dify_user}


def records(
    session: Session, *, user_id: str, section: str, after: tuple[str, ...]
) -> tuple[list[Record], tuple[str, ...]]:
    """A page of the rows of a section.

    :param after: where the last page ended, empty for the first
    :return: with where to go on, empty after all
    """
    part = SECTIONS[section]
    ids = [col(getattr(part.table, name)) for name in part.id]
    statement = select(part.table).where(_theirs(session, part.table, user_id)).order_by(*ids).limit(PAGE)
    if after:
        statement = statement.where(tuple_(*ids) > tuple_(*map(literal, after)))
    rows = session.exec(statement).all()
    found = [_readable({name: getattr(row, name) for name in part.columns}) for row in rows]
    return found, tuple(getattr(rows[-1], name) for name in part.id) if len(rows) == PAGE else ()


def offers(session: Session, *, user_id: str) -> list[Record]:
    """Ways in that wait to be taken."""
    theirs = select(OfferRow).join(SessionRow, col(SessionRow.id) == OfferRow.session_id)
    rows = session.exec(theirs.where(SessionRow.user_id == user_id))
    return [{'identity': row.identity, 'expires_at': row.expires_at} for row in rows]


def usage_days(session: Session, *, user_id: str) -> list[Record]:
    """What they cost by day; a few rows for each day."""
    theirs = select(UsageDayRow).where(UsageDayRow.user_id == user_id).order_by(col(UsageDayRow.day))
    found = []
    for row in session.exec(theirs):
        record = row.model_dump(exclude={'user_id'})
        for name in ('prompt', 'completion', 'total'):
            units, nano = record.pop(f'{name}_units'), record.pop(f'{name}_nano')
            record[f'{name}_price'] = from_nano(units * UNIT + nano)
        found.append(record)
    return found


def entries(session: Session, *, user_id: str, after: str) -> tuple[list[Record], str]:
    """A page of the audit log, as far as it is about them. `after` and what is given: as `records`, '' for empty."""
    id_, theirs = col(AuditRow.id), or_(col(AuditRow.actor_id) == user_id, col(AuditRow.target_id) == user_id)
    rows = session.exec(select(AuditRow).where(theirs, id_ > after).order_by(id_).limit(PAGE)).all()
    return [_entry(row, user_id) for row in rows], rows[-1].id if len(rows) == PAGE else ''


def turns(session: Session, *, user_id: str, conversation_id: str, after: int) -> list[Record]:
    """A few messages of a conversation, whether shown or not, the oldest first; those after the number `after`."""
    found = messages.following(
        session, user_id=user_id, conversation_id=conversation_id, after=after, limit=PAGE_OF_MESSAGES
    )
    return [
        {
            'id': each.id,
            'conversation_id': each.conversation_id,
            'number': each.number,
            'parent': each.parent,
            'shown': each.is_shown,
            'created_at': each.created_at,
            'ended_at': each.ended_at,
            'question': each.query,
            'answer': _answer(each.reply),
            'files': [file.id for file in each.files],
            'made': [file.id for file in each.made],
            'rating': each.rating,
            'comment': each.comment,
        }
        for each in found
    ]


def conversation_ids(session: Session, *, user_id: str) -> list[str]:
    """All of a person's, in the order of their ids."""
    return list(
        session.exec(
            select(ConversationRow.id).where(ConversationRow.user_id == user_id).order_by(col(ConversationRow.id))
        )
    )


def sent(session: Session, *, user_id: str, after: str) -> list[files.File]:
    """A page of files, made ones and texts that wait to be sent included; those that follow the id `after`."""
    theirs = (FileRow.user_id == user_id, FileRow.source != files.Source.DELETED, FileRow.id > after)
    rows = session.exec(select(FileRow).where(*theirs).order_by(col(FileRow.id)).limit(PAGE))
    return [files.file_value(row) for row in rows]


def _theirs(session: Session, table: type[Any], user_id: str) -> Any:
    if table is HitRow:
        return HitRow.key == limits.of_person(user_id)
    if table is BudgetRow:
        return and_(*budget_table.of_person(user_id))
    if table is DeletionRow:
        return DeletionRow.dify_user == users.get(session, user_id=user_id).dify_user
    return table.user_id == user_id


def _readable(record: Record) -> Record:
    """Amounts as decimals of the currency."""
    made: Record = {}
    for name, value in record.items():
        if name.endswith('nano'):
            price = 'price' if name == 'nano' else name.replace('_nano', '_price')
            made[price] = None if value is None else from_nano(value)
        else:
            made[name] = value
    return made


def _entry(row: AuditRow, user_id: str) -> Record:
    is_own = row.actor_id == user_id
    by = 'you' if is_own else 'the service' if not row.actor_id else 'somebody else'
    is_about, may_tell = row.target_id == user_id, TOLD.get(row.action, frozenset())
    about = 'you' if is_about else 'nobody' if not row.target_id else 'somebody else'
    return {
        'at': row.at,
        'action': row.action,
        'by': by,
        'about': about,
        'address': row.address if is_own else '',
        'detail': {name: value for name, value in row.detail.items() if is_about or name in may_tell},
    }


def _answer(reply: Reply) -> Record:
    """What was shown of it: no names of upstream's, no addresses of its, and no words for admins."""
    data: Record = {name: value for name, value in dump_reply(reply).items() if name not in UPSTREAM}
    kept = zip(reply.parts, data['parts'], strict=True)
    hidden = {FilePart: {'url'}, FormPart: {'token'}}
    data['parts'] = [
        {name: value for name, value in plain.items() if name not in hidden.get(type(part), set())}
        for part, plain in kept
    ]
    data['failure'] = reply.failure.code if reply.failure else None
    return data
