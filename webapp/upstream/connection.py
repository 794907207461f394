"""HTTP with Dify's manners: what is waited for, what is repeated, what is read, and which error it becomes."""

import asyncio
import random
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from webapp.errors import Unreachable, UpstreamError
from webapp.upstream import keys
from webapp.upstream.faults import Faults
from webapp.upstream.health import Health
from webapp.upstream.limits import MAX_ERROR, MAX_JSON, TimeLimits
from webapp.upstream.payload import Payload, dump, parse
from webapp.upstream.transport import choose

BUSY_REPEATS = 2
PIECE = 64 * 1024  # bytes
NO_COOKIES = DefaultCookiePolicy(allowed_domains=())  # all people share one client: nothing may stick between calls


@dataclass(frozen=True, slots=True)
class Answer:
    """The open answer of a call that was not refused."""

    status: int
    media_type: str  # without parameters, lower case
    size: int | None  # bytes, if said
    body: AsyncIterator[bytes]

    async def read(self, limit: int = MAX_JSON) -> bytes:
        """The whole body. :raises Unreachable: longer than `limit`"""
        data = bytearray()
        async for piece in self.body:
            data += piece
            if len(data) > limit:
                raise Unreachable('bad_gateway', f'an answer of more than {limit} bytes')
        return bytes(data)


