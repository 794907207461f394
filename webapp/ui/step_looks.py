"""How an app wants its steps to be shown, in terms of the page."""

from collections.abc import Mapping

from webapp.apps import About, App
from webapp.edge import assets
from webapp.toolbox import ToolPicture
from webapp.ui.components.steps import Icon, StepLook

HIDDEN = StepLook(shows_nodes=False)  # until the app has said what it wants


class StepLooks:
    """The look of one app's steps, made anew when the app has said something new."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._of: tuple[About | None, Mapping[str, ToolPicture]] | None = None
        self._look = HIDDEN

    def __call__(self) -> StepLook:
        known, tools = self._app.known, self._app.toolbox.known
        if known is not None and (known, tools) != self._of:
            icons = {tool: _icon(picture) for tool, picture in tools.items()}
            self._of, self._look = (known, tools), StepLook(known.site.shows_steps, icons)
        return self._look


def _icon(picture: ToolPicture) -> Icon:
    if picture.image:
        return Icon(url=assets.publish(picture.image.content, picture.image.extension))
    return Icon('' if picture.emoji else 'tool', picture.emoji, picture.background)
