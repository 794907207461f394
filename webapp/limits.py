"""How much one person, or one address, may do. Off in local mode."""

from dataclasses import dataclass, fields
from datetime import timedelta

from webapp.store.limits import Limit

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers as in `webapp.toml`; 0 is no limit."""

    messages_per_minute: int = 0
    messages_per_hour: int = 0
    running_per_user: int = 0
    upload_mb_per_day: int = 0
    searches_per_minute: int = 0
    exports_per_minute: int = 0
    logins_per_minute: int = 0
    guests_per_minute: int = 0
    sockets_per_user: int = 0
    sockets_per_address: int = 0

    @property
    def messages(self) -> tuple[Limit, ...]:
        return (Limit(self.messages_per_minute, MINUTE), Limit(self.messages_per_hour, HOUR))

    @property
    def upload_bytes(self) -> tuple[Limit, ...]:
        return (Limit(self.upload_mb_per_day * MB, DAY),)

    @property
    def searches(self) -> tuple[Limit, ...]:
        return (Limit(self.searches_per_minute, MINUTE),)

    @property
    def exports(self) -> tuple[Limit, ...]:
        return (Limit(self.exports_per_minute, MINUTE),)

    @property
    def logins(self) -> tuple[Limit, ...]:
        return (Limit(self.logins_per_minute, MINUTE),)

    @property
    def guests(self) -> tuple[Limit, ...]:
        return (Limit(self.guests_per_minute, MINUTE),)


NO_LIMITS = Limits()
NAMES = tuple(field.name for field in fields(Limits))
