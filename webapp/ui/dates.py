"""Days as addresses name them."""

from datetime import date

EARLIEST = date(1970, 1, 1)


def day(text: str) -> date | None:
    """None for what is no day, or none that anything can have happened on."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if EARLIEST <= found < date.max else None
