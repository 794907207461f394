"""Files elsewhere, of which only the address goes to Dify. Dify fetches it, from within the operator's own network.

So an address must lead to where everybody may go. What it says is judged by `read`, before anybody is asked anything;
where its name leads, and whether what stands there sends on, by `Links.check`, when it is added and when it is sent.

What remains: Dify looks the name up once more, and may be given another address than we were; and a server may answer
Dify otherwise than us. Only Dify's own proxy (`SSRF_PROXY_*`) can prevent that.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, unquote, urlsplit

import httpx

from webapp.errors import Refused
from webapp.upstream import records

MOST_CHARS = 2_000
PATIENCE = 5.0  # seconds for a name, and for a head
PORTS = {'http': 80, 'https': 443}
LABEL = re.compile(r'(?!-)[a-z0-9-]{1,63}(?<!-)')
NUMBER = re.compile(r'[0-9]+|0x[0-9a-f]*')  # as the last label it makes the whole an IPv4 address, to any browser
UNFIT = re.compile(r'[\x00-\x20\x7f\\<>"^`{|}]')  # what parsers of addresses don't agree about
NOT_PUBLIC = {  # top-level names that lead to nowhere, or to somewhere near
    'arpa', 'corp', 'example', 'home', 'internal', 'intranet', 'invalid', 'lan', 'local', 'localdomain', 'localhost',
    'onion', 'private', 'test',
}  # fmt: skip
SENT_ON = {301, 302, 303, 307, 308}
NOT_THERE = {404, 410}
TRANSLATED = IPv6Network('64:ff9b::/96')  # how networks without IPv4 reach it

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


@dataclass(frozen=True, slots=True)
class Link:
    """An address that says nothing suspicious."""

    url: str  # ASCII, without fragment
    host: str
    port: int
    name: str  # of the file, as far as the address tells


@dataclass(frozen=True, slots=True)
class Head:
    """What stands there, as far as it says so."""

    media_type: str = ''
    size: int | None = None  # bytes


def read(text: str) -> Link:
    """:raises Refused: `link_unfit`: no address of the web; `link_refused`: one that we hand to nobody"""
    url = text.strip()
    if not url or len(url) > MOST_CHARS or UNFIT.search(url) or not url.lower().startswith(('http://', 'https://')):
        raise Refused('link_unfit', status=400)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused('link_unfit', status=400) from None
    host, standard = (parts.hostname or ''), PORTS[parts.scheme]
    if (
        not parts.netloc.isascii()
        or '@' in parts.netloc
        or '%' in parts.netloc
        or port not in {None, standard}
        or not _is_name(host)
    ):
        raise Refused('link_refused', status=400)
    path = quote(parts.path or '/', safe="/%:@!$&'()*+,;=~-._")
    query = f'?{quote(parts.query, safe="/%:@!$&()*+,;=~-._?[]")}' if parts.query else ''
    name = records.file_name(unquote(path).rpartition('/')[2]) if path != '/' else ''
    return Link(f'{parts.scheme}://{host}{path}{query}', host, standard, name or host)


def is_public(address: Address) -> bool:
    """Whether everybody may go there. An IPv6 address that stands for an IPv4 address is as public as that one."""
    if isinstance(address, IPv6Address):
        if address in TRANSLATED:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        stands_for = address.ipv4_mapped or address.sixtofour
        if stands_for is not None:
            return is_public(stands_for)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_internal(host: str) -> bool:
    """Whether a host is known within somebody's own network only, by its name or number."""
    try:
        return not is_public(ip_address(host))
    except ValueError:
        return '.' not in host or host.rpartition('.')[2].lower() in NOT_PUBLIC


class Links:
    """Looks where addresses lead.

    :param resolve: all addresses of a name, as this machine finds them; none if there are none
    """

    def __init__(self, resolve: Resolve | None = None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._resolve = resolve or _resolve
        self._transport = transport

    async def check(self, link: Link) -> Head:
        """Ask for the head of what is there, at an address that we have looked up, and without going on elsewhere.

        :raises Refused: `link_refused`: its name leads to where not everybody may go; `link_sends_on`;
            `link_unreachable`: it leads nowhere, or nothing is there
        """
        try:
            async with asyncio.timeout(PATIENCE):
                addresses = await self._resolve(link.host, link.port)
        except (OSError, TimeoutError, UnicodeError):
            addresses = ()
        if not addresses:
            raise Refused('link_unreachable', 'no address', status=400)
        if not all(map(is_public, addresses)):
            raise Refused('link_refused', 'its name leads to a private address', status=400)
        return await self._head(link, addresses[0])

    async def _head(self, link: Link, address: Address) -> Head:
        url = httpx.URL(link.url).copy_with(host=str(address))
        headers = {'Host': link.host, 'Accept-Encoding': 'identity', 'User-Agent': 'webapp'}
        client = httpx.AsyncClient(trust_env=False, timeout=PATIENCE, transport=self._transport, headers=headers)
        try:
            async with client, asyncio.timeout(PATIENCE):
                request = client.build_request('HEAD', url, extensions={'sni_hostname': link.host})
                response = await client.send(request, stream=True)
                await response.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise Refused('link_unreachable', type(error).__name__, status=400) from None
        if response.status_code in SENT_ON:
            raise Refused('link_sends_on', status=400)
        if response.status_code in NOT_THERE:
            raise Refused('link_unreachable', f'{response.status_code}', status=400)
        if not response.is_success:  # it may be there for those who ask for all of it
            return Head()
        length = response.headers.get('content-length', '')
        media_type = response.headers.get('content-type', '').partition(';')[0].strip().lower()
        return Head(media_type, int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None)


def _is_name(host: str) -> bool:
    """Whether it is a name of the public web, written as such: no address in any notation, nothing but ASCII."""
    labels = host.split('.')
    if len(labels) < 2 or len(host) > 253 or not all(map(LABEL.fullmatch, labels)):
        return False
    return not NUMBER.fullmatch(labels[-1]) and labels[-1] not in NOT_PUBLIC


async def _resolve(host: str, port: int) -> list[Address]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(sockaddr[0]).partition('%')[0]) for *_, sockaddr in found))
