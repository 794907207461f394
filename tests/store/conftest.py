"""A real database of each kind; every test gets one of its own."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from store_support import NOW, Ask, visit

from webapp.store import messages
from webapp.store.database import Store
from webapp.store.messages import Begun
from webapp.store.users import User

numbers = count(1)


@pytest.fixture(params=['sqlite', 'postgresql'])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database; on PostgreSQL an empty schema serves as one."""
    if request.param == 'sqlite':
        return f'sqlite:///{tmp_path}/data/webapp.db'
    postgres = make_url(request.getfixturevalue('postgres'))
    schema = f'test_{next(numbers)}'
    engine = create_engine(postgres)
    with engine.begin() as connection:
        connection.execute(text(f'CREATE SCHEMA {schema}'))
    engine.dispose()
    return postgres.update_query_dict({'options': f'-c search_path={schema}'}).render_as_string(hide_password=False)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = Store(url)
    store.migrate()
    yield store
    await store.close()


@pytest.fixture
async def ann(store: Store) -> User:
    return await store.write(visit, 'ann')


@pytest.fixture
async def bob(store: Store) -> User:
    return await store.write(visit, 'bob')


@pytest.fixture
def ask(store: Store) -> Ask:
    """Begin a message, in a new conversation with the app `support` unless told otherwise."""

    async def ask(user: User, query: str = 'hello', **changes: Any) -> Begun:
        given = {'app': 'support', 'conversation_id': None, 'key': f'key-{next(numbers)}', 'now': NOW} | changes
        return await store.write(messages.begin, user_id=user.id, query=query, **given)

    return ask
