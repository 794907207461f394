"""The HTML that the server writes itself. Everything put into it is escaped, except what `webapp.markdown` has made."""

import functools
import re
from pathlib import PurePosixPath

from jinja2 import Environment, PackageLoader, StrictUndefined

from webapp.ui import administration, i18n, numbers

IDENTIFIER = re.compile(r'[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}([0-9a-f]{32})?', re.IGNORECASE)


def render(name: str, /, **values: object) -> str:
    """Return the template `name` filled with `values`."""
    return _environment().get_template(name).render(values)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader('webapp.ui', 'templates'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {'t': i18n.t, 'fill': i18n.fill, 'areas': administration.AREAS}
    environment.filters |= {each.__name__: each for each in (numbers.seconds, numbers.share, numbers.size)}
    environment.filters['readable'] = _readable
    return environment


def _readable(name: str, instead: str) -> str:
    """The name of a file; where it is but an identifier, other words with its ending."""
    path = PurePosixPath(name)
    return f'{instead}{path.suffix}' if IDENTIFIER.fullmatch(path.stem) else name
