"""What everybody cost as records, the same for files, for programs and for the command line."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from webapp.exports.tabular import Record
from webapp.store import labels, ledger, reports, users
from webapp.store.database import Store
from webapp.store.labels import Called
from webapp.store.ledger import Entry
from webapp.store.reports import Filter, Line, Side

PAGE = 1000
SUMS = (
    *('currency', 'answers', 'prompt_tokens', 'completion_tokens', 'total_tokens', 'total_price'),
    *('unpriced', 'unknown', 'estimated'),
)
PERSON = ('user', 'subject', 'name')
ENTRY = (
    *('at', *PERSON, 'group', 'app', 'conversation', 'message', 'model', 'outcome', 'pricing', 'currency'),
    *('prompt_tokens', 'completion_tokens', 'total_tokens', 'total_price', 'latency_ms', 'first_token_ms'),
    *('history_tokens', 'history_price', 'history_currency'),
)
NOBODY, FORGOTTEN = Called('', ''), Called('', 'deleted person')


def columns(by: Sequence[Side] | None) -> list[str]:
    """:param by: None for each answer"""
    if by is None:
        return list(ENTRY)
    return [*(name for side in by for name in (PERSON if side == 'user' else (side,))), *SUMS]


async def pages(store: Store, wanted: Filter, by: Sequence[Side] | None) -> AsyncIterator[list[Record]]:
    """Sums, one record for each group and currency; or each answer, the newest first."""
    if by is None:
        async for page in _entries(store, wanted):
            yield page
        return
    lines = await store.read(reports.summed, wanted=wanted, by=by)
    for start in range(0, len(lines), PAGE):
        some = lines[start : start + PAGE]
        at = list(by).index('user') if 'user' in by else None
        called = await store.read(labels.called, ids={line.keys[at] for line in some} if at is not None else set())
        yield [_sums(line, by, called) for line in some]


async def _entries(store: Store, wanted: Filter) -> AsyncIterator[list[Record]]:
    found = await store.read(ledger.entries, wanted=wanted, limit=PAGE)
    while found:
        called = await store.read(labels.called, ids={entry.user for entry in found})
        yield [_entry(entry, called) for entry in found]
        found = await store.read(ledger.entries, wanted=wanted, before=found[-1].place, limit=PAGE)


def _person(user: str, called: dict[str, Called]) -> dict[str, str]:
    known = FORGOTTEN if users.is_pseudonym(user) else called.get(user, NOBODY)
    return {'user': user, 'subject': known.subject, 'name': known.name}


def _sums(line: Line, by: Sequence[Side], called: dict[str, Called]) -> Record:
    record: dict[str, Any] = {}
    for side, key in zip(by, line.keys, strict=True):
        record |= _person(key, called) if side == 'user' else {side: key}
    total = line.total
    return record | {name: total.price if name == 'total_price' else getattr(total, name) for name in SUMS}


def _entry(entry: Entry, called: dict[str, Called]) -> Record:
    named = {'conversation': entry.conversation_id, 'message': entry.message_id, 'total_price': entry.price}
    named |= {f'history_{name}': getattr(entry.history, name, None) for name in ('tokens', 'price', 'currency')}
    known = _person(entry.user, called) | named
    return {name: known[name] if name in known else getattr(entry, name) for name in ENTRY}
