"""Pages beside the chat: one sheet in the frame, without a sidebar."""

from abc import abstractmethod
from typing import Any, ClassVar
from urllib.parse import quote

from nicegui import background_tasks, ui
from nicegui.client import Client

from webapp import clock
from webapp.errors import NotFound
from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store.audit import Party
from webapp.ui import persons, templates, theme
from webapp.ui.board import Board
from webapp.ui.components.sheet import Sheet
from webapp.ui.hearing import Hearing


class SheetPage(Hearing):
    """One of them, open in a browser.

    :param needs: what its person must be at the least, at every event
    """

    SHEETS: ClassVar[tuple[str, ...]] = ('sheet.css',)

    def __init__(self, services: Services, principal: Principal, needs: Role) -> None:
        super().__init__(services, principal)
        self._needs = needs
        self._client: Client = ui.context.client

    def _require(self) -> None:
        if not self._principal.role.reaches(self._needs):
            raise NotFound

    async def build(self, title: str, heading: str) -> None:
        """:param title: of the browser's tab
        :param heading: of the page
        :raises NotFound: there is no such thing
        """
        html = await self.render()
        url, brand = self._client.request.url, self._client.request.app.state.brand
        here = f'{quote(url.path)}?{url.query}' if url.query else quote(url.path)
        person = persons.shown(self._services, self._principal, here)
        around = theme.frame(
            name=heading, person=person, has_sidebar=False, home='/', sheets=list(self.SHEETS), brand=brand
        )
        with around as self._frame:
            self._sheet = Sheet(html)
        board = Board(self._services.notices, self._frame)
        await board.hang()
        following = background_tasks.create(board.follow(), name='notices')
        self._client.on_delete(following.cancel)
        self._client.title = f'{title} · {self._services.name}'
        self._sheet.on_act(self._hear(self.act))
        self._sheet.on_filter(self._hear(self.filter))

    @abstractmethod
    async def render(self) -> str:
        """Everything on the sheet, as it stands now."""

    async def act(self, name: str, of: str) -> None:
        """Do what a button says. A browser may send anything."""
        raise NotFound

    async def filter(self, query: str) -> None:
        """Show what `query` finds."""
        raise NotFound

    async def refresh(self, said: str = '') -> None:
        self._sheet.show(await self.render(), said=said)

    @property
    def _doing(self) -> dict[str, Any]:
        """What a command of the store is told for the audit log: who does it, when, and from where."""
        actor = Party(self._principal.user_id, self._principal.name)
        return {'actor': actor, 'now': clock.now(), 'address': self._principal.address}


def written(template: str, /, **values: object) -> str:
    return templates.render(f'sheets/{template}', **values)
