"""A chat page within a page of another site: how it gets in, how it looks, what that page may tell it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from fastapi import HTTPException, Request
from nicegui import ui

from webapp import clock
from webapp.belongings import Belongings
from webapp.branding import Branding
from webapp.edge import policy
from webapp.embeds import Embed, Layout
from webapp.errors import NotFound
from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store import conversations
from webapp.ui import i18n, open_pages, theme
from webapp.ui.components.host import Host
from webapp.ui.look import Look
from webapp.ui.page import make_room
from webapp.ui.theme import Frame, Person, Placed

GOES_ON = timedelta(days=1)  # a visitor finds the conversation that they left so lately

# Browsers may refuse storage to a frame, and then NiceGUI's script ends where it touches it.
STAND_IN = """
for (const name of ['localStorage', 'sessionStorage']) {
  try { window[name].length } catch {
    const kept = new Map();
    Object.defineProperty(window, name, { value: {
      get length() { return kept.size },
      key: (index) => [...kept.keys()][index] ?? null,
      getItem: (key) => kept.get(String(key)) ?? null,
      setItem: (key, value) => void kept.set(String(key), String(value)),
      removeItem: (key) => void kept.delete(String(key)),
      clear: () => kept.clear(),
    } });
  }
}
"""


async def gate(services: Services, request: Request) -> Principal:
    """Who asks for the chat within another site's page: by a ticket, else by the cookie of the embed.

    :raises NotFound: there is no such embed
    :raises Refused: see `page.make_room`, `open_pages.turn_away`
    """
    make_room()
    embed = services.embedding.embeds.get(request.path_params['embed'])
    ticket = request.query_params.get('t', '')
    principal = await services.embedding.entrance.take(request.scope, embed, ticket)
    principal = principal or await services.embedding.sessions.principal(request.scope, embed)
    if principal is None:
        there = Look.of(embed, request.query_params).at(embed.path)
        raise HTTPException(303, headers={'Location': there, 'Cache-Control': 'no-store'})
    open_pages.turn_away(principal, request.scope['path'])
    policy.framed_by(request, await services.embedding.entrance.origins(embed))
    return principal


@dataclass(frozen=True, slots=True)
class Site:
    """The other site, as far as the chat page is concerned."""

    embed: Embed
    look: Look
    principal: Principal
    origins: tuple[str, ...]  # one of them is the page around this one
    asked: str  # id of the conversation that the address names; '' for none

    @classmethod
    def of(cls, embed: Embed, principal: Principal, request: Request) -> 'Site':
        assert principal.within is not None
        query = request.query_params
        return cls(embed, Look.of(embed, query), principal, principal.within.origins, query.get('c', ''))

    async def conversation(self, services: Services, principal: Principal) -> str | None:
        """The id of the one to show: that of the address, else the last one, if it is not long ago."""
        if self.asked:
            try:
                found = await Belongings(services.store, services.apps).conversation(principal, self.asked)
            except NotFound:
                return None
            return found.id
        last = await services.store.read(
            conversations.page, user_id=principal.user_id, app=self.embed.app, embed=self.embed.id, limit=1
        )
        return next((each.id for each in last if each.updated_at > clock.now() - GOES_ON), None)

    def address(self, conversation_id: str | None = None) -> str:
        return self.look.at(self.embed.chat_path, c=conversation_id or '')

    @property
    def signed_in(self) -> Person | None:
        """Who has signed in for this frame; whoever the host vouches for signs out there, and a preview nowhere."""
        within, is_guest = self.principal.within, self.principal.role is Role.GUEST
        if is_guest or within is None or within.kid or not within.origins:
            return None
        return Person(self.principal.name or i18n.t('frame.unnamed'))

    def frame(self, name: str, base: Branding) -> AbstractContextManager[Frame]:
        open_pages.within(self.look.at(self.embed.path))
        nonce = policy.nonce(ui.context.client.request)
        ui.add_head_html(f'<script nonce="{nonce}">{STAND_IN}</script>')
        layout, is_guest = self.look.layout, self.principal.role is Role.GUEST
        return theme.frame(
            name=self.embed.branding.name or name,
            person=self.signed_in,
            brand=self.look.brand(self.embed, base),
            placed=Placed(
                header=self.look.header,
                closable=layout is Layout.BUBBLE,
                roomy=layout is Layout.FULL,
                scheme=self.look.theme,
                language=self.look.language,
                origins=self.origins,
                sign_in=self.look.way_to_sign_in(self.embed) if is_guest else None,
            ),
        )

    def host(self) -> Host:
        """The element by which the two pages talk."""
        return Host(
            embed=self.embed.id,
            origins=self.origins,
            entrance=self.look.at(self.embed.path),
            closable=self.look.layout is Layout.BUBBLE,
        )
