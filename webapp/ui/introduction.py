"""What an app says of itself, on one open page: what it takes and gives besides text, and whether it is there."""

from collections.abc import Callable

from webapp.apps import App
from webapp.errors import UpstreamError
from webapp.ui import app_views, i18n, views
from webapp.ui.components.composer import Composer
from webapp.ui.components.thread import Thread
from webapp.ui.theme import Banner, Frame


class Introduction:
    """:param may_hear: the browser lets this page use the microphone
    :param links: this instance lets people attach links
    :param on_told: told that the app has said something else of itself
    """

    def __init__(
        self,
        app: App,
        frame: Frame,
        composer: Composer,
        thread: Thread,
        *,
        may_hear: bool,
        links: bool,
        on_told: Callable[[], None],
    ) -> None:
        self._app = app
        self._frame = frame
        self._composer = composer
        self._thread = thread
        self._may_hear = may_hear
        self._links = links
        self._on_told = on_told

    def show(self) -> None:
        """Offer what the app takes and gives besides text, as far as is known."""
        app = self._app
        self._composer.set_uploads(views.upload_rules(app, links=self._links))
        self._composer.set_site(placeholder=app_views.placeholder(app), disclaimer=app_views.disclaimer(app))
        self._composer.set_hearing(app.slug if self._may_hear and views.hears(app) else '')
        self._thread.set_speech(views.speaks(app))
        if app.known and app.known.info.mode and not app.known.info.is_chat:
            self._frame.show_banner(Banner('kind', i18n.error('not_chat_app'), 'error'))
        else:
            self._frame.hide_banner('kind')

    def announce(self, *, is_local: bool) -> None:
        """Say who answers, where that is no Dify, and that there is no login, where there is none."""
        notices = []
        if self._app.answered_by:
            model, host = self._app.answered_by
            notices.append(i18n.t('banner.relay', model=model, host=host))
        elif self._app.is_demo:
            notices.append(i18n.t('banner.demo'))
        if is_local:
            notices.append(i18n.t('banner.local'))
        if notices:
            self._frame.show_banner(Banner('setup', ' '.join(notices), closable=True))

    async def greet(self) -> None:
        """Ask the app what it says of itself, unless it has said so lately; the page does not wait for it."""
        try:
            await self._app.about()
        except UpstreamError as error:
            self._frame.show_banner(Banner('upstream', i18n.error(error.code), 'error', closable=True))

    async def follow(self, seen: int) -> None:
        """Show what the app says of itself when that has become something else, whoever has asked it.

        :param seen: the count of such changes when the page was built
        """
        while True:
            seen = await self._app.told.after(seen)
            self.show()
            self._on_told()

    async def ask_anew(self) -> None:
        """Ask the app, though it has just said so. :raises UpstreamError: it does not answer"""
        await self._app.about(anew=True)
        self.is_there()
        words = i18n.t('banner.reloaded', name=self._app.name or self._app.slug)
        self._frame.show_banner(Banner('reloaded', words, closable=True, is_news=True))

    def is_there(self) -> None:
        """It has answered."""
        self._frame.hide_banner('upstream')
