"""How an app wants its steps to be shown, in terms of the page."""

from webapp.edge import assets
from webapp.presentation import Presentation, Presenter, ToolPicture
from webapp.ui.components.steps import Icon, StepLook

HIDDEN = StepLook(shows_nodes=False)  # until the app has said what it wants


class StepLooks:
    """The look of one app's steps, made anew when the app has said something new."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter
        self._of: Presentation | None = None
        self._look = HIDDEN

    def __call__(self) -> StepLook:
        known = self._presenter.known
        if known is not None and known is not self._of:
            icons = {tool: _icon(picture) for tool, picture in known.tools.items()}
            self._of, self._look = known, StepLook(known.site.shows_steps, icons)
        return self._look


def _icon(picture: ToolPicture) -> Icon:
    if picture.image:
        return Icon(url=assets.publish(picture.image.content, picture.image.extension))
    return Icon('' if picture.emoji else 'tool', picture.emoji, picture.background)
