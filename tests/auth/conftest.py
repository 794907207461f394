"""Sessions on a real database."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from auth_support import COMPANY, Clock

from webapp.auth.admission import Admission
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
        given = {'secret': SECRET, 'secure': False, 'now': clock} | settings
        rules = {name: given.pop(name) for name in ('guests', 'admins', 'providers') if name in given}
        admission = Admission(is_local=given.pop('is_local', True), **{'providers': [COMPANY]} | rules)
        return Sessions(store, admission=admission, **given)

    return make
