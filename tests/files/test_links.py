"""Addresses of files elsewhere: what is handed to nobody, before anything is fetched, and what is."""

import asyncio
import socket
from ipaddress import ip_address

import httpx
import pytest

from webapp.errors import Refused
from webapp.files import links
from webapp.files.links import Address, Head, Link, Links
from webapp.files.rules import admit_link, fits
from webapp.upstream.parameters import Uploads

HOSTILE = {
    # not the web, or not an address
    '': 'unfit',
    'report.pdf': 'unfit',
    'ftp://files.example.com/a.png': 'unfit',
    'file:///etc/passwd': 'unfit',
    'gopher://files.example.com/_GET': 'unfit',
    'javascript:alert(1)': 'unfit',
    'data:image/png;base64,AAAA': 'unfit',
    '//files.example.com/a.png': 'unfit',
    'https:/files.example.com/a.png': 'unfit',
    'https:///a.png': 'refused',
    'https://' + 'a' * 2_000: 'unfit',
    'https://files.example.com:port/a.png': 'unfit',
    'https://[::1': 'unfit',
    # what parsers read differently
    'https://files.example.com\\@127.0.0.1/a.png': 'unfit',
    'https://files.example.com/a b.png': 'unfit',
    'https://files.exa\tmple.com/a.png': 'unfit',
    'https://files.example.com/a.png\r\nHost: localhost': 'unfit',
    'https://files.example.com\0.evil.com/': 'unfit',
    'https://127.0.0.1%2f@files.example.com/': 'refused',
    'https://files.example.com%00.localhost/': 'refused',
    # credentials
    'https://me:word@files.example.com/a.png': 'refused',
    'https://files.example.com@127.0.0.1/': 'refused',
    'https://@files.example.com/a.png': 'refused',
    # ports
    'http://files.example.com:22/': 'refused',
    'http://files.example.com:6379/': 'refused',
    'https://files.example.com:80/': 'refused',
    'https://files.example.com:0/': 'refused',
    'https://files.example.com:99999/': 'unfit',
    # this machine and its neighbours, by name
    'http://localhost/': 'refused',
    'http://LOCALHOST/': 'refused',
    'http://localhost./': 'refused',
    'http://app.localhost/': 'refused',
    'http://redis/': 'refused',
    'http://printer.local/': 'refused',
    'http://metadata.google.internal/': 'refused',
    'http://nas.lan/': 'refused',
    'http://wiki.corp/': 'refused',
    'http://router.home.arpa/': 'refused',
    'http://files.example.com./a.png': 'refused',
    'http://-files.example.com/': 'refused',
    'http://files..example.com/': 'refused',
    # addresses, in every notation; whoever serves files to everybody has a name
    'http://127.0.0.1/': 'refused',
    'http://10.0.0.8/': 'refused',
    'http://169.254.169.254/latest/meta-data/': 'refused',
    'http://0.0.0.0/': 'refused',
    'http://8.8.8.8/': 'refused',
    'http://2130706433/': 'refused',
    'http://017700000001/': 'refused',
    'http://0x7f000001/': 'refused',
    'http://127.1/': 'refused',
    'http://0177.0.0.1/': 'refused',
    'http://0x7f.0.0.1/': 'refused',
    'http://0x7f.1/': 'refused',
    'http://127.0.0.0x1/': 'refused',
    'http://files.0x/': 'refused',
    'http://127.0.0.1./': 'refused',
    'http://[::1]/': 'refused',
    'http://[::]/': 'refused',
    'http://[::ffff:127.0.0.1]/': 'refused',
    'http://[::ffff:7f00:1]/': 'refused',
    'http://[fe80::1%25eth0]/': 'refused',
    'http://[fd00::1]/': 'refused',
    'http://[64:ff9b::7f00:1]/': 'refused',
    # letters that only look like others
    'http://１２７.０.０.１/': 'refused',
    'http://127。0。0。1/': 'refused',
    'http://①②⑦.0.0.1/': 'refused',
    'http://ⓛocalhost/': 'refused',
    'http://localhoſt/': 'refused',
    'http://files.exam\u00adple.com/': 'refused',
    'http://ﬁles.example.com/': 'refused',
    'http://münchen.de/a.png': 'refused',  # as `xn--mnchen-3ya.de`, which browsers copy, it may
    'http://files.example.com\u2044@127.0.0.1/': 'refused',
    'http://a\u2100.com/': 'unfit',
}  # fmt: skip

