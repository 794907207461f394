"""What was spent as the usage page writes it: figures, charts and rows."""

from calendar import monthrange
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice

from markupsafe import Markup

from webapp.chat.message import Status
from webapp.store import users
from webapp.store.ledger import Entry, History
from webapp.store.overview import WEEK, Overview
from webapp.store.reports import Side
from webapp.store.speeds import Measure
from webapp.store.usage import Total, together
from webapp.ui import charts, forgotten, i18n, numbers, places
from webapp.ui.charts import Chart, Point
from webapp.ui.usage_asked import Asked

ROWS = 100  # answers at once
MOST = 200  # groups; the files have all
DAILY = 100  # days up to which a chart has one column for each
BAD = frozenset({'failed', 'interrupted'})


@dataclass(frozen=True, slots=True)
class Money:
    """What answers of one currency cost."""

    cost: Markup
    projected: Markup | None  # at the end of this month, if it goes on so; None for days that are over


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    hint: str
    href: str
    answers: Markup
    tokens: Markup
    cost: Markup | str
    share: float  # of the dearest, or of the most answers where nothing has a price
    half: Markup | str
    most: Markup | str
    notes: list[Markup]


@dataclass(frozen=True, slots=True)
class EntryRow:
    at: datetime
    who: str
    who_href: str
    app: str
    model: str
    outcome: str
    is_bad: bool
    tokens: Markup | str
    cost: Markup | str
    latency: Markup | str
    history: Markup | str  # what Dify's tells, where that is something else


@dataclass(frozen=True, slots=True)
class View:
    """Makes what was found into what the template writes."""

    asked: Asked
    today: date
    found: Overview
    app_names: Mapping[str, str]

    def values(self) -> dict[str, object]:
        found, total = self.found, together(self.found.totals, '')
        shown = found.entries[:ROWS]
        last = shown[-1] if len(found.entries) > ROWS else None
        hidden = 0 if self.asked.by == 'answer' else len(found.lines) - MOST
        return {
            'asked': self.asked,
            'is_empty': not total.answers,
            'money': list(self._money()),
            'answers': numbers.count(total.answers),
            'tokens': numbers.count(total.total_tokens),
            'notes': _notes(total),
            'fixed': [self._chip(side, value) for side, value in self.asked.fixed],
            'charts': list(self._charts()),
            'by': self.asked.by,
            'by_words': i18n.t('spending.by_' + self.asked.by),
            'rows': list(islice(self._rows(), MOST)),
            'rest': numbers.count(hidden) if hidden > 0 else '',
            'entries': [self._entry(entry) for entry in shown],
            'more': self.asked.address(after=places.word(last.at, last.id)) if last else '',
            'exports': [(kind, self.asked.address(f'.{kind}')) for kind in ('csv', 'json')],
            'has_speed': bool(found.group_speed),
            'differing': numbers.count(found.differing) if found.differing else '',
            'query': self.asked.address().partition('?')[2],
            'differing_href': replace(self.asked, by='answer').address(),
        }

    def _money(self) -> Iterator[Money]:
        """By currency; the one with the most answers first."""
        month = {line.total.currency: line.total.price for line in self.found.month}
        lately = {line.total.currency: line.total.price for line in self.found.lately}
        _, until = self.asked.days(self.today)
        left = _days_in_month(self.today) - self.today.day
        for total in sorted(_priced(self.found.totals), key=lambda total: -total.answers):
            code = total.currency
            guess = month.get(code, Decimal(0)) + lately.get(code, Decimal(0)) / WEEK * left
            is_now = until >= self.today
            yield Money(numbers.total(total.price, code), numbers.total(guess, code) if is_now else None)

    def _chip(self, side: Side, value: str) -> tuple[str, str, str]:
        return i18n.t('spending.by_' + side), self._named(side, value)[0], self.asked.without(side).address()

    def _named(self, side: Side, value: str) -> tuple[str, str]:
        """What to call it, and what to say besides."""
        match side:
            case 'user':
                known = self.found.called.get(value)
                if known is None:
                    is_forgotten = users.is_pseudonym(value)
                    return forgotten.called(value) if is_forgotten else i18n.t('spending.gone', id=value[:8]), ''
                name = known.name or known.subject
                return name, known.subject if name != known.subject else ''
            case 'app':
                return self.app_names.get(value, value), ''
            case 'outcome':
                return outcome(value), ''
            case 'group' | 'model' if not value:
                return i18n.t('spending.no_' + side), ''
        return value, ''

    def _rows(self) -> Iterator[Row]:
        """The dearest first within a currency, the currency with the most answers first; the newest day first."""
        by = self.asked.by
        if by == 'answer':
            return
        weight = {total.currency: total.answers for total in self.found.totals}
        lines = self.found.lines
        if by == 'day':
            lines = lines[::-1]
        else:
            lines = sorted(
                lines,
                key=lambda line: (-weight.get(line.total.currency, 0), -line.total.price, -line.total.answers),
            )
        most: dict[str, Decimal] = {}
        for line in lines:
            code = line.total.currency
            most[code] = max(most.get(code, Decimal(0)), _weight(line.total))
        for line in lines:
            label, hint = self._named(by, line.keys[0])
            speed = self.found.group_speed.get('latency', {}).get(line.keys)
            total, top = line.total, most[line.total.currency]
            yield Row(
                label=label,
                hint=hint,
                href=self.asked.at(by, line.keys[0], 'day' if by != 'day' else 'answer').address(),
                answers=numbers.count(total.answers),
                tokens=numbers.count(total.total_tokens),
                cost=numbers.total(total.price, total.currency) if total.currency else '–',
                share=round(float(_weight(total) / top), 4) if top else 0.0,
                half=_seconds(speed.half if speed else None),
                most=_seconds(speed.most if speed else None),
                notes=_notes(total),
            )

    def _entry(self, entry: Entry) -> EntryRow:
        return EntryRow(
            at=entry.at,
            who=self._named('user', entry.user)[0],
            who_href=f'/admin/users/{entry.user}' if entry.user in self.found.called else '',
            app=self._named('app', entry.app)[0],
            model=entry.model,
            outcome=outcome(entry.outcome),
            is_bad=entry.outcome in BAD,
            tokens='' if entry.total_tokens is None else numbers.count(entry.total_tokens),
            cost=_price(entry),
            latency=_seconds(entry.latency_ms),
            history=_history(entry.history) if entry.history else '',
        )

    def _charts(self) -> Iterator[tuple[str, Chart]]:
        if not self.found.daily:
            return
        cost, tokens = self._main_currency(), i18n.t('spending.tokens')
        answers, failed = i18n.t('spending.answers'), i18n.t('spending.failed')
        if cost:
            yield 'cost', charts.columns(list(self._sums('price', cost)), 'price', (i18n.t('spending.cost'),), cost)
        yield 'answers', charts.columns(list(self._sums('answers')), 'number', (failed, answers))
        yield 'tokens', charts.columns(list(self._sums('tokens')), 'number', (tokens,))
        half, most = i18n.t('spending.half'), i18n.t('spending.most')
        if self._is_daily:
            yield 'latency', charts.lines(list(self._speeds('latency')), 'seconds', (half, most))
            yield 'first_token', charts.lines(list(self._speeds('first_token')), 'seconds', (half, most))

    @property
    def _is_daily(self) -> bool:
        since, until = self.asked.days(self.today)
        return (until - since).days < DAILY

    def _main_currency(self) -> str:
        priced = _priced(self.found.totals)
        return max(priced, key=lambda total: total.answers).currency if priced else ''

    def _sums(self, what: str, currency: str = '') -> Iterator[Point]:
        """One point for each day, or for each month of long times; also where nothing was."""
        sums: dict[str, list[Decimal]] = {label: [Decimal(0), Decimal(0)] for label in self._labels()}
        for line in self.found.daily:
            (day, outcome), total = line.keys, line.total
            values = sums[day if self._is_daily else day[:7]]
            if what == 'price':
                values[0] += total.price if total.currency == currency else 0
            elif what == 'tokens':
                values[0] += total.total_tokens
            else:
                values[0 if outcome in BAD else 1] += total.answers
        width = 2 if what == 'answers' else 1
        for label, values in sums.items():
            yield Point(label, self._narrowed(label), tuple(values[:width]))

    def _speeds(self, measure: Measure) -> Iterator[Point]:
        known = self.found.speed.get(measure, {})
        for label in self._labels():
            speed = known.get((label,))
            times = (speed.half, speed.most) if speed else (None, None)
            yield Point(label, self._narrowed(label), tuple(ms and ms / 1000 for ms in times))

    def _labels(self) -> list[str]:
        since, until = self.asked.days(self.today)
        days = (since + timedelta(days=number) for number in range((until - since).days + 1))
        return list(dict.fromkeys(day.isoformat()[: 10 if self._is_daily else 7] for day in days))

    def _narrowed(self, label: str) -> str:
        """Where the answers of this day or month are."""
        if self._is_daily:
            return self.asked.at('day', label, 'answer').address()
        first = date.fromisoformat(f'{label}-01')
        since, until = self.asked.days(self.today)
        last = min(until, first.replace(day=_days_in_month(first)))
        return replace(self.asked, range='custom', since=max(since, first), until=last).address()


