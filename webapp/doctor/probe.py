"""One small question to a server, and what its answer tells of it: time, version, way."""

import asyncio
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from webapp.upstream.address import is_loopback
from webapp.upstream.health import VERSION
from webapp.upstream.payload import mappings, name, parse

SECONDS = 5.0  # for the whole answer
MAX_BODY = 256 * 1024  # bytes
MAX_MODELS = 1000


@dataclass(frozen=True, slots=True)
class Probe:
    status: int
    seconds: float  # of the second answer: the first one pays for the connection
    skew: float | None  # seconds that its clock is ahead of ours
    version: str  # of Dify; '' if it does not tell
    location: str  # where it sends us instead, without a query
    names: frozenset[str]  # of the models of an OpenAI-compatible server


class NoAnswer(Exception):
    def __init__(self, message: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(message)


async def probe(url: str, *, key: str = '') -> Probe:
    """Ask twice. :raises NoAnswer: nobody there, or nobody we can talk to"""
    headers = {'Accept-Encoding': 'identity'} | ({'Authorization': f'Bearer {key}'} if key else {})
    try:
        async with asyncio.timeout(SECONDS):
            async with httpx.AsyncClient(headers=headers, timeout=SECONDS, trust_env=not is_loopback(url)) as http:
                await _ask(http, url)
                return await _ask(http, url)
    except TimeoutError:
        raise NoAnswer(
            f'no answer within {SECONDS:.0f} seconds', 'Is the address right, and does a firewall let us through?'
        ) from None
    except httpx.HTTPError as error:
        raise _no_answer(error) from error


async def _ask(http: httpx.AsyncClient, url: str) -> Probe:
    asked, began = time.time(), time.perf_counter()
    async with http.stream('GET', url) as answer:
        seconds = time.perf_counter() - began
        body = bytearray()
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > MAX_BODY:
                break
    content = parse(bytes(body)) or {}
    version = answer.headers.get('x-version') or name(content, 'server_version')
    return Probe(
        status=answer.status_code,
        seconds=seconds,
        skew=_skew(answer.headers.get('date', ''), asked + seconds / 2),
        version=version if VERSION.fullmatch(version) else '',
        location=_location(url, answer) if answer.has_redirect_location else '',
        names=frozenset(name(row, 'id') for row in mappings(content, 'data', MAX_MODELS)),
    )


def _skew(date: str, now: float) -> float | None:
    try:
        when = parsedate_to_datetime(date)
    except ValueError:
        return None
    return when.replace(tzinfo=when.tzinfo or UTC).timestamp() - now


def _location(url: str, answer: httpx.Response) -> str:
    try:
        target = httpx.URL(url).join(answer.headers['location'])
    except httpx.InvalidURL:
        return 'an address that can not be read'
    return str(target.copy_with(query=None, fragment=None, userinfo=b''))


def _no_answer(error: httpx.HTTPError) -> NoAnswer:  # noqa: PLR0911  one case for each trouble
    causes = list(_causes(error))
    host = urlsplit(str(error.request.url)).hostname
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return NoAnswer(f'nobody knows a host called {host}', 'Correct the name, or mend the name server.')
    if verdict := next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None):
        return NoAnswer(
            f'its certificate is not valid: {verdict.verify_message}',
            'Mend the certificate; for an authority of your own set SSL_CERT_FILE to its certificate.',
        )
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return NoAnswer('it does not speak TLS', 'Is it http in place of https, or another port?')
    if isinstance(error, httpx.TimeoutException):
        return NoAnswer(
            f'no answer within {SECONDS:.0f} seconds', 'Is the address right, and does a firewall let us through?'
        )
    if isinstance(error, httpx.ProxyError):
        return NoAnswer(
            f'the proxy does not let us through: {error}', 'Mend HTTPS_PROXY, or name the host in NO_PROXY.'
        )
    if isinstance(error, httpx.ConnectError):
        return NoAnswer('nobody answers there', 'Is it up, and are host and port right?')
    return NoAnswer(f'what answers there does not speak HTTP ({type(error).__name__})', 'Are host and port right?')


def _causes(error: BaseException | None) -> 'list[BaseException]':
    causes = []
    while error is not None and error not in causes:
        causes.append(error)
        error = error.__cause__ or error.__context__
    return causes
