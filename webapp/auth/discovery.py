"""What an OpenID Connect provider says of itself: its addresses and its keys."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from webapp.auth.id_tokens import UnknownKey
from webapp.auth.keys import Keys
from webapp.auth.wire import Json, Wire
from webapp.errors import ProviderMisconfigured, ProviderUnavailable, SignInFailed
from webapp.upstream.address import is_loopback

WELL_KNOWN = '/.well-known/openid-configuration'
FRESH = 3600.0  # seconds that what it says is taken for true
OLD = 24 * 3600.0  # seconds from when on what it says is asked again before it serves: a key may have been stolen
PAUSE = 60.0  # seconds between two looks for newer keys: anybody may make up a token that names an unknown one

T = TypeVar('T')


@dataclass(frozen=True, slots=True)
class Metadata:
    """Addresses that are '' are not there."""

    issuer: str  # as the provider spells it
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    takes_basic: bool  # the client's secret in a header, else in the form
    names_itself: bool  # says in each answer who it is (RFC 9207)


class Discovery:
    """Of one provider. Asked when somebody wants to know, and remembered; what is old serves while it is asked again.

    :param issuer: as the settings have it
    :param clock: seconds
    """

    def __init__(self, issuer: str, wire: Wire, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._wire = wire
        self._clock = clock
        self._metadata = _Remembered(self._fetch_metadata, clock)
        self._keys = _Remembered(self._fetch_keys, clock)
        self._looked_at = -PAUSE

    async def metadata(self) -> Metadata:
        """:raises ProviderUnavailable, ProviderMisconfigured: see `Wire`; also if it says that it is somebody else"""
        return await self._metadata.get()

    async def keys(self) -> Keys:
        """:raises ProviderUnavailable, ProviderMisconfigured: see `metadata`"""
        return await self._keys.get()

    async def newer_keys(self) -> Keys:
        """The keys as they are now, for a token whose key is unknown; asked at most once a minute."""
        now = self._clock()
        if now - self._looked_at < PAUSE:
            return await self._keys.get()
        self._looked_at = now
        return await self._keys.fetch()

    async def with_keys(self, check: Callable[[Keys], T]) -> T:
        """What `check` gives with the keys; tried once more with newer ones if it misses one.

        :param check: may raise `UnknownKey`
        """
        try:
            return check(await self.keys())
        except UnknownKey:
            return check(await self.newer_keys())

    async def _fetch_metadata(self) -> Metadata:
        return read(self._issuer, await self._wire.get(self._issuer.rstrip('/') + WELL_KNOWN))

    async def _fetch_keys(self) -> Keys:
        return Keys.of(await self._wire.get((await self.metadata()).jwks_uri))


def read(issuer: str, said: Json) -> Metadata:
    """Check what a provider says of itself. :raises ProviderMisconfigured: it can't be relied on"""
    named = said.get('issuer')
    if not isinstance(named, str) or named.rstrip('/') != issuer.rstrip('/'):
        raise ProviderMisconfigured(detail=f'{issuer} says that its issuer is {str(named)[:200]!r}')
    if not named.startswith('https://') and not is_loopback(named):
        raise ProviderMisconfigured(detail=f'{issuer} is not https')
    methods = said.get('token_endpoint_auth_methods_supported')
    return Metadata(
        issuer=named,
        authorization_endpoint=_address(said, 'authorization_endpoint'),
        token_endpoint=_address(said, 'token_endpoint'),
        jwks_uri=_address(said, 'jwks_uri'),
        userinfo_endpoint=_address(said, 'userinfo_endpoint', needed=False),
        end_session_endpoint=_address(said, 'end_session_endpoint', needed=False),
        takes_basic=not isinstance(methods, list) or 'client_secret_basic' in methods,
        names_itself=said.get('authorization_response_iss_parameter_supported') is True,
    )


def _address(said: Json, name: str, *, needed: bool = True) -> str:
    address = said.get(name)
    if address is None and not needed:
        return ''
    try:
        parts = urlsplit(address) if isinstance(address, str) and address.isprintable() else None
        is_fit = parts is not None and bool(parts.hostname) and not parts.fragment
    except ValueError:
        is_fit = False
    if not isinstance(address, str) or not is_fit:
        raise ProviderMisconfigured(detail=f'its {name} is no address')
    is_near = address.startswith('http://') and is_loopback(address) and is_loopback(str(said['issuer']))
    if not address.startswith('https://') and not is_near:
        raise ProviderMisconfigured(detail=f'its {name} is not https')
    return address


class _Remembered(Generic[T]):
    """A value that is fetched when it is needed, by one task for all; who can do with the old one does not wait."""

    def __init__(self, fetch: Callable[[], Awaitable[T]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: tuple[T, float] | None = None
        self._failed_at = -PAUSE
        self._fetching: asyncio.Task[T] | None = None

    async def get(self) -> T:
        if self._known is None:
            return await self.fetch()
        value, at = self._known
        now = self._clock()
        if now - at < FRESH or now - self._failed_at < PAUSE:
            return value
        fetching = self._begin()
        if now - at < OLD:
            return value
        try:
            return await asyncio.shield(fetching)
        except ProviderUnavailable:
            return value

    async def fetch(self) -> T:
        return await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[T]:
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._go())
            self._fetching.add_done_callback(_noticed)
        return self._fetching

    async def _go(self) -> T:
        try:
            value = await self._fetch()
        except SignInFailed:
            self._failed_at = self._clock()
            raise
        self._known = (value, self._clock())
        return value


def _noticed(done: asyncio.Task[T]) -> None:
    """Whoever waited may have gone; what went wrong must not be told as a bug then."""
    if not done.cancelled():
        done.exception()
