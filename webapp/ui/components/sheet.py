"""A page that the server writes as HTML, in one element however many rows it has."""

from collections.abc import Awaitable, Callable

from webapp.edge import assets
from webapp.ui.components.scripted import Scripted


class Sheet(Scripted, component=assets.static_dir() / 'sheet.js'):
    """Shows HTML of ours. A `<button data-act="block" data-of="ID">` in it is heard by `on_act`; with `data-confirm`,
    `data-effect` and `data-label` it asks first. So is a `<form data-act="save">`, its fields as a query string, and it
    stays as it is when they are refused. The fields of a `<form data-live>` are heard by `on_filter`, and stand in the
    address.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self._props['content'] = html

    def show(self, html: str, *, said: str = '') -> None:
        """Replace everything.

        :param said: what has happened, for those who don't see it
        """
        with self._props.suspend_updates():  # for a browser that builds the element anew
            self._props['content'] = html
        self.call('show', html, said)

    def found(self, html: str, query: str) -> None:
        """Replace what stands in `<... data-found>`, unless something other than `query` is being looked for by now."""
        self.call('found', html, query)

    # register while the page is being built

    def on_act(self, handler: Callable[[str, str], Awaitable[object] | object]) -> None:
        """Hear what is to be done, and to what."""
        self.listen('act', handler, str, str)

    def on_filter(self, handler: Callable[[str], Awaitable[object] | object]) -> None:
        """Hear the query string of what is being looked for; answer with `found`."""
        self.listen('filter', handler, str)
