"""The upstreams that must keep the contract: the demo always, a live Dify where its address is in the environment."""

import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from webapp.upstream.demo import build, serve
from webapp.upstream.demo.state import Abilities

LIVE = {'base_url': os.environ.get('DIFY_BASE_URL', ''), 'key': os.environ.get('DIFY_API_KEY', '')}


@pytest.fixture(scope='session')
def fast_demo() -> Iterator[str]:
    """Base URL of a fast demo, in a thread of its own. Every test brings new users, so all can share it."""
    app = build(rate=500, title_seconds=0.05, abilities=Abilities(speaks=False))  # as in most recordings
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve(app)) as url:
        yield url


@pytest.fixture
async def demo_client(fast_demo: str) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(fast_demo, 'demo') as client:
        yield client


@pytest.fixture
async def pinging_client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a demo that sends pings in a tenth of a second, not ten."""
    async with serve(build(rate=0, ping=0.1)) as url, _client(url, 'demo') as client:
        yield client


@pytest.fixture(
    params=[
        'demo',
        pytest.param('live', marks=pytest.mark.skipif(not all(LIVE.values()), reason='no DIFY_BASE_URL, DIFY_API_KEY')),
    ]
)
async def client(request: pytest.FixtureRequest, fast_demo: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of each upstream. Tests with this fixture ask ordinary questions only."""
    url, key = (LIVE['base_url'], LIVE['key']) if request.param == 'live' else (fast_demo, 'demo')
    async with _client(url, key) as client:
        yield client


def _client(url: str, key: str) -> httpx.AsyncClient:
    headers = {'Authorization': f'Bearer {key}'}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=120, trust_env=False)
