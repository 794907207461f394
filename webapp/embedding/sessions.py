"""Sessions within pages of other sites: each lives in one embed alone, and may go without a cookie."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.types import Scope

from webapp import log
from webapp.auth.cookies import Cookie
from webapp.auth.sessions import ANYWHERE, Sessions
from webapp.auth.visits import Visit, address, device
from webapp.embeds import Embed
from webapp.errors import NotFound
from webapp.principal import Identity, Principal, Role, Within
from webapp.store import embeds, endings, sessions
from webapp.store.embeds import Entry, HostToken
from webapp.store.pairings import Granted
from webapp.store.sessions import NO_TOKENS, ProviderTokens
from webapp.tokens import hashed, new_token

PREVIEW_LASTS = timedelta(hours=1)  # it goes on for so long though they are no admin any more


@dataclass(frozen=True, slots=True)
class EmbedSessions:
    """:param own: the sessions of our own pages, which know whose a session is and how long it lives"""

    own: Sessions

    async def principal(self, scope: Scope, embed: Embed) -> Principal | None:
        """Who sent this request from a page of another site, if they have a live session there, and a cookie of it."""
        cookie = self._cookie(embed)
        token = cookie.read(scope)
        principal = await self.own.find(hashed(token), address(scope), embed.id) if token else None
        if principal:
            Visit.of(scope).known_by = cookie
        return principal

    async def find(self, session_id: str, scope: Scope) -> Principal | None:
        """Whose session that is, within whichever embed, if it lives; for who has proven it without a cookie."""
        return await self.own.find(session_id, address(scope), ANYWHERE)

    async def enter(
        self,
        scope: Scope,
        embed: Embed,
        identity: Identity,
        within: Within,
        *,
        ticket: str,
        token: HostToken | None,
        tokens: ProviderTokens = NO_TOKENS,
    ) -> bool:
        """Open a session within an embed, or go on with the one of this very person; the session of another one ends.

        :param ticket: a hash; what it is made of leads into the session, with no cookie
        :param token: of the host that vouches for them
        :return: `False` if that token has been used before
        :raises Refused: as `Sessions.sign_in`
        :raises Revoked: see `store.embeds.enter`
        """
        own = self.own
        role = own.admission.admit(identity)
        cookie, secret = self._cookie(embed), new_token()
        held = cookie.read(scope)
        before = await own.find(hashed(held), address(scope), embed.id) if held else None
        entry = Entry(
            identity=identity,
            role=role,
            within=within,
            elsewhere=before.within.origins if before and before.within else (),
            token=token,
            session=hashed(secret),
            held=hashed(held) if held else '',
            ticket=ticket,
            device=device(scope),
            address=address(scope),
            tokens=tokens,
        )
        standing = await own.store.write(
            embeds.enter, entry, secret=own.secret, now=own.now(), absolute=own.absolute, idle=own.idle
        )
        if standing is None:
            return False
        Visit.of(scope).cookie = cookie.setting(secret if standing.session.id == entry.session else held or '')
        log.is_by(standing.user.id)
        return True

    async def preview(self, principal: Principal, embed: Embed, *, name: str, ticket: str) -> None:
        """Open a session in which an admin sees an embed on a page of ours, as somebody who is not themselves.

        :param name: of that somebody
        :param ticket: a hash; what it is made of leads into the session, which has no cookie
        :raises NotFound: they are no admin
        """
        if not principal.is_admin:
            raise NotFound
        own, subject = self.own, hashed(principal.user_id)
        entry = Entry(
            identity=Identity(embed.preview_issuer, subject, embed.issuer, name=name, groups=principal.groups),
            role=Role.USER,
            within=Within(embed.id, ()),
            elsewhere=(),
            token=None,
            session=hashed(new_token()),
            held='',
            ticket=ticket,
            device='',
            address=principal.address,
        )
        await own.store.write(
            embeds.enter, entry, secret=own.secret, now=own.now(), absolute=PREVIEW_LASTS, idle=own.idle
        )

    async def follow(self, scope: Scope, embed: Embed, granted: Granted, *, ticket: str) -> bool:
        """Open a session within an embed for somebody who has signed in on our own pages for it.

        It ends when their provider ends theirs there, but not when they sign out there themselves.

        :param ticket: a hash; what it is made of leads into the session, with no cookie
        :return: `False` if that other session is over
        :raises Refused: as `Sessions.sign_in`
        :raises Revoked: see `store.embeds.enter`
        """
        own, id_ = self.own, granted.session_id
        found = await own.store.read(sessions.look_up, token_hash=id_, now=own.now(), idle=own.idle)
        if found is None:
            return False
        within, tokens = Within(embed.id, granted.origins), ProviderTokens(session=granted.provider_session)
        return await self.enter(scope, embed, found.identity, within, ticket=ticket, token=None, tokens=tokens)

    async def leave(self, scope: Scope, embed: Embed) -> None:
        """End the session that this browser has within an embed, if it has one."""
        cookie = self._cookie(embed)
        if token := cookie.read(scope):
            await self.own.store.write(
                endings.sign_out, token_hash=hashed(token), now=self.own.now(), address=address(scope)
            )
            Visit.of(scope).cookie = cookie.clearing()

    async def by_embed(self) -> dict[str, int]:
        """How many live sessions there are within each embed that has any."""
        own = self.own
        return await own.store.read(sessions.by_embed, now=own.now(), idle=own.idle)

    def _cookie(self, embed: Embed) -> Cookie:
        """One for each embed, since frames of ours within one page share what browsers keep of us there."""
        return Cookie(secure=self.own.secure, seconds=self.own.cookie.seconds, base=f'e-{embed.id}', is_within=True)
