"""What the tests of the store agree on."""

from datetime import UTC, datetime
from typing import Any, Protocol

from webapp.store.messages import Begun
from webapp.store.users import User

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = 'a secret of these tests and no other place'


class Ask(Protocol):
    """The fixture `ask`."""

    async def __call__(self, user: User, query: str = 'hello', **changes: Any) -> Begun: ...
