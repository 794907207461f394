"""A real database of each kind; every test gets one of its own."""

from itertools import count
from typing import Any

import pytest
from store_support import NOW, Ask, visit

from webapp.store import turns
from webapp.store.database import Store
from webapp.store.messages import Begun
from webapp.store.users import User

numbers = count(1)


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
        return await store.write(turns.begin, user_id=user.id, query=query, **given)

    return ask
