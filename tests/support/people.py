"""People with a session, without a provider: what a login writes into a server's database, and the cookie it sets."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import httpx
from playwright.sync_api import BrowserContext, Page
from sqlmodel import Session
from support import direct
from support.server import Server

from webapp.principal import Identity, Role
from webapp.store import engines, sessions

P = ParamSpec('P')
T = TypeVar('T')

ISSUER = 'https://id.example'
SECRET = 'a-secret-of-the-tests-of-32-bytes'
# Settings for `serve`: one provider, named `oidc`, which nobody asks; its subject `admin` is the admin.
WITH_LOGIN = {
    'OIDC_ISSUER': ISSUER,
    'OIDC_CLIENT_ID': 'chat',
    'OIDC_CLIENT_SECRET': 'hush',
    'WEBAPP_SECRET': SECRET,
    'WEBAPP_ADMINS': 'oidc:admin',
}
FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'


@dataclass(frozen=True)
class SignedIn:
    """Somebody with a session at `server`."""

    server: Server
    user_id: str
    session_id: str  # as in the database
    token: str  # as in the cookie

    @property
    def cookies(self) -> dict[str, str]:
        return {'chat': self.token}

    def open_in(self, context: BrowserContext) -> None:
        """Let a browser be theirs."""
        context.add_cookies([{'name': 'chat', 'value': self.token, 'url': self.server.url}])

    def client(self) -> httpx.Client:
        """Their browser without one: use it as a context manager."""
        return direct.client(self.server.url, cookies=self.cookies)


Other = Callable[[SignedIn], Page]  # opens a browser of somebody else's


def sign_in(
    server: Server,
    subject: str = 'ann',
    *,
    role: Role | None = None,
    device: str = FIREFOX,
    now: datetime | None = None,
    absolute: timedelta = timedelta(days=7),
    **facts: object,
) -> SignedIn:
    """Open a session for somebody whom the provider of `WITH_LOGIN` knows as `subject`.

    :param role: for the lists; what they may do follows from the settings and from what is said of them
    :param facts: what else the provider says, as fields of `Identity`
    """
    identity = Identity(**{'issuer': ISSUER, 'subject': subject, 'provider': 'oidc'} | facts)  # type: ignore[arg-type]
    token = secrets.token_urlsafe(32)
    standing = in_store(
        server,
        sessions.sign_in,
        identity=identity,
        role=role or (Role.ADMIN if subject == 'admin' or identity.claims_admin else Role.USER),
        secret=server.environment.get('WEBAPP_SECRET', SECRET),
        token_hash=hashlib.sha256(token.encode()).hexdigest(),
        now=now or datetime.now(UTC),
        absolute=absolute,
        device=device,
        address='192.0.2.1',
    )
    return SignedIn(server, standing.user.id, standing.session.id, token)


def in_store(server: Server, work: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function of the store on the database of a running server, as one transaction."""
    given = server.environment.get('DATABASE_URL') or 'sqlite:///data/webapp.db'
    path = given.removeprefix('sqlite:///')
    url = given if path == given else f'sqlite:///{server.folder / path}'
    engine = engines.writing(engines.parse(url), 1)
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            return work(session, *args, **kwargs)
    finally:
        engine.dispose()


@contextmanager
def serving(folder: Path, demo: str, **settings: str) -> Iterator[Server]:
    """The app with `WITH_LOGIN`, for the tests of a module. It must not raise."""
    server = Server(folder, {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'} | WITH_LOGIN | settings)
    server.start()
    yield server
    server.stop()
    assert 'Traceback' not in server.log, server.log
