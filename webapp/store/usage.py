"""The ledger: what each answer cost. One row per answer, written in the transaction that ends it.

Amounts are whole numbers of 1e-9 of the currency, because SQLite sums decimals as floats. Outside the store they are
`Decimal`. An amount that nobody reported is `NULL`, never zero.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import case, func, select as sa_select
from sqlmodel import Session, col, select

from webapp.chat.message import Reply, Status, Usage
from webapp.prices import Price, estimate
from webapp.store import reservations, rollups
from webapp.store.rollups import UNIT
from webapp.store.tables import MessageRow, UsageRow
from webapp.store.text import clean, clip

NANO = 9  # decimal places kept; Dify reports seven
MAX_AMOUNT = Decimal(10) ** 9  # of any currency, for one answer: more is not a price
MAX_TOKENS = 10**12
MAX_CURRENCY = 16
SOON = timedelta(seconds=30)  # until Dify's history is asked what an answer has cost
MAX_MODEL = 300  # bytes of all names together
EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


class Pricing(StrEnum):
    PRICED = 'priced'
    ESTIMATED = 'estimated'  # tokens were reported; the price is ours, by the operator's table
    UNPRICED = 'unpriced'  # tokens were reported, but no price: the model has none
    UNKNOWN = 'unknown'  # nothing was reported


RANK: dict[str, int] = {state: rank for rank, state in enumerate(reversed(Pricing), 1)}  # less never replaces more


@dataclass(frozen=True, slots=True)
class Total:
    """What some answers cost together, in one currency ('' for those without a price)."""

    currency: str
    answers: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    price: Decimal
    unpriced: int  # answers
    unknown: int  # answers
    estimated: int = 0  # answers whose price is ours


COUNTS = ('answers', 'prompt_tokens', 'completion_tokens', 'total_tokens', 'unpriced', 'unknown', 'estimated')


def together(totals: Collection[Total], currency: str) -> Total:
    """The counts of all of them, and the price of those in one currency: prices of several can't be added."""
    price = sum((total.price for total in totals if total.currency == currency), Decimal(0))
    return Total(currency=currency, price=price, **{name: sum(getattr(t, name) for t in totals) for name in COUNTS})


def to_nano(amount: Decimal | None) -> int | None:
    """Units of 1e-9; a half is rounded up, away from zero. `None` if there is no such price."""
    if amount is None or not amount.is_finite() or not 0 <= amount <= MAX_AMOUNT:
        return None
    return int(amount.scaleb(NANO, EXACT).to_integral_value(context=EXACT))


def from_nano(nano: int) -> Decimal:
    return Decimal(nano).scaleb(-NANO, EXACT)


def pricing(usage: Usage | None) -> Pricing:
    """A price of zero is how Dify says that a model has none; a price without a currency says nothing."""
    if usage is None:
        return Pricing.UNKNOWN
    if usage.total_price and usage.currency.strip() and to_nano(usage.total_price) is not None:
        return Pricing.PRICED
    tokens = usage.total_tokens or usage.prompt_tokens or usage.completion_tokens
    return Pricing.UNPRICED if tokens and not usage.total_price else Pricing.UNKNOWN


def record(
    session: Session,
    *,
    message: MessageRow,
    app: str,
    reply: Reply,
    now: datetime,
    prices: Sequence[Price] = (),
    latency_ms: int | None = None,
    first_token_ms: int | None = None,
) -> None:
    """Write the row of an answer, and add it to the sums. One that had ended and went on has its row already.

    :param prices: for an answer that upstream tells no price of
    """
    if session.exec(select(UsageRow.id).where(UsageRow.message_id == message.id)).first() is not None:
        amend(session, message_id=message.id, reply=reply, outcome=reply.status, prices=prices)
        return
    row = UsageRow(
        id=uuid4().hex,
        message_id=message.id,
        user_id=message.user_id,
        cost_group=message.cost_group,
        app=app,
        conversation_id=message.conversation_id,
        day=now.astimezone(UTC).date(),
        created_at=now,
        model='',
        outcome=reply.status,
        failure=_code(reply),
        pricing='',
        currency='',
        prompt_tokens=None,
        completion_tokens=None,
        total_tokens=None,
        prompt_nano=None,
        completion_nano=None,
        total_nano=None,
        latency_ms=latency_ms,
        first_token_ms=first_token_ms,
    )
    _fill(row, reply, prices)
    if row.pricing == Pricing.UNKNOWN and reply.message_id:
        row.look_at = now + SOON
    session.add(row)
    rollups.change(session, before=None, after=rollups.share(row))
    reservations.settle(session, message_id=message.id)


