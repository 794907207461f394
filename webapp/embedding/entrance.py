"""The way into an embed: a host vouches for somebody, or nobody does, and a ticket leads into the chat.

The ticket needs no cookie, which browsers may refuse to frames. It counts once and for half a minute.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.types import Scope

from webapp import clock
from webapp.auth.visits import address
from webapp.embedding import host_tokens
from webapp.embedding.host_tokens import HostTokenRefused
from webapp.embedding.sessions import EmbedSessions
from webapp.embeds import Embed
from webapp.errors import Refused
from webapp.principal import GUEST, Identity, Principal, Within
from webapp.store import embeds, revocations
from webapp.store.database import Store
from webapp.store.embeds import HostToken
from webapp.store.revocations import Revoked
from webapp.throttle import Throttle
from webapp.tokens import hashed, new_token

logger = logging.getLogger(__name__)

MAX_TICKET = 200  # characters of what claims to be one


@dataclass(frozen=True, slots=True)
class Entrance:
    """:param throttle: how many visitors, and how many bad tokens, may come from one address"""

    store: Store
    sessions: EmbedSessions
    throttle: Throttle
    public_url: str
    now: Callable[[], datetime] = clock.now

    async def enter(self, scope: Scope, embed: Embed, *, token: str | None, origin: str | None) -> str:
        """Let somebody in; the ticket that leads on.

        :param token: of the host; None if it says that nobody is there, or says nothing
        :param origin: of the host's page, as the browser says; None if it does not
        :raises HostTokenRefused: the token is not good, or a page of that origin may not show this embed, or the key
            or the origin has been revoked
        :raises Refused: `embed_identity_needed`: nobody vouches for them, and visitors may not come in; `blocked`;
            `LimitReached`
        """
        origins = await self.around(embed, origin)
        if token is None:
            return await self._visit(scope, embed, origins)
        try:
            return await self._vouched(scope, embed, token, origins)
        except HostTokenRefused as refusal:
            logger.warning('embed %s: a token was refused: %s', embed.id, refusal.detail)
            await self.throttle.entry(embed.id, address(scope))
            raise

    async def origins(self, embed: Embed) -> tuple[str, ...]:
        """Of the pages that may show it now: those of the settings, but for what admins have taken."""
        revoked = await self.store.read(revocations.all_of, embed=embed.id)
        return tuple(each for each in embed.origins if not any(one.hits_origin(each) for one in revoked))

    async def around(self, embed: Embed, origin: str | None) -> tuple[str, ...]:
        """Those of which the host's page has one.

        :param origin: as the browser says; None if it does not
        :raises HostTokenRefused: `origin`: it may not show it; `revoked`: it may show it no more
        """
        if origin is not None and not embed.is_shown_by(origin):
            raise HostTokenRefused('origin', f'{origin[:200]} is not among the origins of this embed')
        if origin is None:
            if not (left := await self.origins(embed)):
                raise HostTokenRefused('revoked', 'all origins of this embed')
            return left
        for each in await self.store.read(revocations.all_of, embed=embed.id):
            if each.hits_origin(origin):
                raise HostTokenRefused('revoked', f'origin {each.name}')
        return (origin,)

    async def preview(self, principal: Principal, embed: Embed, *, name: str) -> str:
        """The ticket by which an admin sees an embed on a page of ours; nobody vouches for them there.

        :param name: of the person as whom they do
        :raises NotFound: they are no admin
        """
        ticket = new_token()
        await self.sessions.preview(principal, embed, name=name, ticket=hashed(ticket))
        return ticket

    async def take(self, scope: Scope, embed: Embed, ticket: str) -> Principal | None:
        """Whose session a ticket leads into; nothing if it does not, or has done so before."""
        if not ticket or len(ticket) > MAX_TICKET:
            return None
        found = await self.store.write(embeds.take_ticket, ticket=hashed(ticket), embed=embed.id, now=self.now())
        return await self.sessions.find(found, scope) if found else None

    async def _vouched(self, scope: Scope, embed: Embed, token: str, origins: tuple[str, ...]) -> str:
        vouched = host_tokens.check(token, embed, audience=self.public_url + embed.path, now=self.now())
        within = Within(embed.id, origins, vouched.kid)
        return await self._open(scope, embed, vouched.identity, within, vouched.token)

    async def _visit(self, scope: Scope, embed: Embed, origins: tuple[str, ...]) -> str:
        """Nobody vouches for them now. Whoever had come in without goes on; for all others it is over."""
        held = await self.sessions.principal(scope, embed)
        if held is not None and held.within is not None and not held.within.kid:
            ticket = new_token()
            try:
                goes_on = await self.store.write(
                    embeds.go_on,
                    within=Within(embed.id, origins),
                    session_id=held.session_id,
                    elsewhere=held.within.origins,
                    ticket=hashed(ticket),
                    now=self.now(),
                )
            except Revoked as error:
                raise HostTokenRefused('revoked', str(error)) from error
            if goes_on:
                return ticket
        await self.sessions.leave(scope, embed)
        if not embed.anonymous:
            raise Refused('embed_identity_needed', status=401)
        await self.throttle.entry(embed.id, address(scope))
        identity = Identity(GUEST, secrets.token_hex(16), embed.issuer)
        return await self._open(scope, embed, identity, Within(embed.id, origins), None)

    async def _open(
        self, scope: Scope, embed: Embed, identity: Identity, within: Within, token: HostToken | None
    ) -> str:
        ticket = new_token()
        try:
            is_new = await self.sessions.enter(scope, embed, identity, within, ticket=hashed(ticket), token=token)
        except Revoked as error:
            raise HostTokenRefused('revoked', str(error)) from error
        if not is_new:
            raise HostTokenRefused('replayed', 'its jti has been seen before; each token needs its own')
        return ticket
