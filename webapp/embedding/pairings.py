"""Signing in from a frame: providers refuse to be framed, and our own login never is, so it has a window of its own.

    frame                                   window
    begin -> pairing                        /embed/ID/sign-in
                    -- the pairing, from page to page -->
                                            claim -> a cookie of that browser
                                            the login, as everybody has it
                                            /embed/ID/signed-in: grant
    poll -> a ticket

Whoever holds a pairing gets into the account of whoever signs in by it. If it could stand in a link, somebody could
begin one in a frame of theirs and send the link to others, who would sign in for them. So the window takes a pairing
from the page that has opened it and from no other, and only if that is one of this very origin: none of our pages
passes on what others say, and no sites but those of the embed and ours can frame them. Frame and window are in one
browser, so there is nothing to send to anybody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.types import Scope

from webapp import clock
from webapp.auth.cookies import Cookie
from webapp.auth.visits import address
from webapp.embedding.entrance import Entrance
from webapp.embedding.sessions import EmbedSessions
from webapp.embeds import Embed
from webapp.errors import Refused
from webapp.principal import Principal
from webapp.store import pairings
from webapp.store.database import Store
from webapp.store.revocations import Revoked
from webapp.throttle import Throttle
from webapp.tokens import hashed, is_token, new_token

PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Pairings:
    """:param secure: whether people reach us by https
    :param throttle: how many may be begun from one address
    """

    store: Store
    sessions: EmbedSessions
    entrance: Entrance
    throttle: Throttle
    secure: bool
    now: Callable[[], datetime] = clock.now

    async def begin(self, scope: Scope, embed: Embed, origin: str | None) -> str:
        """A frame waits from now on; what it holds, and nobody else.

        :param origin: of the page around it, as the browser says; None if it does not
        :raises HostTokenRefused: see `Entrance.around`
        :raises LimitReached: too many from one address
        """
        origins = await self.entrance.around(embed, origin)
        await self.throttle.entry(embed.id, address(scope))
        pairing = new_token()
        expires_at = self.now() + PATIENCE
        await self.store.write(
            pairings.begin, pairing=hashed(pairing), embed=embed.id, origins=origins, expires_at=expires_at
        )
        return pairing

    async def claim(self, embed: Embed, pairing: str) -> str:
        """A window has been given it by the frame; the cookie by which its browser is known when it comes back.

        :raises Refused: `pairing_over`
        """
        if await self._is_granted(embed, pairing) is not False:
            raise Refused('pairing_over', 'no frame waits by this', status=410)
        return self._cookie(embed).setting(pairing)

    async def grant(self, scope: Scope, embed: Embed, principal: Principal) -> None:
        """Somebody has signed in, in the window of this browser.

        :raises Refused: `pairing_over`: no frame waits for that, or somebody has done so before
        """
        held, session_id = self._held(scope, embed), principal.session_id
        if not held or not await self.store.write(
            pairings.grant, pairing=hashed(held), embed=embed.id, session_id=session_id, now=self.now()
        ):
            raise Refused('pairing_over', 'no frame waits for this browser', status=410)

    async def drop(self, scope: Scope, embed: Embed) -> None:
        """Whoever has signed in may not come in: the frame need not wait."""
        if pairing := self._held(scope, embed):
            await self.store.write(pairings.drop, pairing=hashed(pairing), embed=embed.id)

    async def poll(self, scope: Scope, embed: Embed, pairing: str) -> str | None:
        """A ticket into a session of whoever has signed in; nothing as long as nobody has.

        The session is opened here, so that its cookie goes where it belongs: to the frame.

        :raises Refused: `pairing_over`, and it is the last word; else as `Sessions.sign_in`
        """
        if await self._is_granted(embed, pairing) is False:
            return None
        granted = await self.store.write(pairings.take, pairing=hashed(pairing), embed=embed.id, now=self.now())
        ticket = new_token()
        try:
            if granted and await self.sessions.follow(scope, embed, granted, ticket=hashed(ticket)):
                return ticket
        except Revoked as error:
            raise Refused('pairing_over', str(error), status=410) from error
        raise Refused('pairing_over', 'the frame waits in vain', status=410)

    def clearing(self, embed: Embed) -> str:
        """A cookie that takes back that of `claim`."""
        return self._cookie(embed).clearing()

    async def _is_granted(self, embed: Embed, pairing: str) -> bool | None:
        if not is_token(pairing):
            return None
        return await self.store.read(pairings.is_granted, pairing=hashed(pairing), embed=embed.id, now=self.now())

    def _held(self, scope: Scope, embed: Embed) -> str:
        held = self._cookie(embed).read(scope) or ''
        return held if is_token(held) else ''

    def _cookie(self, embed: Embed) -> Cookie:
        """One for each embed, so that a browser may sign in for several at once."""
        return Cookie(secure=self.secure, seconds=int(PATIENCE.total_seconds()), base=f'pairing-{embed.id}')
