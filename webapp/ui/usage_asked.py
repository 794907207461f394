"""What an address of the usage page asks for, so that a view can be kept, passed on and exported."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal, Self, get_args
from urllib.parse import urlencode

from webapp.store.reports import SIDES, Filter, Side
from webapp.store.text import clean
from webapp.ui import dates

PATH = '/admin/usage'
Range = Literal['7d', '30d', '90d', 'month', 'last-month', 'year', 'custom']
RANGES: tuple[Range, ...] = get_args(Range)
USUAL: Range = '30d'
By = Side | Literal['answer']
BYS: tuple[By, ...] = (*SIDES, 'answer')
MAX_DAYS = 366 * 3
MAX_TEXT = 500
NONE = '-'  # stands for nothing: no group, a model that nobody named
FIXED: tuple[Side, ...] = ('user', 'group', 'app', 'model', 'outcome')  # sides that an address may hold fast


@dataclass(frozen=True, slots=True)
class Asked:
    """What it can't mean is left out. `fixed` holds only sides that are restricted."""

    range: Range = USUAL
    since: date | None = None  # of a custom range
    until: date | None = None
    by: By = 'user'
    fixed: tuple[tuple[Side, str], ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        since, until = dates.day(given.get('from', '')), dates.day(given.get('to', ''))
        usual: Range = 'custom' if since or until else USUAL
        range_ = next((each for each in RANGES if each == given.get('range')), usual)
        return cls(
            range=range_,
            since=since if range_ == 'custom' else None,
            until=until if range_ == 'custom' else None,
            by=next((each for each in BYS if each == given.get('by')), 'user'),
            fixed=tuple((side, _value(given[side])) for side in FIXED if given.get(side)),
        )

    def days(self, today: date) -> tuple[date, date]:
        """The first and the last one."""
        first = today.replace(day=1)
        match self.range:
            case '7d' | '30d' | '90d':
                return today - timedelta(days=int(self.range[:-1]) - 1), today
            case 'month':
                return first, today
            case 'last-month':
                last = first - timedelta(days=1)
                return last.replace(day=1), last
            case 'year':
                return today.replace(month=1, day=1), today
        until = min(self.until or today, today)
        since = min(self.since or until - timedelta(days=29), until)
        return max(since, until - timedelta(days=MAX_DAYS - 1)), until

    def filter(self, today: date) -> Filter:
        since, until = self.days(today)
        return Filter(since, until, **dict(self.fixed))

    @property
    def sides(self) -> tuple[Side, ...] | None:
        """What to add up by; None for each answer."""
        return None if self.by == 'answer' else (self.by,)

    def at(self, side: Side, value: str, by: By) -> Self:
        """The same with a side held fast, seen by another one."""
        if side == 'day':
            day = date.fromisoformat(value)
            return replace(self, range='custom', since=day, until=day, by=by)
        return replace(self, by=by, fixed=tuple(sorted((dict(self.fixed) | {side: value}).items())))

    def without(self, side: Side) -> Self:
        return replace(self, fixed=tuple(each for each in self.fixed if each[0] != side))

    @property
    def given(self) -> dict[str, str]:
        days = {'from': self.since, 'to': self.until}
        return {
            'range': self.range,
            **{name: day.isoformat() for name, day in days.items() if day},
            'by': self.by,
            **{side: written_as(value) for side, value in self.fixed},
        }

    def address(self, ending: str = '', **more: str) -> str:
        """Where this is shown, or, with the `ending` of a file, downloaded."""
        return f'{PATH}{ending}?{urlencode(self.given | more)}'


def written_as(value: str) -> str:
    """A name as addresses have it: one of hyphens alone has one more, since one hyphen is nothing."""
    return value if value.strip(NONE) else NONE + value


def _value(text: str) -> str:
    return clean(text[:MAX_TEXT]) if text.strip(NONE) else text[1:MAX_TEXT]
