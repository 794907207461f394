"""Titles of conversations, as the demo's 'title model' makes them."""

from webapp.upstream.demo import scenario
from webapp.upstream.demo.retrieval import STOP_WORDS, words

MOST = 75  # characters, Dify's own limit


def provisional(query: str) -> str:
    """The name before any title is made: the query's first 20 characters."""
    return query[:20] + '…' if len(query) > 20 else query


def fallback(query: str) -> str:
    """The name when no title can be made."""
    return query[:47] + '...' if len(query) > 50 else query


def generate(query: str) -> str | None:
    """Up to six telling words of the query; '' and None as its scenario asks (blank, failed)."""
    asked = scenario.parse(query)
    if asked.title:
        return '' if asked.title == 'blank' else None
    found = words(asked.text or query)
    telling = [word for word in found if word.casefold() not in STOP_WORDS] or found
    title = ' '.join(word[:1].upper() + word[1:] for word in telling[:6])
    return title[:MOST] or query.strip()[:MOST]
