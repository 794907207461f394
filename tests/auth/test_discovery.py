"""What is asked of a provider, how often, and what is not believed."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from issuer import KEYS, Issuer
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from webapp.auth import discovery
from webapp.auth.discovery import WELL_KNOWN, Discovery
from webapp.auth.wire import MAX_ANSWER, Wire
from webapp.errors import ProviderMisconfigured, ProviderUnavailable


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire(seconds=1.0)
    yield wire
    await wire.aclose()


async def test_a_provider_is_asked_once_for_all_who_wait_and_then_remembered(issuer: Issuer, wire: Wire) -> None:
    found = Discovery(issuer.url, wire)
    answers = await asyncio.gather(*(found.metadata() for _ in range(20)), *(found.keys() for _ in range(20)))
    assert answers[0].token_endpoint == f'{issuer.url}/token'
    assert [key.kid for key in answers[20].keys] == ['first']
    assert (issuer.asked[WELL_KNOWN], issuer.asked['/keys']) == (1, 1)


async def test_what_is_old_serves_at_once_while_it_is_asked_again(issuer: Issuer, wire: Wire) -> None:
    now = 0.0
    found = Discovery(issuer.url, wire, clock=lambda: now)
    first = await found.metadata()
    now = discovery.FRESH + 1
    issuer.answers[WELL_KNOWN] = None  # silence
    async with asyncio.timeout(0.9):  # less than it takes to give up
        assert [await found.metadata() for _ in range(20)] == [first] * 20
    await _all_done()
    assert issuer.asked[WELL_KNOWN] == 2
    issuer.answers.clear()
    issuer.metadata = {'token_endpoint': f'{issuer.url}/other'}
    now += discovery.PAUSE - 1
    assert await found.metadata() == first
    assert issuer.asked[WELL_KNOWN] == 2
    now += 1
    assert await found.metadata() == first
    await _all_done()
    assert (await found.metadata()).token_endpoint == f'{issuer.url}/other'
    assert issuer.asked[WELL_KNOWN] == 3


async def test_what_is_a_day_old_is_asked_again_first_and_serves_if_nobody_answers(issuer: Issuer, wire: Wire) -> None:
    now = 0.0
    found = Discovery(issuer.url, wire, clock=lambda: now)
    first = await found.keys()
    now = discovery.OLD
    issuer.published = KEYS['second']
    assert [key.kid for key in (await found.keys()).keys] == ['second'] != [key.kid for key in first.keys]
    now += discovery.OLD
    issuer.answers['/keys'] = Response(status_code=500)
    assert [key.kid for key in (await found.keys()).keys] == ['second']
    assert [key.kid for key in (await found.keys()).keys] == ['second']
    assert issuer.asked['/keys'] == 3


async def test_whoever_was_never_reached_is_asked_each_time(issuer: Issuer, wire: Wire) -> None:
    found = Discovery(issuer.url, wire)
    issuer.answers[WELL_KNOWN] = Response(status_code=500)
    with pytest.raises(ProviderUnavailable):
        await found.metadata()
    issuer.answers.clear()
    assert await found.metadata()


async def test_newer_keys_are_looked_for_now_and_then_whatever_anybody_makes_up(issuer: Issuer, wire: Wire) -> None:
    now = 0.0
    found = Discovery(issuer.url, wire, clock=lambda: now)
    await found.keys()
    issuer.published = KEYS['second']
    for _ in range(50):
        assert [key.kid for key in (await found.newer_keys()).keys] == ['second']
    assert issuer.asked['/keys'] == 2
    now = discovery.PAUSE
    await found.newer_keys()
    assert issuer.asked['/keys'] == 3


async def test_the_issuer_counts_as_the_provider_spells_it(issuer: Issuer, wire: Wire) -> None:
    issuer.metadata = {'issuer': f'{issuer.url}/'}
    assert (await Discovery(issuer.url, wire).metadata()).issuer == f'{issuer.url}/'


@pytest.mark.parametrize(
    'metadata',
    [
        {'issuer': 'https://evil.example'},
        {'issuer': None},
        {'issuer': ['x']},
        {'issuer': 'http://127.0.0.1'},
        {'token_endpoint': None},
        {'token_endpoint': 7},
        {'token_endpoint': 'http://id.example/token'},
        {'token_endpoint': 'token'},
        {'token_endpoint': 'https:///token'},
        {'token_endpoint': 'https://id.example\n/token'},
        {'token_endpoint': 'https://[id/token'},
        {'authorization_endpoint': 'javascript:alert(1)'},
        {'authorization_endpoint': 'http://id.example'},
        {'jwks_uri': 'file:///etc/passwd'},
        {'userinfo_endpoint': 'http://id.example'},
        {'end_session_endpoint': 'data:text/html,x'},
    ],
)
async def test_a_provider_that_says_what_can_not_be_is_not_relied_on(
    issuer: Issuer, wire: Wire, metadata: dict[str, object]
) -> None:
    issuer.metadata = metadata
    with pytest.raises(ProviderMisconfigured) as refused:
        await Discovery(issuer.url, wire).metadata()
    assert refused.value.detail


def test_only_a_provider_on_this_computer_may_do_without_https() -> None:
    near = {'authorization_endpoint': 'http://127.0.0.1/a', 'token_endpoint': 'https://x/t', 'jwks_uri': 'https://x/k'}
    with pytest.raises(ProviderMisconfigured):
        discovery.read('https://id.example', {'issuer': 'https://id.example', **near})
    with pytest.raises(ProviderMisconfigured):
        discovery.read('http://id.example', {'issuer': 'http://id.example', **near})
    assert discovery.read('http://127.0.0.1', {'issuer': 'http://127.0.0.1', **near})


@pytest.mark.parametrize(
    ('answer', 'kind'),
    [
        (HTMLResponse('<h1>Not here</h1>'), ProviderMisconfigured),
        (Response(status_code=404), ProviderMisconfigured),
        (JSONResponse([1]), ProviderMisconfigured),
        (JSONResponse({'x': 'y' * MAX_ANSWER}), ProviderMisconfigured),
        (Response(b'[' * 100_000), ProviderMisconfigured),
        (RedirectResponse('https://evil.example/'), ProviderMisconfigured),
        (Response(b'{}', headers={'Content-Encoding': 'gzip'}), ProviderUnavailable),
        (JSONResponse({}, 503), ProviderUnavailable),
        (JSONResponse({}, 429), ProviderUnavailable),
        (None, ProviderUnavailable),
    ],
)
async def test_answers_that_are_none(issuer: Issuer, wire: Wire, answer: Response | None, kind: type) -> None:
    issuer.answers[WELL_KNOWN] = answer
    with pytest.raises(kind) as refused:
        await Discovery(issuer.url, wire).metadata()
    assert refused.value.detail.startswith(f'{issuer.url}{WELL_KNOWN}')


async def test_nobody_there() -> None:
    wire = Wire()
    with pytest.raises(ProviderUnavailable):
        await Discovery('http://127.0.0.1:1', wire).metadata()
    await wire.aclose()


async def _all_done() -> None:
    """Whatever goes on beside the test has come to its end."""
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
