"""The app's form on one page: asked before the first message of a conversation, folded above it afterwards."""

from collections.abc import Mapping

from webapp import inputs
from webapp.apps import App
from webapp.errors import FormUnfit
from webapp.store.conversations import Conversation
from webapp.ui import form_views
from webapp.ui.components.inputs import Inputs
from webapp.ui.form_views import Url


class Asking:
    """:ivar written: what the browser says stands in the form, as JSON; '' for nothing

    :param links: this instance lets people attach links
    """

    def __init__(self, element: Inputs, app: App, url: Url, *, links: bool = False) -> None:
        self.written = ''
        self._element = element
        self._app = app
        self._url = url
        self._links = links
        self._host: Mapping[str, object] = {}  # for every new conversation of this page

    def show(self, conversation: Conversation | None) -> None:
        """Show the form, or what a conversation was begun with."""
        self.written = ''
        self.refresh(conversation)

    def refresh(self, conversation: Conversation | None) -> None:
        """Show it as the app has it now; what somebody has written stays."""
        app, host = self._app, self._host
        if conversation:
            self._element.fold(form_views.told(app, conversation.inputs, self._url))
            return
        is_filled = form_views.is_filled(app, host)
        fields = [] if is_filled else form_views.fields(app, host, links=self._links)
        self._element.ask(app.slug, fields, form_views.texts(app, host, all_=is_filled))

    def fill_for_host(self, text: str) -> None:
        """Take what the page around ours fills in. :raises Refused: it does not fit"""
        self._host = inputs.of_host(text, form_views.form(self._app))

    def take(self, written: str, number: int) -> None:
        """Take what stands in the form now, and say what is wrong with it that a browser can't tell.

        :param number: as the form's element counts
        """
        self.written = written
        form = form_views.form(self._app)
        if not any(field.json_schema for field in form):
            return
        try:
            found = inputs.mismatches(form, self.values())
        except FormUnfit:  # it is said when it is sent
            found = {}
        self._element.judge(number, {name: form_views.mismatched(each) for name, each in found.items()})

    def values(self) -> dict[str, object]:
        """What a new conversation begins with, to be completed. :raises FormUnfit:"""
        return inputs.of_person(self.written, form_views.form(self._app), self._host)

    def accepted(self) -> None:
        """A conversation has begun with what was written."""
        self._element.accepted(self._app.slug)

    def refuse(self, error: FormUnfit) -> None:
        """Show what is wrong, in the form as the app has it now: it may have changed since it was shown."""
        self.refresh(None)
        words = {name: form_views.mismatched(found) for name, found in error.mismatches.items()}
        self._element.refuse(error.problems, words)

    def fill_again(self, conversation: Conversation) -> None:
        """Put what a conversation was begun with into the form of a new one."""
        kept = conversation.inputs
        files = form_views.links(self._app, kept, self._url)
        self._element.prefill(form_views.written(self._app, kept), files)
