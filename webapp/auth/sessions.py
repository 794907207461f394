"""Who asks: the cookie, and the row behind it.

The cookie holds 256 random bits and nothing else; the row, found by their hash, says whose it is and until when. It is
asked again in every handler, so a session that ends is over at once, also on pages that are open.
"""

import hashlib
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp import clock, log
from webapp.auth.arrivals import Arrivals
from webapp.errors import Refused, SignedOut
from webapp.principal import Principal, Role
from webapp.store import sessions, users
from webapp.store.database import Store
from webapp.store.sessions import BrowserSession
from webapp.store.users import User

LOCAL = 'local'  # issuer and subject of the one person of local mode
GUEST = 'guest'  # issuer of everybody who has no login
TOKEN_BYTES = 32
VISIT = 'webapp.visit'  # in the scope of a request


class Sessions:
    """:param secret: from which the ids are derived by which Dify knows people
    :param is_local: everybody who gets this far is the one local person, and the admin
    :param guests: everybody may come in, each as somebody of their own
    :param secure: whether people reach us by https
    :param admins: subjects of the people who are admins
    """

    def __init__(
        self,
        store: Store,
        *,
        secret: str,
        is_local: bool,
        guests: bool,
        secure: bool,
        admins: Collection[str] = (),
        idle: timedelta = timedelta(hours=12),
        absolute: timedelta = timedelta(days=7),
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.cookie = Cookie(secure=secure, seconds=int(absolute.total_seconds()))
        self._store = store
        self._secret = secret
        self._is_local = is_local
        self._guests = guests
        self._admins = frozenset(admins)
        self._idle = idle
        self._absolute = absolute
        self._now = now
        self._arrivals = Arrivals()

    @staticmethod
    def of(scope: Scope) -> 'Sessions':
        """The sessions that `Visits` has put into a request."""
        return _visit(scope).sessions

    async def principal(self, scope: Scope) -> Principal | None:
        """Who sent this request, if their session lives."""
        token = self.cookie.read(scope)
        return await self._find(_hash(token)) if token else None

    async def enter(self, scope: Scope) -> Principal | None:
        """Like `principal`, but the local person and guests get a session when they have none.

        The cookie goes out with the answer, see `Visits`. Nothing if there must be a login first.

        :raises Refused: too many new guests from one address
        """
        if principal := await self.principal(scope):
            _visit(scope).is_known = True
            return principal
        if not (self._is_local or self._guests):
            return None
        if not self._is_local and not self._arrivals.admit((scope.get('client') or ('',))[0]):
            raise Refused('too_busy', 'too many new guests from one address', status=429)
        issuer, subject = (LOCAL, LOCAL) if self._is_local else (GUEST, secrets.token_hex(16))
        return await self.sign_in(scope, issuer=issuer, subject=subject)

    async def sign_in(self, scope: Scope, *, issuer: str, subject: str, name: str = '') -> Principal:
        """Open a session for somebody whose identity has been proven. Always a new one: an old cookie is worth nothing.

        :raises Refused: an identity that can't be kept exactly as it is, or that the settings don't let in
        """
        role = self._role(issuer, subject)
        if role is None:
            raise Refused(detail=f'{issuer} is not a way in here', status=403)
        user = await self._store.write(
            users.sign_in, issuer=issuer, subject=subject, name=name, secret=self._secret, now=self._now()
        )
        token = secrets.token_urlsafe(TOKEN_BYTES)
        row = await self._store.write(
            sessions.open_session,
            user_id=user.id,
            token_hash=_hash(token),
            now=self._now(),
            absolute=self._absolute,
            device=_device(scope),
        )
        _visit(scope).cookie = self.cookie.setting(token)
        return _principal(user, row, role)

    async def still(self, principal: Principal) -> Principal:
        """The same person as they are now; for handlers of pages that may have been open for long.

        :raises SignedOut: their session has ended
        """
        now = await self._find(principal.session_id)
        if now is None or now.user_id != principal.user_id:
            raise SignedOut
        return now

    async def end(self, scope: Scope) -> Principal | None:
        """Sign this browser out; who it was."""
        principal = await self.principal(scope)
        if principal is not None:
            await self._store.write(sessions.end, token_hash=principal.session_id, now=self._now())
        _visit(scope).cookie = self.cookie.clearing()
        return principal

    async def purge(self) -> int:
        """Delete the rows of sessions that are over; how many they were."""
        return await self._store.write(sessions.purge, now=self._now(), idle=self._idle)

    def same_browser(self, page: Scope, socket: Scope) -> bool:
        """Whether a socket may belong to a page.

        A page that was asked for with a live session belongs to the browser that holds its cookie. One that was given
        its session with the answer was asked for without, and so nothing can be compared.
        """
        if not _visit(page).is_known:
            return True
        held, shown = self.cookie.read(page), self.cookie.read(socket)
        return held is not None and shown is not None and secrets.compare_digest(held, shown)

    async def _find(self, token_hash: str) -> Principal | None:
        now = self._now()
        found = await self._store.read(sessions.look_up, token_hash=token_hash, now=now, idle=self._idle)
        if found is not None and sessions.is_due(found[1], now):
            found = await self._store.write(sessions.find, token_hash=token_hash, now=now, idle=self._idle)
        role = found and self._role(found[0].issuer, found[0].subject)
        return _principal(*found, role) if found and role else None

    def _role(self, issuer: str, subject: str) -> Role | None:
        """By the settings as they are now; nothing if they don't let such a person in, or not any more."""
        if self._is_local or issuer == LOCAL:
            return Role.ADMIN if self._is_local and issuer == LOCAL else None
        if issuer == GUEST:
            return Role.GUEST if self._guests else None
        return Role.ADMIN if subject in self._admins else Role.USER


@dataclass(frozen=True, slots=True)
class Cookie:
    secure: bool
    seconds: int

    @property
    def name(self) -> str:
        """With the prefix, browsers take it only over https, and from this very host."""
        return '__Host-chat' if self.secure else 'chat'

    def read(self, scope: Scope) -> str | None:
        """The token in a request, if there is one and nothing else claims its name."""
        jars = (value.decode('latin-1') for name, value in scope['headers'] if name == b'cookie')
        pairs = (pair.strip().partition('=') for jar in jars for pair in jar.split(';'))
        tokens = {value for name, _, value in pairs if name == self.name}
        return tokens.pop() if len(tokens) == 1 else None

    def setting(self, token: str) -> str:
        return f'{self.name}={token}; Max-Age={self.seconds}; {self._attributes}'

    def clearing(self) -> str:
        return f'{self.name}=; Max-Age=0; {self._attributes}'

    @property
    def _attributes(self) -> str:
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
    is_known: bool = False  # it brought a live one
    cookie: str = ''  # to set with the answer


def _visit(scope: Scope) -> Visit:
    visit = scope[VISIT]
    assert isinstance(visit, Visit)
    return visit


def _principal(user: User, session: BrowserSession, role: Role) -> Principal:
    log.is_by(user.id)
    return Principal(user_id=user.id, session_id=session.id, role=role, dify_user=user.dify_user, name=user.name)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _device(scope: Scope) -> str:
    return next((value.decode('latin-1') for name, value in scope['headers'] if name == b'user-agent'), '')
