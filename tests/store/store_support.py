"""What the tests of the store agree on."""

from datetime import UTC, datetime
from typing import Any, Protocol

from sqlmodel import Session

from webapp.principal import Identity
from webapp.store import users
from webapp.store.messages import Begun
from webapp.store.users import User

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = 'a secret of these tests and no other place'


class Ask(Protocol):
    """The fixture `ask`."""

    async def __call__(self, user: User, query: str = 'hello', **changes: Any) -> Begun: ...


def visit(session: Session, subject: str, *, issuer: str = 'https://id.example', name: str = '', **facts: Any) -> User:
    """Let somebody come in, as a command does when they have signed in."""
    given = {'secret': SECRET, 'role': 'user', 'now': NOW} | facts
    extra = {key: given.pop(key) for key in ('email', 'email_verified', 'groups') if key in given}
    identity = Identity(issuer, subject, 'company', name=name, **extra)
    return users.sign_in(session, identity=identity, **given).user
