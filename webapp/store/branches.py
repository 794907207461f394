"""The versions of a conversation's turns. Messages form a tree, and one path through it is shown.

Each message names the `number` of the one before it (`parent`, 0 for the first). Of those that follow the same one, its
versions, one is *chosen*: the newest, or the one that the person went to last. What is chosen all the way from the
first message on is *shown*. Both are kept in the rows, so that reading a page of the path is one query by an index.

Upstream knows nothing of this: what was said in one of its conversations is that one's memory, failed and stopped turns
included, and grows at its end alone. So a question goes on there only where nothing else follows; see `upstream_of`.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, literal, select as sa_select
from sqlmodel import Session, col, func, select, update

from webapp.store.tables import MessageRow, changed

MOST_TURNS = 50  # how far back upstream's memory of a path is looked for, and at most what is told of it anew

its_number, its_parent = col(MessageRow.number), col(MessageRow.parent)  # of a query's row
IS_CHOSEN, IS_SHOWN = col(MessageRow.is_chosen).is_(True), col(MessageRow.is_shown).is_(True)


def end(session: Session, conversation_id: str) -> int:
    """The number of the last message that is shown; 0 if there is none."""
    return session.exec(select(func.max(MessageRow.number)).where(_of(conversation_id), IS_SHOWN)).one() or 0


def show(session: Session, row: MessageRow) -> None:
    """Show the path through a message, and from there on what was chosen last. Its conversation is locked."""
    if row.is_shown:
        return
    hidden = _hidden_down_to(session, row)
    numbers, parents = [number for number, _ in hidden], [parent for _, parent in hidden]
    _set(session, row.conversation_id, its_parent.in_(parents), IS_CHOSEN, is_chosen=False)
    _set(session, row.conversation_id, its_number.in_(numbers), is_chosen=True)
    _set(session, row.conversation_id, its_number > min(parents), IS_SHOWN, is_shown=False)
    further = _chosen_from(row.conversation_id, row.number)
    _set(session, row.conversation_id, its_number.in_(numbers) | _is_in(further), is_shown=True)


def make_room(session: Session, conversation_id: str, parent: int) -> None:
    """Show the path to `parent` and nothing behind it, for a new message to follow. The conversation is locked."""
    if parent:
        show(session, session.exec(select(MessageRow).where(_of(conversation_id), its_number == parent)).one())
    _set(session, conversation_id, its_parent == parent, IS_CHOSEN, is_chosen=False)
    _set(session, conversation_id, its_number > parent, IS_SHOWN, is_shown=False)


def upstream_of(session: Session, conversation_id: str, parent: int) -> str:
    """The upstream conversation that holds just what stands before a message that is to follow `parent`.

    :return: '' if there is none: then a new one is begun, and told what came before
    """
    path = _up_to(conversation_id, parent, MOST_TURNS)
    named = select(MessageRow.upstream_id, MessageRow.number).where(
        _of(conversation_id), _is_in(path), MessageRow.upstream_id != ''
    )
    found = session.exec(named.order_by(its_number.desc()).limit(1)).first()
    if found is None:
        return ''
    upstream_id, number = found
    there = (MessageRow.upstream_id == upstream_id, _of(conversation_id))
    last = session.exec(select(MessageRow.number).where(*there).order_by(its_number.desc()).limit(1)).one()
    return upstream_id if last == number else ''


def up_to(session: Session, conversation_id: str, number: int, most: int) -> list[MessageRow]:
    """A message and those before it on its path, `most` at most, the oldest first."""
    path = _up_to(conversation_id, number, most)
    rows = select(MessageRow).where(_of(conversation_id), _is_in(path))
    return list(session.exec(rows.order_by(its_number)))


def onwards(session: Session, conversation_id: str, number: int, most: int) -> list[MessageRow]:
    """What was chosen last behind a message, `most` at most, the oldest first."""
    path = _chosen_from(conversation_id, number, most + 1)
    rows = select(MessageRow).where(_of(conversation_id), _is_in(path), its_number != number)
    return list(session.exec(rows.order_by(its_number)))


def versions(session: Session, rows: Sequence[MessageRow]) -> dict[int, tuple[str, ...]]:
    """Ids of all messages in the places of these, which are of one conversation; the oldest first, by parent."""
    if not rows:
        return {}
    parents = {row.parent for row in rows}
    columns = (MessageRow.number, MessageRow.parent, MessageRow.id)
    there = select(*columns).where(_of(rows[0].conversation_id), its_parent.in_(parents))
    found: dict[int, tuple[str, ...]] = {}
    for _, parent, id_ in sorted(session.exec(there)):  # for the order's sake SQLite would read the whole conversation
        found[parent] = (*found.get(parent, ()), id_)
    return found


def is_followed(session: Session, row: MessageRow) -> bool:
    """Whether anything was asked after this message."""
    after = select(MessageRow.id).where(_of(row.conversation_id), its_parent == row.number)
    return session.exec(after.limit(1)).first() is not None


def _of(conversation_id: str) -> Any:
    return col(MessageRow.conversation_id) == conversation_id


def _is_in(path: CTE) -> ColumnElement[bool]:
    return its_number.in_(sa_select(path.c.number))  # a join would have SQLite read the whole conversation


def _set(session: Session, conversation_id: str, *which: Any, **values: bool) -> None:
    changed(session, update(MessageRow).where(_of(conversation_id), *which).values(**values))


def _hidden_down_to(session: Session, row: MessageRow) -> list[tuple[int, int]]:
    """Numbers and parents of a hidden message and of those before it that are hidden, too."""
    conversation_id = row.conversation_id
    path = (
        sa_select(its_number, its_parent)
        .where(_of(conversation_id), its_number == row.number)
        .cte('path', recursive=True)
    )
    before = sa_select(its_number, its_parent).join(path, its_number == path.c.parent)
    path = path.union_all(before.where(_of(conversation_id), col(MessageRow.is_shown).is_(False)))
    return [(number, parent) for number, parent in session.execute(sa_select(path.c.number, path.c.parent))]


def _up_to(conversation_id: str, number: int, most: int) -> CTE:
    """Numbers of a message and of those before it on its path."""
    return _walk(conversation_id, number, most, lambda path: sa_select(its_number).where(its_number == path.c.parent))


def _chosen_from(conversation_id: str, number: int, most: int = 2**31 - 1) -> CTE:
    """Numbers of a message and of those that are chosen behind it."""
    return _walk(
        conversation_id, number, most, lambda path: sa_select(its_number).where(its_parent == path.c.number, IS_CHOSEN)
    )


def _walk(conversation_id: str, number: int, most: int, step: Any) -> CTE:
    """Numbers of messages, from one on, each found from the last by `step`."""
    first = sa_select(its_number, its_parent, literal(1).label('steps')).where(
        _of(conversation_id), its_number == number
    )
    path = first.cte('path', recursive=True)
    further: Select[Any] = step(path).add_columns(its_parent, path.c.steps + 1)
    return path.union_all(further.where(_of(conversation_id), path.c.steps < most))