class Connection:
    """One app's way to the Service API. The key goes into one header and nowhere else."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        limits: TimeLimits,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        health: Health,
    ) -> None:
        key = keys.checked(api_key)
        self.base_url = base_url
        self.health = health
        self.faults = Faults(key, urlsplit(base_url).netloc, urlsplit(base_url).hostname or '')
        self.limits = limits
        self._http = httpx.AsyncClient(
            headers={
                'Authorization': f'Bearer {key}',
                'Accept-Encoding': 'identity',  # compressing proxies hold tokens back
            },
            timeout=httpx.Timeout(None, connect=limits.connect),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=4, keepalive_expiry=limits.keepalive),
            follow_redirects=False,
            transport=transport or choose(base_url, limits.keepalive),
        )
        self._http.cookies.jar.set_policy(NO_COOKIES)

    async def aclose(self) -> None:
        await self._http.aclose()

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        wait: float,
        json: object = None,
        with_key: bool = True,
        **content: Any,
    ) -> AsyncIterator[Answer]:
        """Ask, and hold the answer open.

        :param path: behind the base URL, or a whole URL
        :param wait: seconds until the answer's head must be there
        :raises UpstreamError: refused
        :raises Unreachable: no connection, no answer in time, or not Dify's language
        """
        if json is not None:
            content |= {'content': dump(json), 'headers': {'Content-Type': 'application/json'}}
        url = path if '://' in path else self.base_url + path
        pauses = self._pauses()
        while True:
            request = self._request(method, url, **content)
            if not with_key:
                del request.headers['Authorization']
            response = await self._send(request, wait)
            try:
                if response.is_success:
                    yield self._answer(response)
                    return
                error = await self._refusal(response)
            finally:
                await response.aclose()
            if error.code != 'too_busy' or (pause := next(pauses, None)) is None:
                raise error
            await asyncio.sleep(min(error.retry_after or pause, self.limits.busy_pause_at_most))

    async def call(
        self, method: str, path: str, *, wait: float | None = None, is_courtesy: bool = False, **content: Any
    ) -> Payload:
        """Ask for a JSON object; {} when there is nothing to say.

        :param is_courtesy: what comes of it says nothing about how upstream is doing
        :raises UpstreamError: see `open`
        """
        wait = wait or self.limits.call
        with nullcontext() if is_courtesy else self._noted():
            with self.in_our_words():
                async with asyncio.timeout(wait + self.limits.busy_pause_at_most * BUSY_REPEATS):
                    async with self.open(method, path, wait=wait, **content) as answer:
                        body = await answer.read()
            if not body.strip():
                return {}
            if (payload := parse(body)) is None:
                raise Unreachable(
                    'bad_gateway', f'{answer.media_type or "an answer"} in place of JSON', status=answer.status
                )
            return payload

    @asynccontextmanager
    async def download(
        self, method: str, path: str, *, is_courtesy: bool = False, **content: Any
    ) -> AsyncIterator[Answer]:
        """Like `open`, for bytes that are passed on: whoever reads them gets our errors too."""
        with nullcontext() if is_courtesy else self._noted():
            async with self.open(method, path, **content) as answer:
                yield replace(answer, body=self._lively(answer.body))

    async def _lively(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        while True:
            with self.in_our_words(on_timeout='stream_silent'):
                async with asyncio.timeout(self.limits.silence):
                    piece = await anext(body, b'')
            if not piece:
                return
            yield piece

    def _request(self, method: str, url: str, **content: Any) -> httpx.Request:
        """:raises UpstreamError: an id or address in it is longer than any that leads somewhere"""
        try:
            return self._http.build_request(method, url, **content)
        except httpx.InvalidURL as error:
            raise UpstreamError('not_found', str(error), status=404) from error

    async def _send(self, request: httpx.Request, wait: float) -> httpx.Response:
        """A GET is asked again when a kept connection turns out to be closed; anything else might happen twice."""
        if self._http.is_closed:  # pages may ask to the last
            raise Unreachable(detail='we have hung up')
        with self.in_our_words():
            async with asyncio.timeout(wait):
                if request.method == 'GET':
                    with suppress(httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                        return self._heard(await self._http.send(request, stream=True))
                return self._heard(await self._http.send(request, stream=True))

    def _heard(self, response: httpx.Response) -> httpx.Response:
        self.health.note_version(response.headers.get('x-version', ''))
        return response

    async def _refusal(self, response: httpx.Response) -> UpstreamError:
        """The error, with as much of its text as comes in time."""
        body = bytearray()
        with suppress(TimeoutError, httpx.HTTPError, Unreachable):
            async with asyncio.timeout(self.limits.call):
                async for piece in self._answer(response).body:
                    body += piece
                    if len(body) > MAX_ERROR:
                        break
        return self.faults.refusal(response.status_code, response.headers, bytes(body))

    def _answer(self, response: httpx.Response) -> Answer:
        coding = response.headers.get('content-encoding', '').strip().lower() or 'identity'
        if coding not in {'identity', 'gzip', 'x-gzip', 'deflate'}:
            raise Unreachable('bad_gateway', f'compressed with {coding[:20]}, which was not asked for')
        size = response.headers.get('content-length', '')
        is_plain = coding == 'identity'
        return Answer(
            status=response.status_code,
            media_type=response.headers.get('content-type', '').partition(';')[0].strip().lower()[:100],
            size=int(size) if is_plain and size.isascii() and size.isdigit() else None,
            body=response.aiter_raw() if is_plain else _inflated(response),
        )

    def _pauses(self) -> Iterator[float]:
        """Seconds before each repetition: doubling, and not in step with everybody else who was refused."""
        for repeat in range(BUSY_REPEATS):
            yield self.limits.busy_pause * 2**repeat * random.uniform(0.5, 1.5)  # noqa: S311  no secret

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Note what the call inside comes to. Of an answer that is being written, its end is noted by who sees it."""
        try:
            yield
        except UpstreamError as error:
            self.health.note(error.code)
            raise
        self.health.note()

    @contextmanager
    def in_our_words(self, on_timeout: str = 'first_byte_timeout') -> Iterator[None]:
        """What the network does, as errors of ours."""
        try:
            yield
        except TimeoutError:
            raise Unreachable(on_timeout) from None
        except httpx.HTTPError as error:
            raise self.faults.unreachable(error) from error


def segment(id_: str) -> str:
    """An id as one segment of a path. :raises UpstreamError: nothing can have that id"""
    if id_.strip('.') == '':
        raise UpstreamError('not_found', 'no id', status=404)
    return quote(id_, safe='')


def given(params: Mapping[str, object]) -> dict[str, Any]:
    """The parameters that are not blank."""
    return {key: value for key, value in params.items() if value not in {'', None}}


async def _inflated(response: httpx.Response) -> AsyncIterator[bytes]:
    """A body that was compressed unasked, in pieces of bounded size however much a byte grows."""
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    async for piece in response.aiter_raw():
        rest = piece
        while rest and not inflater.eof:
            try:
                plain = inflater.decompress(rest, PIECE)
            except zlib.error as error:
                raise httpx.DecodingError(str(error), request=response.request) from None
            rest = inflater.unconsumed_tail
            if plain:
                yield plain
