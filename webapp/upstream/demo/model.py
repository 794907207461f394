"""A language model behind an OpenAI-compatible server, such as Ollama or vLLM: asked, and heard as it speaks."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from webapp.upstream.frames import Frames
from webapp.upstream.payload import Payload, clean_text, count, mapping, mappings, parse, text
from webapp.upstream.transport import choose

MOST_BYTES = 64 * 1024 * 1024  # of one answer, with everything around its words
MOST_ERROR = 64 * 1024
MOST_DETAIL = 300  # characters of the server's own words
CONNECT_SECONDS = 10
KEEPALIVE_SECONDS = 1.5
DONE = b'[DONE]'
NO_WAY = 'Connection error: the model server can not be reached, or hung up.'

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Relay:
    """Where the model is."""

    base_url: str  # what `/chat/completions` is appended to
    model: str
    api_key: str = field(default='', repr=False)
    silence: float = 300.0  # seconds without a byte after which we give up; a local model may be loaded first

    @property
    def host(self) -> str:
        """What people may see of the address."""
        return urlsplit(self.base_url).netloc


@dataclass(frozen=True, slots=True)
class Delta:
    """The next words of the answer, or of the reasoning before it."""

    text: str = ''
    thought: str = ''


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens, as the server counts them; None where it says nothing."""

    prompt: int | None
    completion: int | None


class ModelError(Exception):
    """The model did not answer, or not to the end. The message is for the log and for admins."""


class Model:
    """One model, with connections of its own. Closed by `aclose`."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        headers = {'Accept-Encoding': 'identity'}  # compressing proxies hold tokens back
        if relay.api_key:
            headers['Authorization'] = f'Bearer {relay.api_key}'
        self._http = httpx.AsyncClient(
            base_url=relay.base_url,
            headers=headers,
            timeout=httpx.Timeout(relay.silence, connect=CONNECT_SECONDS),
            follow_redirects=False,  # the key is for this address only
            transport=choose(relay.base_url, KEEPALIVE_SECONDS),
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    async def answer(self, messages: Sequence[Message]) -> AsyncGenerator[Delta | Counted, None]:
        """Say `messages`, and pass on the answer as it comes. Closing the generator hangs up.

        :raises ModelError: refused, unreachable, silent, or broken off

        Source: `POST /chat/completions` with `stream` and `stream_options.include_usage`.
        """
        is_over = False
        try:
            async with self._asked(messages) as response:
                async for data in _events(response):
                    if data == DONE:
                        return
                    chunk = parse(data)
                    if chunk is None:
                        raise ModelError('The model server sent something unreadable.')
                    if error := self._said(chunk):
                        raise ModelError(f'The model broke off: {error}')
                    for delta in _deltas(chunk):
                        yield delta
                    is_over = is_over or any(choice.get('finish_reason') for choice in mappings(chunk, 'choices', 1))
        except httpx.ConnectTimeout as error:  # the transport calls every broken connection so
            raise ModelError(NO_WAY) from error
        except httpx.TimeoutException as error:
            raise ModelError('The model did not answer in time.') from error
        except httpx.HTTPError as error:
            raise ModelError(NO_WAY) from error
        if not is_over:
            raise ModelError('Connection error: the model broke off in the middle.')

    @asynccontextmanager
    async def _asked(self, messages: Sequence[Message]) -> AsyncIterator[httpx.Response]:
        """The open answer; asked for again without its figures where a server refuses to give them."""
        body = {'model': self.relay.model, 'messages': messages, 'stream': True}
        options: tuple[Message, ...] = ({'stream_options': {'include_usage': True}}, {})
        for option in options:
            async with self._http.stream('POST', '/chat/completions', json=body | option) as response:
                if response.is_success:
                    yield response
                    return
                refusal = await self._refusal(response)
            if not (option and 'stream_options' in str(refusal)):
                raise refusal

    async def _refusal(self, response: httpx.Response) -> ModelError:
        """The error that a refusal becomes, in the words that Dify has for the usual ones."""
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MOST_ERROR:
                break
        said = self._said(parse(bytes(body)) or {}) or response.reason_phrase
        match response.status_code:
            case 401 | 403:
                return ModelError('Incorrect API key provided')
            case 404:
                return ModelError(f'Model {self.relay.model} not found: {said}')
            case 429:
                return ModelError(f'Rate limit reached for requests: {said}')
            case status:
                return ModelError(f'API request failed with status code {status}: {said}')

    def _said(self, payload: Payload) -> str:
        """The server's own words about an error, on one short line and without the key; '' if there is none."""
        error = payload.get('error') or (payload.get('message') if payload.get('object') == 'error' else None)
        words = error if isinstance(error, str) else text(mapping(payload, 'error'), 'message')
        words = words or (text(payload, 'detail') if 'choices' not in payload else '')
        if not words:
            return 'no reason given' if error else ''
        if self.relay.api_key:
            words = words.replace(self.relay.api_key, '…')
        return clean_text(' '.join(words.split()))[:MOST_DETAIL]


async def _events(response: httpx.Response) -> AsyncIterator[bytes]:
    """The data of each event; a server that does not stream gives its answer whole, as the only one."""
    frames, size = Frames(), 0
    media_type = response.headers.get('content-type', '').partition(';')[0].strip().lower()
    if media_type not in {'text/event-stream', 'application/json'}:
        raise ModelError(f'The model server answers with {media_type[:60] or "nothing"} in place of a stream.')
    whole = bytearray()
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > MOST_BYTES or frames.skipped:
            raise ModelError('The model says too much.')
        if media_type == 'application/json':
            whole += piece
            continue
        for data in frames.feed(piece):
            yield data
    for data in [bytes(whole)] if whole else frames.close():
        yield data


def _deltas(chunk: Payload) -> Iterator[Delta | Counted]:
    """Servers agree on no name for reasoning; those that count in every chunk mean the last one."""
    for choice in mappings(chunk, 'choices', 1):
        said = mapping(choice, 'delta') or mapping(choice, 'message')
        if thought := text(said, 'reasoning_content') or text(said, 'reasoning'):
            yield Delta(thought=thought)
        if words := text(said, 'content') or text(said, 'refusal'):
            yield Delta(words)
    if usage := mapping(chunk, 'usage'):
        yield Counted(count(usage, 'prompt_tokens'), count(usage, 'completion_tokens'))
