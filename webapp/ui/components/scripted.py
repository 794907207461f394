"""What our elements have in common: a script of their own in the browser, and a narrow way to talk with it."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from nicegui import json
from nicegui.dependencies import register_importmap_override
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from webapp.edge import assets

log = logging.getLogger(__name__)

MAX_NUMBER = 2**53  # JavaScript's own; a database refuses more
Handler = Callable[..., Awaitable[object] | object]


class Scripted(Element):
    """An element whose content lives in the browser: changes go out as method calls, events come back as lists.

    Its script comes with the page's own, in one file; NiceGUI need not know of it. `dependencies` are modules that
    scripts `import()` when they are needed, by their names.
    """

    tag_of_script: ClassVar[str]

    def __init_subclass__(cls, *, component: Path, dependencies: Sequence[Path] = (), **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.tag_of_script = assets.TAG.format(component.stem)
        for path in dependencies:
            register_importmap_override(path.stem, assets.url(path.name))

    def __init__(self) -> None:
        super().__init__(self.tag_of_script)

    def call(self, method: str, *arguments: object) -> None:
        """Call a method of the script. Calls arrive in order, and after the element itself.

        Put straight into the outbox: `run_method` makes a task for each call and is evaluated twice in the browser.
        """
        if self._is_safe_to_interact():
            code = f'runMethod({self.id},{json.dumps(method)},{json.dumps(arguments)})'
            self.client.outbox.enqueue_message('run_javascript', {'code': code}, self.client.id)

    def listen(self, event: str, handler: Handler, *types: type) -> None:
        """Call `handler` with the values of `event`. A browser may send anything: what has another shape is dropped.

        Register while the page is being built: for later listeners the browser builds the element anew.
        """

        def hear(arguments: GenericEventArguments) -> Any:
            values = arguments.args
            if not isinstance(values, list) or not _fits(values, types):
                log.debug('dropped an event %r of the wrong shape', event)
                return None
            return handler(*values)

        self.on(event, hear)

    @property
    def kept(self) -> dict[str, Any]:
        """What `keep` was told last."""
        values: dict[str, Any] = self._props.get('initial', {})
        return values

    def keep(self, **values: object) -> None:
        """Change data of the script, by its own names: only what differs travels, in order with the calls."""
        changes = {name: value for name, value in values.items() if name not in self.kept or self.kept[name] != value}
        if not changes:
            return
        with self._props.suspend_updates():  # for a browser that builds the element anew
            self._props['initial'] = self.kept | changes
        if not self.is_being_built:
            self.call('set', changes)

    @property
    def is_being_built(self) -> bool:
        """Whether the page has not gone out yet: then props travel within it, and method calls would come later."""
        return not self.client._response_built


def _fits(values: list[Any], types: Sequence[type]) -> bool:
    if [type(value) for value in values] != list(types):
        return False
    return all(abs(value) <= MAX_NUMBER for value in values if isinstance(value, int))
