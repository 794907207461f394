"""Somebody of whom there is something in every table, and what is left of a word in all of them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select
from sqlmodel import Session
from store_support import NOW, SECRET, Ask

from webapp.chat.message import Citation, FilePart, Reply, Status, TextPart, Usage
from webapp.principal import Identity
from webapp.store import (
    answers,
    audit,
    budget_table,
    budgets,
    embeds,
    feedback,
    files,
    limits,
    links,
    logins,
    pairings,
    people,
    sessions,
)
from webapp.store.allowance import Allowance
from webapp.store.audit import Action, Party
from webapp.store.budgets import Budget, Scope as BudgetScope, Spender
from webapp.store.database import Store
from webapp.store.files import PIECE, File, Source
from webapp.store.limits import Limit, Ration, Scope
from webapp.store.logins import Attempt
from webapp.store.messages import Begun
from webapp.store.sessions import ProviderTokens
from webapp.store.tables import Table
from webapp.store.users import User

ISSUER = 'https://id.example'
LATER = NOW + timedelta(hours=1)
TOKENS = Budget(BudgetScope.USER, '', 'month', tokens=10**9)


def identity(mark: str) -> Identity:
    return Identity(
        ISSUER, f'{mark}-subject', 'company', f'{mark} Name', f'{mark}@example.com', True, frozenset({mark})
    )


async def furnish(store: Store, ask: Ask, mark: str) -> User:
    """A person; `mark` stands in whatever is theirs, and their group is `staff` for what they cost."""
    refused = {'identity': identity(mark), 'actor': Party(), 'now': NOW, 'address': '192.0.2.7'}
    await store.write(people.record_refusal, detail={'provider': 'company', 'reason': 'not_admitted'}, **refused)
    standing = await store.write(
        sessions.sign_in,
        identity=identity(mark),
        role='user',
        secret=SECRET,
        token_hash=f'session of {mark}',
        now=NOW,
        absolute=timedelta(days=7),
        device=f'{mark} browser',
        address='192.0.2.8',
        tokens=ProviderTokens(f'{mark} provider session', f'{mark} id token', f'{mark} refresh token', LATER),
    )
    user = standing.user
    about = {'user_id': user.id, 'session_id': f'session of {mark}'}
    more = replace(identity(mark), subject=f'{mark}-more')
    await store.write(links.offer, identity=more, expires_at=LATER, **about)
    await store.write(
        logins.begin,
        Attempt(f'attempt {mark}', 'browser', 'company', 'n', 'v', f'/?q={mark}', f'session of {mark}', NOW, LATER),
    )
    lost = {'message_id': f'lost {mark}', 'spender': Spender(user.id, 'staff', 'support'), 'now': NOW}
    await store.write(budgets.reserve, budgets=[TOKENS], **lost)  # of an answer that never got its end
    own = Budget(BudgetScope.USER, user.id, 'month', tokens=10**9)
    await store.write(budget_table.save, budget=own, actor=Party('the-admin', 'The Admin'), now=NOW)
    ration = Ration(Scope.SEARCHES, f'user {user.id}', (Limit(10, timedelta(days=1)),), 'too_many_searches')
    await store.write(limits.spend, rations=[ration], now=NOW)
    for day in range(3):
        await answered(store, ask, user, mark, now=NOW + timedelta(days=day))
    held = new_file(user, mark, source=Source.TEXT, kind='', app='', conversation_id=None)
    await store.write(files.hold_text, file=held, data=f'{mark} held'.encode())
    await uploaded(store, user, mark)
    admin = Party('the-admin', 'The Admin')
    await store.write(people.read, actor=admin, user_id=user.id, now=NOW, address='192.0.2.9')
    looked_for = {'format': 'csv', 'who': f'{mark.upper()} name', 'user': user.id}
    await store.write(audit.record, Action.AUDIT_EXPORTED, now=NOW, actor=admin, detail=looked_for)
    await store.write(
        embeds.give_ticket, ticket=f'ticket of {mark}', session_id=f'session of {mark}', embed='e', now=NOW
    )
    waiting = {'pairing': f'pairing of {mark}', 'embed': 'e'}
    await store.write(pairings.begin, **waiting, origins=(), expires_at=NOW + timedelta(minutes=10))
    await store.write(pairings.grant, **waiting, session_id=f'session of {mark}', now=NOW)
    return user


def new_file(user: User, mark: str, **changes: object) -> File:
    given = File(
        uuid4().hex, user.id, 'support', Source.USER, 'image', f'{mark}.png', 'image/png', 3, NOW, 2, 1, 'up-f'
    )
    return replace(given, **changes)  # type: ignore[arg-type]


async def uploaded(store: Store, user: User, mark: str, *, pieces: int = 1) -> File:
    """A file that has not been sent."""
    data = mark.encode().ljust(PIECE, b'.') * pieces
    file = new_file(user, mark, size=len(data))
    await store.write(files.add, file=file)
    for number in range(pieces):
        await store.write(files.put_piece, file_id=file.id, number=number, data=data[:PIECE])
    return await store.write(files.complete, file=file)


async def answered(store: Store, ask: Ask, user: User, mark: str, *, now: Any = NOW, upstream: str = '') -> Begun:
    """A question with a file, in a conversation of its own, and the whole answer to it with one."""
    file = await uploaded(store, user, mark, pieces=10)
    begun = await ask(
        user,
        f'{mark} question',
        now=now,
        inputs={'name': mark},
        attached=[file.id],
        cost_group='staff',
        allowance=Allowance(budgets=(TOKENS,)),
    )
    reply = Reply(
        Status.COMPLETE,
        (TextPart(f'{mark} answer'), FilePart('f', 'image', f'{mark}.png', url=f'https://up.example/{mark}')),
        (Citation(1, f'{mark} document'),),
        Usage(7, 8, 15, Decimal('0.1'), Decimal('0.2'), Decimal('0.300000001'), 'USD'),
        conversation_id=upstream or f'up {uuid4().hex}',
        message_id='up-m',
    )
    made = new_file(user, mark, source=Source.ASSISTANT, upstream_url=f'https://up.example/{mark}')
    await store.write(files.adopt, file=made, message_id=begun.message.id)
    await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=now, unread=True, latency_ms=900)
    about = {'user_id': user.id, 'message_id': begun.message.id, 'rating': 'like', 'now': now}
    await store.write(feedback.rate, comment=f'{mark} comment', **about)
    return begun


def found(session: Session, *words: str) -> set[str]:
    """Every `table.column` in which one of the words stands, in any form, in any case."""
    places = set()
    for table in Table.metadata.sorted_tables:
        for row in session.connection().execute(select(table)).mappings():
            for name, value in row.items():
                text = value.decode('latin-1') if isinstance(value, bytes) else str(value)
                if any(word.lower() in text.lower() for word in words):
                    places.add(f'{table.name}.{name}')
    return places


def content(session: Session) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    return {
        table.name: sorted((tuple(row) for row in session.connection().execute(select(table))), key=repr)
        for table in Table.metadata.sorted_tables
    }


def sizes(session: Session) -> dict[str, int]:
    """How many rows each table has."""
    return {
        table.name: int(session.connection().scalar(select(func.count()).select_from(table)) or 0)
        for table in Table.metadata.sorted_tables
    }
