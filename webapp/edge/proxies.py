"""The proxies in front of us, whose word counts."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

Proxies = Sequence[IPv4Network | IPv6Network]


def is_trusted(address: str, proxies: Proxies) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    parsed = getattr(parsed, 'ipv4_mapped', None) or parsed
    return any(parsed in network for network in proxies)
