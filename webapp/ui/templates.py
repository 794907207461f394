"""The HTML that the server writes itself. Everything put into it is escaped, except what `webapp.markdown` has made."""

import functools

from jinja2 import Environment, PackageLoader, StrictUndefined

from webapp.ui import i18n


def render(name: str, **values: object) -> str:
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
    environment.globals['t'] = i18n.t
    return environment