def _priced(totals: Collection[Total]) -> list[Total]:
    return [total for total in totals if total.currency]


def _notes(total: Total) -> list[Markup]:
    """What has to be known to believe the sum."""
    kinds = ('estimated', 'unpriced', 'unknown')
    return [
        i18n.fill('spending.count_' + kind, count=numbers.count(getattr(total, kind)))
        for kind in kinds
        if getattr(total, kind)
    ]


def _weight(total: Total) -> Decimal:
    return total.price if total.currency else Decimal(total.answers)


def outcome(name: str) -> str:
    return i18n.t('spending.outcome_' + name) if name in set(Status) else name


def _price(entry: Entry) -> Markup | str:
    if entry.price is None or not entry.currency:
        return i18n.t('spending.pricing_' + entry.pricing) if entry.pricing in {'unpriced', 'unknown'} else ''
    price = numbers.price(entry.price, entry.currency)
    return i18n.fill('spending.about', price=price) if entry.pricing == 'estimated' else price


def _history(history: History) -> Markup:
    """What Dify keeps of an answer."""
    tokens = numbers.count(history.tokens)
    if history.price is None:
        return i18n.fill('spending.history_tokens', tokens=tokens)
    return i18n.fill('spending.history', tokens=tokens, price=numbers.price(history.price, history.currency))


def _seconds(milliseconds: int | None) -> Markup | str:
    return '' if milliseconds is None else numbers.duration(milliseconds)


def _days_in_month(day: date) -> int:
    return monthrange(day.year, day.month)[1]
