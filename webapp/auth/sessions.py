"""Who asks: the cookie, and the row behind it.

The cookie holds 256 random bits and nothing else; the row, found by their hash, says whose it is and until when. It is
asked again in every handler, so a session that ends is over at once, also on pages that are open.
"""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp import clock, log
from webapp.auth.admission import Admission
from webapp.embeds import Embed
from webapp.errors import NotFound, Refused, SignedOut
from webapp.limits import NO_LIMITS, Limits
from webapp.principal import GUEST, LOCAL, Identity, Principal, Role, Within
from webapp.store import embeds, endings, sessions
from webapp.store.database import Store
from webapp.store.embeds import Entry, HostToken
from webapp.store.endings import Ending
from webapp.store.limits import Scope as Limited
from webapp.store.pairings import Granted
from webapp.store.sessions import BrowserSession, ProviderTokens, Standing
from webapp.throttle import Throttle
from webapp.tokens import hashed, new_token

PREVIEW_LASTS = timedelta(hours=1)  # it goes on for so long though they are no admin any more
ANYWHERE = '*'  # no embed is called so
VISIT = 'webapp.visit'  # in the scope of a request
NO_TOKENS = ProviderTokens()


class Sessions:
    """:param secret: from which the ids are derived by which Dify knows people
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
        self.cookie = Cookie(secure=secure, seconds=int(absolute.total_seconds()))
        self.admission = admission
        self._secure = secure
        self._store = store
        self._secret = secret
        self._idle = idle
        self._absolute = absolute
        self._now = now
        self._throttle = Throttle(store, limits, now=now)

    @staticmethod
    def of(scope: Scope) -> 'Sessions':
        """The sessions that `Visits` has put into a request."""
        return _visit(scope).sessions

    async def principal(self, scope: Scope) -> Principal | None:
        """Who sent this request, if their session lives."""
        token = self.cookie.read(scope)
        return await self._find(hashed(token), address(scope)) if token else None

    async def within(self, scope: Scope, embed: Embed) -> Principal | None:
        """Who sent this request from a page of another site, if they have a live session there, and a cookie of it."""
        cookie = self.cookie_of(embed)
        token = cookie.read(scope)
        principal = await self._find(hashed(token), address(scope), embed.id) if token else None
        if principal:
            _visit(scope).known_by = cookie
        return principal

    async def within_any(self, session_id: str, scope: Scope) -> Principal | None:
        """Whose session that is, within whichever embed, if it lives; for who has proven it without a cookie."""
        return await self._find(session_id, address(scope), ANYWHERE)

    def cookie_of(self, embed: Embed) -> 'Cookie':
        """One for each embed, since frames of ours within one page share what browsers keep of us there."""
        return Cookie(secure=self._secure, seconds=self.cookie.seconds, base=f'e-{embed.id}', is_within=True)

    async def enter(self, scope: Scope, role: Role = Role.GUEST) -> Principal | None:
        """Like `principal`, but the local person and guests get a session when they have none.

        The cookie goes out with the answer, see `Visits`. Nothing if there must be a login first.

        :param role: what is needed; guests come in for what is open to guests
        :raises LimitReached: too many new guests from one address
        """
        if principal := await self.principal(scope):
            _visit(scope).known_by = self.cookie
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
        role = self.admission.role(identity)
        if role is None:
            raise Refused('not_admitted', f'{identity.provider} is no way in for them', status=403)
        token, old = new_token(), self.cookie.read(scope)
        standing = await self._store.write(
            sessions.sign_in,
            identity=identity,
            role=role,
            secret=self._secret,
            token_hash=hashed(token),
            now=self._now(),
            absolute=self._absolute,
            device=_device(scope),
            address=address(scope),
            replaces=hashed(old) if old else '',
            tokens=tokens,
        )
        _visit(scope).cookie = self.cookie.setting(token)
        log.is_by(standing.user.id)
        return self._principal(standing, role, address(scope))

    async def enter_within(
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
        :raises Refused: as `sign_in`
        :raises Revoked: see `store.embeds.enter`
        """
        role = self.admission.role(identity)
        if role is None:
            raise Refused('not_admitted', f'{identity.provider} is no way in for them', status=403)
        cookie, secret = self.cookie_of(embed), new_token()
        held = cookie.read(scope)
        before = await self._find(hashed(held), address(scope), embed.id) if held else None
        entry = Entry(
            identity=identity,
            role=role,
            within=within,
            elsewhere=before.within.origins if before and before.within else (),
            token=token,
            session=hashed(secret),
            held=hashed(held) if held else '',
            ticket=ticket,
            device=_device(scope),
            address=address(scope),
            tokens=tokens,
        )
        standing = await self._store.write(
            embeds.enter, entry, secret=self._secret, now=self._now(), absolute=self._absolute, idle=self._idle
        )
        if standing is None:
            return False
        _visit(scope).cookie = cookie.setting(secret if standing.session.id == entry.session else held or '')
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
        identity = Identity(
            embed.preview_issuer, hashed(principal.user_id), embed.issuer, name=name, groups=principal.groups
        )
        entry = Entry(
            identity=identity,
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
        await self._store.write(
            embeds.enter, entry, secret=self._secret, now=self._now(), absolute=PREVIEW_LASTS, idle=self._idle
        )

    async def follow_within(self, scope: Scope, embed: Embed, granted: Granted, *, ticket: str) -> bool:
        """Open a session within an embed for somebody who has signed in on our own pages for it.

        It ends when their provider ends theirs there, but not when they sign out there themselves.

        :param ticket: a hash; what it is made of leads into the session, with no cookie
        :return: `False` if that other session is over
        :raises Refused: as `sign_in`
        :raises Revoked: see `embeds.enter`
        """
        id_ = granted.session_id
        found = await self._store.read(sessions.look_up, token_hash=id_, now=self._now(), idle=self._idle)
        if found is None:
            return False
        within, tokens = Within(embed.id, granted.origins), ProviderTokens(session=granted.provider_session)
        return await self.enter_within(scope, embed, found.identity, within, ticket=ticket, token=None, tokens=tokens)

    async def leave(self, scope: Scope, embed: Embed) -> None:
        """End the session that this browser has within an embed, if it has one."""
        cookie = self.cookie_of(embed)
        if token := cookie.read(scope):
            await self._store.write(endings.sign_out, token_hash=hashed(token), now=self._now(), address=address(scope))
            _visit(scope).cookie = cookie.clearing()

    async def still(self, principal: Principal) -> Principal:
        """The same person as they are now; for handlers of pages that may have been open for long.

        :raises SignedOut: their session has ended
        """
        embed = principal.within.embed if principal.within else ''
        now = await self._find(principal.session_id, principal.address, embed)
        if now is None or now.user_id != principal.user_id:
            raise SignedOut
        return now

    async def end(self, scope: Scope) -> Ending | None:
        """Sign this browser out; what has ended by it."""
        ended = None
        if token := self.cookie.read(scope):
            ended = await self._store.write(
                endings.sign_out, token_hash=hashed(token), now=self._now(), address=address(scope)
            )
        _visit(scope).cookie = self.cookie.clearing()  # not before: it would leave a session that nobody can end
        return ended

    async def sign_out(self, principal: Principal) -> None:
        """End the session of somebody who wishes so, and whose browser may hold no cookie of it."""
        await self._store.write(
            endings.sign_out, token_hash=principal.session_id, now=self._now(), address=principal.address
        )

    async def standing(self, session_ids: Collection[str]) -> dict[str, Principal]:
        """Those of the sessions that live, each with its person as they are now. Does not count as use."""
        found = await self._store.read(sessions.standing, ids=session_ids, now=self._now(), idle=self._idle)
        admitted = {id_: (each, self._role(each)) for id_, each in found.items()}
        return {id_: self._principal(each, role) for id_, (each, role) in admitted.items() if role}

    async def of_person(self, user_id: str) -> list[BrowserSession]:
        """A person's live sessions, the last used first."""
        return await self._store.read(sessions.of_person, user_id=user_id, now=self._now(), idle=self._idle)

    async def by_embed(self) -> dict[str, int]:
        """How many live sessions there are within each embed that has any."""
        return await self._store.read(sessions.by_embed, now=self._now(), idle=self._idle)

    async def purge(self) -> int:
        """Delete the rows of sessions that are over; how many they were."""
        return await self._store.write(sessions.purge, now=self._now(), idle=self._idle)

    def same_browser(self, page: Scope, socket: Scope) -> bool:
        """Whether a socket may belong to a page.

        A page that was asked for with a live session belongs to the browser that holds its cookie. One that was given
        its session with the answer was asked for without, and so nothing can be compared.
        """
        cookie = _visit(page).known_by
        if cookie is None:
            return True
        held, shown = cookie.read(page), cookie.read(socket)
        return held is not None and shown is not None and secrets.compare_digest(held, shown)

    async def _find(self, token_hash: str, address: str, embed: str = '') -> Principal | None:
        """:param embed: where the session must live; '' for our own pages, `ANYWHERE` for any but those"""
        now = self._now()
        found = await self._store.read(sessions.look_up, token_hash=token_hash, now=now, idle=self._idle)
        if found is not None and sessions.is_due(found.session, now):
            found = await self._store.write(sessions.find, token_hash=token_hash, now=now, idle=self._idle)
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


@dataclass(frozen=True, slots=True)
class Cookie:
    secure: bool
    seconds: int
    base: str = 'chat'
    is_within: bool = False  # pages of other sites: kept apart for each of those sites, where browsers know how to

    @property
    def name(self) -> str:
        """With the prefix, browsers take it only over https, and from this very host."""
        return f'__Host-{self.base}' if self.secure else self.base

    def read(self, scope: Scope) -> str | None:
        """The token in a request, if there is one and nothing else claims its name.

        No more is cut off around a name than browsers cut off: to them `\\xa0__Host-chat` has no prefix, and so anybody
        on a neighbouring host may set it for us.
        """
        jars = (value.decode('latin-1') for name, value in scope['headers'] if name == b'cookie')
        pairs = (pair.strip(' \t').partition('=') for jar in jars for pair in jar.split(';'))
        tokens = {value for name, _, value in pairs if name == self.name}
        return tokens.pop() if len(tokens) == 1 else None

    def setting(self, token: str) -> str:
        return f'{self.name}={token}; Max-Age={self.seconds}; {self._attributes}'

    def clearing(self) -> str:
        return f'{self.name}=; Max-Age=0; {self._attributes}'

    @property
    def _attributes(self) -> str:
        if self.is_within:
            return 'Path=/; HttpOnly; SameSite=None; Secure; Partitioned'  # taken from loopback without https too
        return f'Path=/; HttpOnly; SameSite=Lax{"; Secure" if self.secure else ""}'


class Visits:
    """Puts the sessions within reach of whoever answers a request, and sends the cookie of one opened or ended."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self.app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            return await self.app(scope, receive, send)
        visit = scope[VISIT] = Visit(self._sessions)

        async def send_with_cookie(message: Message) -> None:
            if message['type'] == 'http.response.start' and visit.cookie:
                headers = [*message['headers'], (b'set-cookie', visit.cookie.encode())]
                message = {**message, 'headers': headers}
            await send(message)

        return await self.app(scope, receive, send_with_cookie)


@dataclass(slots=True)
class Visit:
    """What one request means for its browser's session."""

    sessions: Sessions
    known_by: 'Cookie | None' = None  # it brought that of a live one
    cookie: str = ''  # to set with the answer


def _visit(scope: Scope) -> Visit:
    visit = scope[VISIT]
    assert isinstance(visit, Visit)
    return visit


def _lives_in(standing: Standing, embed: str) -> bool:
    within = standing.session.within
    return within is None if not embed else within is not None and embed in {within.embed, ANYWHERE}


def _device(scope: Scope) -> str:
    return next((value.decode('latin-1') for name, value in scope['headers'] if name == b'user-agent'), '')


def address(scope: Scope) -> str:
    """From where a request comes, as far as the proxies tell."""
    return (scope.get('client') or ('',))[0]
