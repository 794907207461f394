"""A small app behind the whole edge, as a process of its own: `python small_app.py FOLDER [--guests] ...`."""

import argparse
import asyncio
import logging
import socket
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from nicegui import app as nicegui_app, ui

from webapp import edge, health, log
from webapp.auth import logout
from webapp.auth.admission import Admission
from webapp.auth.clients import Clients
from webapp.auth.logout import Farewell
from webapp.auth.middleware import Visits
from webapp.auth.providers import Preset, Provider
from webapp.auth.sealing import Sealing
from webapp.auth.sessions import Sessions
from webapp.edge.handshakes import guard_sockets
from webapp.edge.site import Site
from webapp.limits import Limits
from webapp.principal import Principal, Role
from webapp.store.database import Store
from webapp.ui import leaving, open_pages, page as pages, refusals

HOSTILE = '</title><script>window.hacked = 1</script><script nonce="x">window.hacked = 2</script>`${window.hacked = 3}`'

COMPANY = Provider('company', Preset.OIDC, 'Company', 'https://id.example', 'chat', '', ('openid',))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('folder', type=Path)
    parser.add_argument('--public-url', default='')
    parser.add_argument('--guests', action='store_true')
    parser.add_argument('--closed', action='store_true')
    parser.add_argument('--proxy', default='')
    parser.add_argument('--idle', type=float, default=3600.0)
    parser.add_argument('--waiting', type=int, default=pages.MAX_WAITING)
    parser.add_argument('--handshake', type=float, default=60.0)
    parser.add_argument('--pages-per-user', type=int, default=0)
    parser.add_argument('--pages-per-address', type=int, default=0)
    parser.add_argument('--guests-per-minute', type=int, default=0)
    options = parser.parse_args()
    pages.MAX_WAITING = options.waiting
    listener = socket.create_server(('127.0.0.1', 0))
    port = listener.getsockname()[1]
    log.configure(secrets=['top-secret-key'], level=logging.INFO)
    print(port, flush=True)
    config = uvicorn.Config(
        build(options, port), log_config=None, access_log=False, proxy_headers=False, server_header=False,
        loop='uvloop', http='httptools', ws_max_size=1_048_576,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listener])


def build(options: argparse.Namespace, port: int) -> object:
    public_url = options.public_url or f'http://127.0.0.1:{port}'
    is_local = not (options.guests or options.closed)
    store = Store(f'sqlite:///{options.folder}/small.db')
    store.migrate()
    limits = Limits(
        sockets_per_user=options.pages_per_user,
        sockets_per_address=options.pages_per_address,
        guests_per_minute=options.guests_per_minute,
    )
    sessions = Sessions(
        store,
        secret='s' * 32,
        admission=Admission(is_local=is_local, guests=options.guests, providers=[COMPANY] if options.closed else []),
        secure=public_url.startswith('https'),
        idle=timedelta(seconds=options.idle),
        limits=limits,
    )
    site = Site.of(public_url, is_local=is_local, port=port)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(health.routes({'database': store.check}))
    farewell = Farewell(Clients(()), Sealing('s' * 32), home=f'{public_url}/login')
    app.include_router(
        logout.routes(sessions, farewell=farewell, on_end=open_pages.close, go_on=leaving.page, home='/login')
    )
    routes(app)
    declare(sessions)
    refusals.install(app, nicegui_app)
    ui.run_with(app, tailwind=False, gzip_middleware_factory=None, reconnect_timeout=5, show_welcome_message=False)
    guard_sockets(
        site.origins,
        same_browser=sessions.same_browser,
        has_room=partial(open_pages.has_room, limits=limits),
        handshake_seconds=options.handshake,
    )
    return edge.wrap(
        Visits(app, sessions),
        site,
        is_local=is_local,
        trusted_proxies=[ip_network(options.proxy)] if options.proxy else [],
        bodies={'/uploads': 1_000_000},
        body_silence=2,
    )


def declare(sessions: Sessions) -> None:
    @pages.page('/')
    async def home(principal: Principal, q: str = '') -> None:
        label = ui.label('0').props('data-testid=count')

        async def count() -> None:
            label.text = str(int(label.text) + 1)
            logging.getLogger('small').info('clicked')
            await sessions.still(principal)

        ui.button('count', on_click=count).props('data-testid=button')
        ui.label(q).props('data-testid=query')
        ui.label(f'{principal.user_id} {principal.role}').props('data-testid=who')

    @pages.page('/hostile', title=HOSTILE)
    async def hostile() -> None:
        ui.label(HOSTILE)
        ui.html(
            '<img src="/nothing" onerror="window.hacked = 4"><i onclick="window.hacked = 5">inline</i>', sanitize=False
        )
        ui.label(HOSTILE).props(f'title="{HOSTILE.replace(chr(34), "&quot;")}"')
        ui.button('still alive', on_click=lambda: ui.run_javascript('document.title = "alive"'))

    @pages.page('/admin', role=Role.ADMIN)
    async def admin() -> None:
        ui.label('all about everybody')

    @ui.page('/login')
    def login() -> None:
        ui.label('Log in')


def routes(app: FastAPI) -> None:
    @app.post('/echo')
    @app.post('/uploads')
    async def echo(request: Request) -> JSONResponse:
        return JSONResponse({'bytes': len(await request.body())})

    @app.post('/form')
    async def form(request: Request) -> JSONResponse:
        return JSONResponse({'fields': len(await request.form())})

    @app.get('/client')
    async def client(request: Request) -> JSONResponse:
        logging.getLogger('small').info('the key is top-secret-key')
        seen = {name: value for name, value in request.headers.items() if 'forward' in name}
        return JSONResponse({'client': request.client and request.client.host, 'forwarded': seen})

    @app.get('/bug')
    async def bug() -> None:
        raise RuntimeError('very private')

    @app.get('/text')
    async def text() -> PlainTextResponse:
        return PlainTextResponse('A line of text that repeats itself.\n' * 1000, headers={'ETag': '"one"'})

    @app.get('/live')
    async def live() -> StreamingResponse:
        async def events() -> object:
            for number in range(3):
                yield f'data: {number}\n\n'
                await gate.wait()

        gate = asyncio.Event()
        asyncio.get_running_loop().call_later(2, gate.set)
        return StreamingResponse(events(), media_type='text/event-stream')

    @app.get('/rows')
    async def rows() -> StreamingResponse:
        async def lines() -> object:
            for number in range(3):
                yield f'{number};a row of an export\n' * 20
                await gate.wait()

        gate = asyncio.Event()
        asyncio.get_running_loop().call_later(2, gate.set)
        return StreamingResponse(lines(), media_type='text/csv')


main()
