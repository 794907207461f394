"""What an address of the feedback queue asks for, so that a view can be kept, passed on and exported."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self, get_args
from urllib.parse import urlencode

from webapp.store.feedback import Rating, State
from webapp.store.feedback_queue import MAX_SEARCH, Filter, Place
from webapp.store.text import clean
from webapp.ui import dates, places

PATH = '/admin/feedback'
RATINGS: tuple[Rating, ...] = get_args(Rating)
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Which ratings; what the address can't mean is left out. Days are in UTC, the last one included."""

    rating: Rating | None = None
    state: State | None = None
    app: str = ''
    since: date | None = None
    until: date | None = None
    search: str = ''

    @classmethod
    def of(cls, given: Mapping[str, str], *, is_reader: bool) -> Self:
        """:param is_reader: whether somebody asks who may read what is searched"""
        return cls(
            rating=next((each for each in RATINGS if each == given.get('rating')), None),
            state=next((each for each in State if each == given.get('state')), None),
            app=clean(given.get('app', '')[:MAX_TEXT]),
            since=dates.day(given.get('since', '')),
            until=dates.day(given.get('until', '')),
            search=given.get('q', '').strip()[:MAX_SEARCH] if is_reader else '',
        )

    @property
    def given(self) -> dict[str, str]:
        """What restricts, by its name in addresses."""
        since, until = (day.isoformat() if day else '' for day in (self.since, self.until))
        named = {
            'rating': self.rating or '',
            'state': self.state or '',
            'app': self.app,
            'since': since,
            'until': until,
            'q': self.search,
        }
        return {name: str(text) for name, text in named.items() if text}

    @property
    def noted(self) -> dict[str, str]:
        """`given`, as the audit log may tell it: the words that somebody looks for may be what people wrote."""
        said = self.given
        return said | {'searched': 'yes'} if said.pop('q', '') else said

    def address(self, ending: str = '', last: Place | None = None) -> str:
        """Where this is shown, or, with the `ending` of a file, downloaded; with `last`, what follows that place."""
        query = urlencode(self.given | ({'after': places.word(*last)} if last else {}))
        return f'{PATH}{ending}?{query}' if query else f'{PATH}{ending}'

    @property
    def filter(self) -> Filter:
        return Filter(
            rating=self.rating,
            state=self.state,
            app=self.app,
            since=datetime.combine(self.since, time(), UTC) if self.since else None,
            until=datetime.combine(self.until, time(), UTC) + timedelta(days=1) if self.until else None,
            search=self.search,
        )
