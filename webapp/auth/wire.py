"""HTTP with those who vouch for people: short answers in JSON, in time, from nobody else."""

import asyncio
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx
import orjson

from webapp.errors import ProviderMisconfigured, ProviderUnavailable

SECONDS = 10.0  # for a whole exchange
MAX_ANSWER = 512 * 1024  # bytes
BUSY = {408, 425, 429}
NO_COOKIES = DefaultCookiePolicy(allowed_domains=())

Json = dict[str, Any]


class Wire:
    """One for all providers. Follows no redirect: what is asked for may hold secrets, and answers decide who gets in.

    :param seconds: time limit of one exchange
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        # uncompressed: a little that becomes a lot would be unpacked before it is counted
        headers = {'Accept': 'application/json', 'Accept-Encoding': 'identity'}
        self._http = httpx.AsyncClient(timeout=seconds, follow_redirects=False, headers=headers)
        self._http.cookies.jar.set_policy(NO_COOKIES)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def get(self, url: str, *, bearer: str = '') -> Json:
        """A JSON object. :raises ProviderUnavailable, ProviderMisconfigured: there is none"""
        return _object(url, await self._ask('GET', url, headers=_authorization(bearer)))

    async def get_list(self, url: str, *, bearer: str = '') -> list[Any]:
        """A JSON list. :raises ProviderUnavailable, ProviderMisconfigured: there is none"""
        found = await self._ask('GET', url, headers=_authorization(bearer))
        if not isinstance(found, list):
            raise ProviderMisconfigured(detail=f'{_place(url)} answers with no list')
        return found

    async def post(self, url: str, body: str, headers: dict[str, str]) -> Json:
        """Send a form; a JSON object, also where it tells of an error (`error` in it).

        :raises ProviderUnavailable, ProviderMisconfigured: there is none
        """
        headers = {'Content-Type': 'application/x-www-form-urlencoded', **headers}
        return _object(url, await self._ask('POST', url, content=body.encode(), headers=headers))

    async def _ask(self, method: str, url: str, **content: Any) -> object:
        try:
            async with asyncio.timeout(self._seconds), self._http.stream(method, url, **content) as answer:
                status, body = answer.status_code, await _read(url, answer)
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise ProviderUnavailable(detail=f'{_place(url)}: {error or type(error).__name__}') from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ProviderMisconfigured(detail=f'{_place(url)} is no address') from error
        if status in BUSY or status >= 500:
            raise ProviderUnavailable(detail=f'{_place(url)} answers {status}')
        parsed = _parse(body)
        refused = status >= 400 and not (isinstance(parsed, dict) and 'error' in parsed)
        if parsed is None or refused or 300 <= status < 400:
            kind = answer.headers.get('Content-Type', 'nothing').partition(';')[0][:50]
            raise ProviderMisconfigured(detail=f'{_place(url)} answers {status} with {kind}')
        return parsed


async def _read(url: str, answer: httpx.Response) -> bytes:
    data = bytearray()
    async for piece in answer.aiter_bytes():
        data += piece
        if len(data) > MAX_ANSWER:
            raise ProviderMisconfigured(detail=f'{_place(url)} answers with more than {MAX_ANSWER} bytes')
    return bytes(data)


def _parse(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _object(url: str, found: object) -> Json:
    if not isinstance(found, dict):
        raise ProviderMisconfigured(detail=f'{_place(url)} answers with no JSON object')
    return found


def _authorization(bearer: str) -> dict[str, str]:
    return {'Authorization': f'Bearer {bearer}'} if bearer else {}


def _place(url: str) -> str:
    """An address as it may be logged."""
    return url.partition('?')[0][:200]
