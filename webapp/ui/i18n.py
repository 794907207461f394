"""Words on screen. No page, template or script has sentences of its own; all stand in `locale/en.json`."""

import functools
import json
from collections.abc import Mapping
from importlib import resources

from markupsafe import Markup, escape


def t(key: str, **values: object) -> str:
    """Return the words for `key`, with `{name}` replaced by the values given.

    :raises KeyError: there are no such words
    """
    words = catalogue()[key]
    return words.format(**values) if values else words


def fill(key: str, **values: object) -> Markup:
    """Return the words for `key` as HTML, with elements in place of `{name}`; what is not Markup is escaped."""
    return escape(t(key)).format(**values)


def error(code: str, **values: object) -> str:
    """Return what a person reads about an expected failure: what happened, and what to do next.

    :param code: as in `AppError.code` and `Failure.code`; one that has no words of its own gets the general ones
    :param values: what stands in the words as `{name}`
    """
    key = f'error.{code}'
    return t(key if key in catalogue() else 'error.internal_error', **values)


def words(area: str) -> dict[str, str]:
    """Return all words of one area by the rest of their key: what a component's script is given."""
    prefix = f'{area}.'
    return {key.removeprefix(prefix): value for key, value in catalogue().items() if key.startswith(prefix)}


@functools.cache
def catalogue(language: str = 'en') -> Mapping[str, str]:
    """Return every key and its words. Keys are `area.name`."""
    text = (resources.files('webapp.ui') / 'locale' / f'{language}.json').read_text('utf-8')
    loaded: dict[str, str] = json.loads(text)
    return loaded
