"""What stands where nothing is, or nothing of yours: the same page for both."""

from nicegui import ui

from webapp.errors import AppError
from webapp.ui import i18n, templates, theme


def build(error: AppError, *, name: str) -> None:
    """Fill the page that is being built with words on `error`, and answer with its status."""
    ui.context.client.status_code = error.status
    with theme.frame(name=name, has_sidebar=False) as frame:
        ui.html(templates.render('missing.html', words=i18n.error(error.code)), sanitize=False)
    frame.set_title(name)
