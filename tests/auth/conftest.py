"""Sessions on a real database."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from auth_support import Clock

from webapp.auth.sessions import Sessions
from webapp.store.database import Store

SECRET = '0123456789abcdef0123456789abcdef'


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(f'sqlite:///{tmp_path}/webapp.db')
    store.migrate()
    yield store
    await store.close()


@pytest.fixture
def make(store: Store, clock: Clock) -> Callable[..., Sessions]:
    """Sessions by the settings given; without any, those of local mode."""

    def make(**settings: Any) -> Sessions:
        given = {'secret': SECRET, 'is_local': True, 'guests': False, 'secure': False, 'now': clock} | settings
        return Sessions(store, **given)

    return make
