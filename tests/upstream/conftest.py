from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from stage import KEY, Stage, stage

from webapp.upstream.client import DifyClient
from webapp.upstream.limits import TimeLimits

MakeClient = Callable[..., DifyClient]


@pytest.fixture
async def theatre() -> AsyncIterator[Stage]:
    async with stage() as open_stage:
        yield open_stage


@pytest.fixture
async def make_client(theatre: Stage) -> AsyncIterator[MakeClient]:
    """A client of the stage, with the limits that the test names."""
    async with AsyncExitStack() as stack:

        def make(**limits: float) -> DifyClient:
            client = DifyClient(theatre.url, KEY, limits=TimeLimits(**limits))
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> DifyClient:
    return make_client()
