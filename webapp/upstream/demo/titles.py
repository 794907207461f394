"""Titles of conversations: by the model, or as the demo's own 'title model' makes them."""

import asyncio

from webapp.upstream.demo import relay, scenario
from webapp.upstream.demo.retrieval import STOP_WORDS, words
from webapp.upstream.demo.state import Demo

MOST = 75  # characters, Dify's own limit


def provisional(query: str) -> str:
    """The name before any title is made: the query's first 20 characters."""
    return query[:20] + '…' if len(query) > 20 else query


def fallback(query: str) -> str:
    """The name when no title can be made."""
    return query[:47] + '...' if len(query) > 50 else query


async def make(demo: Demo, query: str) -> str | None:
    """The title of a conversation that begins with `query`, after the time that this takes; None if it failed."""
    asked = scenario.parse(query)
    if demo.model and asked.is_plain:
        title = await relay.title(demo.model, asked.text)
        return title and title[:MOST]
    await asyncio.sleep(demo.title_seconds)
    return generate(query)


def generate(query: str) -> str | None:
    """Up to six telling words of the query; '' and None as its scenario asks (blank, failed)."""
    asked = scenario.parse(query)
    if asked.title:
        return '' if asked.title == 'blank' else None
    found = words(asked.text or query)
    telling = [word for word in found if word.casefold() not in STOP_WORDS] or found
    title = ' '.join(word[:1].upper() + word[1:] for word in telling[:6])
    return title[:MOST] or query.strip()[:MOST]
