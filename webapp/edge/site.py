"""Where we live: the hosts and origins that are ours."""

from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = ('localhost', '127.0.0.1', '[::1]')
DEFAULT_PORTS = {'http': 80, 'https': 443}


@dataclass(frozen=True, slots=True)
class Site:
    hosts: frozenset[str]  # as in the header `Host`
    origins: frozenset[str]  # as in the header `Origin`
    is_https: bool

    @classmethod
    def of(cls, public_url: str, *, is_local: bool, port: int) -> 'Site':
        """The public address; in local mode every loopback name, with the public port and with the one we listen on."""
        url = urlsplit(public_url)
        public_port = url.port or DEFAULT_PORTS[url.scheme]
        name = f'[{url.hostname}]' if ':' in (url.hostname or '') else url.hostname or ''
        names = {name, *LOOPBACK} if is_local else {name}
        ports = {public_port, port} if is_local else {public_port}
        places = {(name, port) for name in names for port in ports}
        return cls(
            hosts=frozenset(host for place in places for host in _hosts(url.scheme, *place)),
            origins=frozenset(f'{url.scheme}://{min(_hosts(url.scheme, *place), key=len)}' for place in places),
            is_https=url.scheme == 'https',
        )


def _hosts(scheme: str, name: str, port: int) -> set[str]:
    """How `Host` may be written; browsers leave the default port out."""
    return {f'{name}:{port}', name} if DEFAULT_PORTS[scheme] == port else {f'{name}:{port}'}
