"""Who asks."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    GUEST = 'guest'
    USER = 'user'
    ADMIN = 'admin'


@dataclass(frozen=True, slots=True)
class Principal:
    """A person with a live session. Every query of the store names one, and gives only what is theirs."""

    user_id: str
    session_id: str
    role: Role
    dify_user: str  # what Dify knows them by, see `store.users`
    name: str = ''

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN
