"""Where a page of a list begins, as an address says it: a moment and an id, in one word."""

import re
from datetime import datetime

from webapp.store.tables import EPOCH, MICROSECOND

WORD = re.compile(r'(\d{1,17})\.([0-9a-f]{1,64})', re.ASCII)


def word(moment: datetime, id_: str) -> str:
    return f'{(moment - EPOCH) // MICROSECOND}.{id_}'


def place(text: str) -> tuple[datetime, str] | None:
    """Moment and id; nothing if `text` is no place."""
    found = WORD.fullmatch(text)
    try:
        return (EPOCH + int(found[1]) * MICROSECOND, found[2]) if found else None
    except OverflowError:
        return None
