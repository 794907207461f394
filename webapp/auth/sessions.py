"""Who asks: the cookie, and the row behind it.

The cookie holds 256 random bits and nothing else; the row, found by their hash, says whose it is and until when. It is
asked again in every handler, so a session that ends is over at once, also on pages that are open.
"""

import secrets
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from starlette.types import Scope

from webapp import clock, log
from webapp.auth.admission import Admission
from webapp.auth.cookies import Cookie
from webapp.auth.visits import Visit, address, device
from webapp.errors import SignedOut
from webapp.limits import NO_LIMITS, Limits
from webapp.principal import GUEST, LOCAL, Identity, Principal, Role
from webapp.store import endings, sessions
from webapp.store.database import Store
from webapp.store.endings import Ending
from webapp.store.limits import Scope as Limited
from webapp.store.sessions import NO_TOKENS, BrowserSession, ProviderTokens, Standing
from webapp.throttle import Throttle
from webapp.tokens import hashed, new_token

ANYWHERE = '*'  # no embed is called so
SESSIONS = 'webapp.sessions'  # in the scope of a request


class Sessions:
    """Those of our own pages; `embedding.sessions` has those within pages of other sites, and asks here whose they are.

    :param secret: from which the ids are derived by which Dify knows people
    :param admission: who gets in, and as what
    :param secure: whether people reach us by https
    :param limits: for new guests
    """

    def __init__(
        self,
        store: Store,
        *,
        secret: str,
        admission: Admission,
        secure: bool,
        idle: timedelta = timedelta(hours=12),
        absolute: timedelta = timedelta(days=7),
        limits: Limits = NO_LIMITS,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.store = store
        self.secret = secret
        self.admission = admission
        self.secure = secure
        self.idle = idle
        self.absolute = absolute
        self.now = now
        self.cookie = Cookie(secure=secure, seconds=int(absolute.total_seconds()))
        self._throttle = Throttle(store, limits, now=now)

    @staticmethod
    def of(scope: Scope) -> 'Sessions':
        """Those of the instance that answers a request, see `Visits`."""
        sessions = scope[SESSIONS]
        assert isinstance(sessions, Sessions)
        return sessions

    async def principal(self, scope: Scope) -> Principal | None:
        """Who sent this request, if their session lives."""
        token = self.cookie.read(scope)
        return await self.find(hashed(token), address(scope)) if token else None

    async def enter(self, scope: Scope, role: Role = Role.GUEST) -> Principal | None:
        """Like `principal`, but the local person and guests get a session when they have none.

        The cookie goes out with the answer, see `Visits`. Nothing if there must be a login first.

        :param role: what is needed; guests come in for what is open to guests
        :raises LimitReached: too many new guests from one address
        """
        if principal := await self.principal(scope):
            Visit.of(scope).known_by = self.cookie
            return principal
        is_local, guests = self.admission.is_local, self.admission.guests
        if not is_local and not (guests and role is Role.GUEST):
            return None
        if not is_local:
            await self._throttle.address(Limited.GUESTS, address(scope))
        identity = Identity(LOCAL, LOCAL, LOCAL) if is_local else Identity(GUEST, secrets.token_hex(16), GUEST)
        return await self.sign_in(scope, identity)

    async def sign_in(self, scope: Scope, identity: Identity, tokens: ProviderTokens = NO_TOKENS) -> Principal:
        """Open a session for somebody whose identity has been proven. Always a new one: an old cookie is worth nothing.

        :param tokens: what the provider gave along
        :raises Refused: an identity that can't be kept exactly as it is; `not_admitted`: the settings don't let them
            in; `blocked`
        """
        role = self.admission.admit(identity)
        token, old = new_token(), self.cookie.read(scope)
        standing = await self.store.write(
            sessions.sign_in,
            identity=identity,
            role=role,
            secret=self.secret,
            token_hash=hashed(token),
            now=self.now(),
            absolute=self.absolute,
            device=device(scope),
            address=address(scope),
            replaces=hashed(old) if old else '',
            tokens=tokens,
        )
        Visit.of(scope).cookie = self.cookie.setting(token)
        log.is_by(standing.user.id)
        return self._principal(standing, role, address(scope))

    async def still(self, principal: Principal) -> Principal:
        """The same person as they are now; for handlers of pages that may have been open for long.

        :raises SignedOut: their session has ended
        """
        embed = principal.within.embed if principal.within else ''
        now = await self.find(principal.session_id, principal.address, embed)
        if now is None or now.user_id != principal.user_id:
            raise SignedOut
        return now

    async def end(self, scope: Scope) -> Ending | None:
        """Sign this browser out; what has ended by it."""
        ended = None
        if token := self.cookie.read(scope):
            ended = await self.store.write(
                endings.sign_out, token_hash=hashed(token), now=self.now(), address=address(scope)
            )
        Visit.of(scope).cookie = self.cookie.clearing()  # not before: it would leave a session that nobody can end
        return ended

    async def sign_out(self, principal: Principal) -> None:
        """End the session of somebody who wishes so, and whose browser may hold no cookie of it."""
        await self.store.write(
            endings.sign_out, token_hash=principal.session_id, now=self.now(), address=principal.address
        )

    async def standing(self, session_ids: Collection[str]) -> dict[str, Principal]:
        """Those of the sessions that live, each with its person as they are now. Does not count as use."""
        found = await self.store.read(sessions.standing, ids=session_ids, now=self.now(), idle=self.idle)
        admitted = {id_: (each, self._role(each)) for id_, each in found.items()}
        return {id_: self._principal(each, role) for id_, (each, role) in admitted.items() if role}

    async def of_person(self, user_id: str) -> list[BrowserSession]:
        """A person's live sessions, the last used first."""
        return await self.store.read(sessions.of_person, user_id=user_id, now=self.now(), idle=self.idle)

    async def purge(self) -> int:
        """Delete the rows of sessions that are over; how many they were."""
        return await self.store.write(sessions.purge, now=self.now(), idle=self.idle)

    def same_browser(self, page: Scope, socket: Scope) -> bool:
        """Whether a socket may belong to a page.

        A page that was asked for with a live session belongs to the browser that holds its cookie. One that was given
        its session with the answer was asked for without, and so nothing can be compared.
        """
        cookie = Visit.of(page).known_by
        if cookie is None:
            return True
        held, shown = cookie.read(page), cookie.read(socket)
        return held is not None and shown is not None and secrets.compare_digest(held, shown)

    async def find(self, session_id: str, address: str, embed: str = '') -> Principal | None:
        """Whose session that is, if it lives; this counts as use.

        :param address: from where they ask
        :param embed: where the session must live; '' for our own pages, `ANYWHERE` for any but those
        """
        now = self.now()
        found = await self.store.read(sessions.look_up, token_hash=session_id, now=now, idle=self.idle)
        if found is not None and sessions.is_due(found.session, now):
            found = await self.store.write(sessions.find, token_hash=session_id, now=now, idle=self.idle)
        role = self._role(found) if found else None
        if found is None or role is None or not _lives_in(found, embed):
            return None
        log.is_by(found.user.id)
        return self._principal(found, role, address)

    def _role(self, standing: Standing) -> Role | None:
        """As the settings are now. In a page of another site nobody is more than a user: it could make them click."""
        role, within = self.admission.role(standing.identity), standing.session.within
        if role is None or within is None:
            return role
        embed = self.admission.embeds.find(within.embed)
        if embed is None or not embed.stands_behind(within):
            return None
        if sessions.is_by_provider(standing.identity) and not embed.sign_in:
            return None
        return Role.USER if role.reaches(Role.USER) else role

    def _principal(self, standing: Standing, role: Role, address: str = '') -> Principal:
        user, identity, within = standing.user, standing.identity, standing.session.within
        embed = self.admission.embeds.find(within.embed) if within else None
        return Principal(
            user_id=user.id,
            session_id=standing.session.id,
            role=role,
            dify_user=user.dify_user,
            name=user.name or user.email,
            groups=identity.groups,
            is_reader=within is None and self.admission.is_reader(identity),
            address=address,
            within=within,
            app=embed.app if embed else '',
            charged_to=embed.budget_group if embed else '',
        )


def _lives_in(standing: Standing, embed: str) -> bool:
    within = standing.session.within
    return within is None if not embed else within is not None and embed in {within.embed, ANYWHERE}
