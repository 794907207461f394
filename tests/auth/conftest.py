"""Sessions on a real database; the app with providers that say what a test wants."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from string import Template
from types import SimpleNamespace
from typing import Any

import pytest
from auth_support import COMPANY
from github import GitHub
from issuer import SECRET as CLIENT_SECRET, Issuer
from support import databases
from support.clock import Clock
from support.server import Server

from webapp.auth.admission import Admission
from webapp.auth.sessions import Sessions
from webapp.store.database import Store

SECRET = '0123456789abcdef0123456789abcdef'


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(databases.place(tmp_path / 'webapp.db'))
    yield store
    await store.close()


@pytest.fixture
def make(store: Store, clock: Clock) -> Callable[..., Sessions]:
    """Sessions by the settings given; without any, those of local mode."""

    def make(**settings: Any) -> Sessions:
        given = {'secret': SECRET, 'secure': False, 'now': clock} | settings
        rules = {name: given.pop(name) for name in ('guests', 'admins', 'providers') if name in given}
        admission = Admission(is_local=given.pop('is_local', True), **{'providers': [COMPANY]} | rules)
        return Sessions(store, admission=admission, **given)

    return make


@pytest.fixture(scope='module')
def _issuer() -> Iterator[Issuer]:
    with Issuer().serve() as issuer:
        yield issuer


@pytest.fixture
def issuer(_issuer: Issuer) -> Issuer:
    """One that says what it is told to, and is honest to begin with."""
    _issuer.be_honest()
    return _issuer


@pytest.fixture(scope='module')
def providers() -> Iterator[SimpleNamespace]:
    """Who vouches for people, each on a port of its own."""
    names = ('company', 'other', 'strict', 'rotating', 'liar')
    with ExitStack() as ends:
        issuers = {name: ends.enter_context(Issuer().serve()) for name in names}
        yield SimpleNamespace(**issuers, github=ends.enter_context(GitHub().serve()))


@pytest.fixture(scope='module')
def front(tmp_path_factory: pytest.TempPathFactory, demo: str, providers: SimpleNamespace) -> Iterator[Server]:
    """The app with these providers, behind a proxy on this computer that tells who comes from where."""
    environment = {
        'DIFY_BASE_URL': demo,
        'DIFY_API_KEY': 'demo',
        'WEBAPP_SECRET': SECRET,
        'WEBAPP_ADMINS': 'company:admin-1,boss@corp.com',
        'COMPANY_SECRET': CLIENT_SECRET,
    }
    server = Server(tmp_path_factory.mktemp('front'), environment)
    settings = {
        name: getattr(providers, name).url for name in ('company', 'other', 'strict', 'rotating', 'liar', 'github')
    }
    (server.folder / 'webapp.toml').write_text(TABLES.substitute(settings))
    server.start()
    yield server
    server.stop()
    assert 'Traceback' not in server.log, server.log


@pytest.fixture(autouse=True)
def _honest(request: pytest.FixtureRequest) -> None:
    """Whatever a test has told the providers to say, the next one finds them honest."""
    if 'providers' in request.fixturenames:
        for provider in vars(request.getfixturevalue('providers')).values():
            provider.be_honest()


TABLES = Template("""
[network]
trusted_proxies = ["127.0.0.1"]

[[providers]]
name = "company"
issuer = "$company"
client_id = "chat"
client_secret_env = "COMPANY_SECRET"
admin_groups = ["chat-admins"]

[[providers]]
name = "other"
issuer = "$other"
client_id = "chat"
client_secret_env = "COMPANY_SECRET"

[[providers]]
name = "strict"
issuer = "$strict"
client_id = "chat"
client_secret_env = "COMPANY_SECRET"
allowed_domains = ["corp.com"]

[[providers]]
name = "rotating"
issuer = "$rotating"
client_id = "chat"
client_secret_env = "COMPANY_SECRET"

[[providers]]
name = "liar"
issuer = "$liar"
client_id = "chat"
client_secret_env = "COMPANY_SECRET"

[[providers]]
name = "github"
preset = "github"
issuer = "$github"
client_id = "chat"
client_secret_env = "COMPANY_SECRET"

[[providers]]
name = "plain"
preset = "oauth2"
client_id = "chat"
authorize_url = "$company/authorize?tenant=main"
token_url = "$company/plain-token"
userinfo_url = "$company/userinfo"
scopes = ["profile"]
""")
