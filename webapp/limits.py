"""How much one person, or one address, may do. Off in local mode."""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from webapp.principal import Principal, Role
from webapp.store.limits import Limit, Ration, Scope, of_person

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MB = 1_000_000
REFUSALS_PER_MINUTE = 10  # of one address, that the audit log tells of
ENDINGS_PER_MINUTE = 60  # a provider with thousands of people does not come near it
HOST_BITS = 64  # of an IPv6 address: whoever has one has all that differ in them


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers as in `webapp.toml`; 0 is no limit."""

    messages_per_minute: int = 0
    messages_per_hour: int = 0
    running_per_user: int = 0
    upload_mb_per_day: int = 0
    searches_per_minute: int = 0
    exports_per_minute: int = 0
    speech_per_minute: int = 0
    logins_per_minute: int = 0
    guests_per_minute: int = 0
    embed_entries_per_minute: int = 0
    sockets_per_user: int = 0
    sockets_per_address: int = 0

    def of_person(self, scope: Scope, principal: Principal) -> tuple[Ration, ...]:
        """What a person may do. A guest can become somebody else at will, so guests of one address have it together."""
        limits = self._of(scope)
        own = Ration(scope, of_person(principal.user_id), limits, f'too_many_{scope}')
        if principal.role is not Role.GUEST:
            return (own,)
        return (own, Ration(scope, f'guests {network(principal.address)}', limits, f'too_many_{scope}_of_guests'))

    def of_address(self, scope: Scope, address: str) -> tuple[Ration, ...]:
        """What may come from an address, before anybody knows from whom."""
        return (Ration(scope, f'address {network(address)}', self._of(scope), f'too_many_{scope}'),)

    def of_entry(self, embed: str, address: str) -> tuple[Ration, ...]:
        """What may come into an embed from an address without anybody who vouches for it."""
        scope = Scope.EMBED_ENTRIES
        return (Ration(scope, f'embed {embed} address {network(address)}', self._of(scope), f'too_many_{scope}'),)

    def _of(self, scope: Scope) -> tuple[Limit, ...]:
        match scope:
            case Scope.MESSAGES:
                return (Limit(self.messages_per_minute, MINUTE), Limit(self.messages_per_hour, HOUR))
            case Scope.UPLOADS:
                return (Limit(self.upload_bytes, DAY),)
            case _:
                return (Limit(self._per_minute[scope], MINUTE),)

    @property
    def _per_minute(self) -> dict[Scope, int]:
        return {
            Scope.SEARCHES: self.searches_per_minute,
            Scope.EXPORTS: self.exports_per_minute,
            Scope.SPEECH: self.speech_per_minute,
            Scope.LOGIN_STARTS: self.logins_per_minute,
            Scope.LOGIN_ENDS: self.logins_per_minute,
            Scope.GUESTS: self.guests_per_minute,
            Scope.EMBED_ENTRIES: self.embed_entries_per_minute,
            Scope.REFUSALS: REFUSALS_PER_MINUTE,
            Scope.ENDINGS: ENDINGS_PER_MINUTE,
        }

    @property
    def upload_bytes(self) -> int:
        return self.upload_mb_per_day * MB


NO_LIMITS = Limits()


def network(address: str) -> str:
    """What one customer of a network provider has: an IPv4 address, or the /64 around an IPv6 one."""
    try:
        parsed = ip_address(address.partition('%')[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((int(parsed), HOST_BITS), strict=False))
