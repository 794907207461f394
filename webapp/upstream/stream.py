"""Reads one answer's stream to its end, whatever the network does on the way."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx

from webapp.chat.events import Event
from webapp.chat.message import Failure
from webapp.errors import Unreachable
from webapp.upstream.connection import Answer, Connection
from webapp.upstream.faults import Faults
from webapp.upstream.payload import count, parse
from webapp.upstream.reading import Reading
from webapp.upstream.watchdog import Watchdog
from webapp.upstream.wire import whole

STREAMS = {'text/event-stream', 'text/plain', 'application/octet-stream', ''}  # what proxies make of the first
JSON = 'application/json'


async def stream(
    dify: Connection,
    method: str,
    path: str,
    *,
    is_resumed: bool = False,
    expects_speech: bool = False,
    **content: Any,
) -> AsyncGenerator[Event, None]:
    """Ask, and yield the answer's events with exactly one ending. One generator only: each more costs every token.

    :raises UpstreamError: refused before the first event
    """
    limits, clock = dify.limits, asyncio.get_running_loop().time
    deadline = clock() + limits.total
    async with dify.open(method, path, wait=limits.first_byte, **content) as answer:
        if answer.media_type not in STREAMS:
            with dify.in_our_words():
                async with asyncio.timeout(limits.first_byte):
                    events = await _all_at_once(answer, dify.faults)
            for event in events:
                yield event
            return
        reading = Reading(dify.faults, limits, is_resumed=is_resumed, expects_speech=expects_speech)
        failure = Failure('stream_cut')
        watchdog = Watchdog()
        try:
            while not reading.failure:
                until = min(deadline, reading.close_at, clock() + limits.silence)
                chunk = await watchdog.wait(anext(answer.body, b''), until)
                if not chunk:
                    break
                for event in reading.take(chunk, clock()):
                    yield event
        except TimeoutError:
            failure = Failure('took_too_long' if clock() >= deadline else 'stream_silent')
        except httpx.HTTPError as error:
            failure = Failure('stream_cut', dify.faults.unreachable(error).detail)
        finally:
            watchdog.close()
        for event in reading.close(failure, clock()):
            yield event


async def _all_at_once(answer: Answer, faults: Faults) -> list[Event]:
    """A server that answers a stream's request with one JSON object. :raises UpstreamError: it is no answer"""
    if answer.media_type != JSON:
        raise Unreachable('bad_gateway', f'{answer.media_type} in place of a stream', status=answer.status)
    body = await answer.read()
    payload = parse(body) or {}
    if not isinstance(payload.get('answer'), str):
        raise faults.refusal(count(payload, 'status') or 502, {}, body)
    return whole(faults, payload)