PRIVATE = [
    '127.0.0.1', '127.8.8.8', '0.0.0.0', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254',
    '100.64.0.1', '192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1',
    '255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::127.0.0.1', 'fe80::1', 'fec0::1',
    'fc00::1', 'fd12:3456::1', 'ff02::1', '2001:db8::1', '100::1', '2002:7f00:1::', '2002:c0a8:101::1',
    '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::a00:1', '2001:0:7f00:1::',
]  # fmt: skip
PUBLIC = ['8.8.8.8', '93.184.215.14', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808']

LINK = links.read('https://files.example.com/a.png')


@pytest.mark.parametrize(('url', 'why'), HOSTILE.items())
def test_it_is_refused_by_what_it_says(url: str, why: str) -> None:
    with pytest.raises(Refused) as refused:
        links.read(url)
    assert refused.value.code == f'link_{why}'


@pytest.mark.parametrize('address', PRIVATE)
def test_not_everybody_may_go_there(address: str) -> None:
    assert not links.is_public(ip_address(address))


@pytest.mark.parametrize('address', PUBLIC)
def test_everybody_may_go_there(address: str) -> None:
    assert links.is_public(ip_address(address))


@pytest.mark.parametrize(
    ('typed', 'link'),
    [
        ('https://files.example.com/a.png', Link('https://files.example.com/a.png', 'files.example.com', 443, 'a.png')),
        (
            ' HTTP://Files.Example.com:80/x/a%20b.PDF?v=1&w=[2]#page ',
            Link('http://files.example.com/x/a%20b.PDF?v=1&w=[2]', 'files.example.com', 80, 'a b.PDF'),
        ),
        ('https://xn--bcher-kva.de', Link('https://xn--bcher-kva.de/', 'xn--bcher-kva.de', 443, 'xn--bcher-kva.de')),
        ('http://a.com/ü.txt', Link('http://a.com/%C3%BC.txt', 'a.com', 80, 'ü.txt')),
    ],
)  # fmt: skip
def test_what_is_taken_is_written_in_one_way(typed: str, link: Link) -> None:
    assert links.read(typed) == link
    assert links.read(link.url) == link


class Elsewhere:
    """A server, and the names that lead to it."""

    def __init__(self, *addresses: str, status: int = 200, **headers: str) -> None:
        self.addresses = addresses
        self.asked: list[httpx.Request] = []
        self.answer = (status, {name.replace('_', '-'): value for name, value in headers.items()})

    async def resolve(self, host: str, port: int) -> list[Address]:
        if not self.addresses:
            raise socket.gaierror
        return [ip_address(address) for address in self.addresses]

    def serve(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        status, headers = self.answer
        return httpx.Response(status, headers=headers)

    async def check(self) -> Head:
        return await Links(self.resolve, httpx.MockTransport(self.serve)).check(LINK)


@pytest.mark.parametrize('addresses', [['127.0.0.1'], ['8.8.8.8', '10.0.0.1'], ['2606:4700::1111', '::1']])
async def test_a_name_that_leads_to_a_private_address_is_not_even_asked(addresses: list[str]) -> None:
    elsewhere = Elsewhere(*addresses)
    with pytest.raises(Refused, match='link_refused'):
        await elsewhere.check()
    assert not elsewhere.asked


async def test_the_very_address_that_was_looked_up_is_asked_for_no_more_than_its_head() -> None:
    elsewhere = Elsewhere('8.8.8.8', content_type='image/png; x=1', content_length='4711')
    assert await elsewhere.check() == Head('image/png', 4711)
    (asked,) = elsewhere.asked
    assert (asked.method, asked.url.host, asked.headers['host']) == ('HEAD', '8.8.8.8', 'files.example.com')
    assert asked.extensions['sni_hostname'] == 'files.example.com'
    assert 'authorization' not in asked.headers


@pytest.mark.parametrize('status', [301, 302, 303, 307, 308])
async def test_what_sends_on_is_refused_wherever_to(status: int) -> None:
    with pytest.raises(Refused, match='link_sends_on'):
        await Elsewhere('8.8.8.8', status=status, location='http://169.254.169.254/').check()


@pytest.mark.parametrize('elsewhere', [Elsewhere(), Elsewhere('8.8.8.8', status=404), Elsewhere('8.8.8.8', status=410)])
async def test_what_is_not_there_is_refused(elsewhere: Elsewhere) -> None:
    with pytest.raises(Refused, match='link_unreachable'):
        await elsewhere.check()


async def test_a_server_that_does_not_tell_its_head_may_have_the_file() -> None:
    assert await Elsewhere('8.8.8.8', status=405).check() == Head()
    assert await Elsewhere('8.8.8.8', content_length='-1').check() == Head()


async def test_a_name_without_an_end_is_waited_for_no_longer_than_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, 'PATIENCE', 0.01)

    async def never(host: str, port: int) -> list[Address]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(Refused, match='link_unreachable'):
        await Links(never).check(LINK)


@pytest.mark.parametrize(
    ('types', 'name', 'kind'),
    [
        (('image', 'document'), 'a.png', 'image'),
        (('image', 'document'), 'a.pdf', 'document'),
        (('image',), 'files.example.com', 'image'),
        (('image', 'document'), 'files.example.com', None),
        (('document',), 'a.png', None),
        (('custom',), 'a.dwg', 'custom'),
    ],
)
def test_its_kind_follows_from_its_name(types: tuple[str, ...], name: str, kind: str | None) -> None:
    uploads = Uploads(is_enabled=True, types=types, methods=('remote_url',), extensions=('.dwg',))
    if kind:
        assert admit_link(uploads, name) == kind
        return
    with pytest.raises(Refused, match='file_kind'):
        admit_link(uploads, name)


def test_an_app_that_takes_no_links_gets_none() -> None:
    with pytest.raises(Refused, match='upload_off'):
        admit_link(Uploads(is_enabled=True, types=('image',), methods=('local_file',)), 'a.png')


def test_a_page_is_no_picture() -> None:
    assert not fits('image', 'text/html')
    assert fits('image', 'image/png')
    assert fits('image', 'application/octet-stream')
    assert fits('document', 'text/html')
