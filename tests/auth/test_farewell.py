"""Signing out while the provider is asked where to go on to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx
import pytest
from auth_support import COMPANY, Browser
from fastapi import FastAPI
from issuer import Issuer
from starlette.responses import RedirectResponse

from webapp.auth import logout
from webapp.auth.clients import Clients
from webapp.auth.discovery import WELL_KNOWN
from webapp.auth.logout import Farewell
from webapp.auth.middleware import Visits
from webapp.auth.providers import Provider
from webapp.auth.sealing import Sealing
from webapp.auth.sessions import Sessions
from webapp.auth.wire import Wire
from webapp.principal import Identity

HOME = 'https://chat.example/login'


@pytest.fixture
def company(issuer: Issuer) -> Provider:
    return replace(COMPANY, issuer=issuer.url)


@pytest.fixture
async def clients(company: Provider) -> AsyncIterator[Clients]:
    clients = Clients([company], Wire(20.0))
    yield clients
    await clients.aclose()


async def test_the_session_is_over_before_the_provider_is_asked(
    make: Callable[..., Sessions], issuer: Issuer, company: Provider, clients: Clients
) -> None:
    sessions, told = make(is_local=False, providers=[company]), list[str]()
    browser = Browser(sessions)
    ann = await browser.visit(lambda scope: sessions.sign_in(scope, Identity(issuer.url, 'ann-1', company.name)))
    farewell = Farewell(clients, Sealing('s' * 32), home=HOME)
    app = FastAPI()
    app.include_router(
        logout.routes(
            sessions, farewell=farewell, on_end=told.append, go_on=lambda _, href: RedirectResponse(href), home=HOME
        )
    )
    issuer.answers[WELL_KNOWN] = None  # silence
    transport = httpx.ASGITransport(Visits(app, sessions))
    async with httpx.AsyncClient(transport=transport, base_url='http://chat.example') as http:
        leaving = asyncio.create_task(http.post('/logout', headers={'Cookie': browser.cookie}))
        async with asyncio.timeout(20):
            while not issuer.asked[WELL_KNOWN]:
                await asyncio.sleep(0.01)
        assert not leaving.done()
        assert not await sessions.standing([ann.session_id])
        assert told == []  # its own page has to last until the answer
        answer = await leaving
    assert (answer.status_code, answer.headers['location']) == (303, HOME)
    assert told == [ann.session_id]