def amend(
    session: Session,
    *,
    message_id: str,
    reply: Reply,
    outcome: Status | None = None,
    prices: Sequence[Price] = (),
) -> None:
    """Note what became known of an answer later. What had been reported is not taken back.

    :param outcome: how it ended after all, where that has changed
    """
    row = session.exec(select(UsageRow).where(UsageRow.message_id == message_id).with_for_update()).first()
    if row is not None:
        before = rollups.share(row)
        if outcome:
            row.outcome, row.failure = outcome, _code(reply)
        _fill(row, reply, prices)
        session.add(row)
        rollups.change(session, before=before, after=rollups.share(row))


def of_conversation(session: Session, *, user_id: str, conversation_id: str) -> list[Total]:
    """What the answers of one conversation of a person's cost so far, by currency. Exact."""
    nano = col(UsageRow.total_nano)
    sums = [func.sum(c) for c in (UsageRow.prompt_tokens, UsageRow.completion_tokens, UsageRow.total_tokens)]
    sums += [func.sum(nano // UNIT), func.sum(nano % UNIT)]  # apart, since a sum of SQLite's fails beyond 64 bits
    kinds = (Pricing.UNPRICED, Pricing.UNKNOWN, Pricing.ESTIMATED)
    sums += [func.sum(case((col(UsageRow.pricing) == kind, 1), else_=0)) for kind in kinds]
    statement = (
        sa_select(col(UsageRow.currency), func.count(), *sums)
        .where(col(UsageRow.conversation_id) == conversation_id, col(UsageRow.user_id) == user_id)
        .group_by(col(UsageRow.currency))
        .order_by(col(UsageRow.currency))
    )
    found = []
    for currency, answers, *numbers in session.connection().execute(statement):
        prompt, completion, total, units, rest, unpriced, unknown, estimated = (int(n or 0) for n in numbers)
        price = from_nano(units * UNIT + rest)
        found.append(Total(currency, answers, prompt, completion, total, price, unpriced, unknown, estimated))
    return found


def says_more(row: UsageRow, told: Usage) -> bool:
    """Whether `told` is better than what the row has: a price where it has none, tokens where it has nothing."""
    return RANK[pricing(told)] > RANK[row.pricing]


def _fill(row: UsageRow, reply: Reply, prices: Sequence[Price]) -> None:
    row.model = clip(' + '.join(map(clean, reply.models)), MAX_MODEL) or row.model
    usage, state = reply.usage or Usage(), pricing(reply.usage)
    row.prompt_tokens = _tokens(usage.prompt_tokens, row.prompt_tokens)
    row.completion_tokens = _tokens(usage.completion_tokens, row.completion_tokens)
    row.total_tokens = _tokens(usage.total_tokens, row.total_tokens)
    if state is Pricing.UNPRICED:
        known = Usage(row.prompt_tokens, row.completion_tokens, row.total_tokens)
        models = reply.models or tuple(name for name in row.model.split(' + ') if name)
        if (ours := estimate(known, models, prices)) and to_nano(ours.total_price) is not None:
            usage, state = ours, Pricing.ESTIMATED
    if RANK[state] < RANK.get(row.pricing, 0):
        return
    row.pricing = state
    if state in {Pricing.PRICED, Pricing.ESTIMATED}:
        row.prompt_nano = to_nano(usage.prompt_price)
        row.completion_nano = to_nano(usage.completion_price)
        row.total_nano = to_nano(usage.total_price)
        row.currency = clean(usage.currency).strip().upper()[:MAX_CURRENCY]


def _code(reply: Reply) -> str:
    return clean(reply.failure.code) if reply.failure else ''


def _tokens(reported: int | None, known: int | None) -> int | None:
    return reported if reported is not None and 0 <= reported <= MAX_TOKENS else known
