"""The composition root: everything is made here, handed on as values, and nowhere else.

This module has what answers requests, `lifetime` what lives behind it, `configured` the apps of the settings.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator
from functools import partial

from fastapi import APIRouter, FastAPI
from nicegui import app as nicegui_app, ui
from starlette.types import ASGIApp

from webapp import edge, health, icons, speaking, transfers
from webapp.app.lifetime import running
from webapp.auth import backchannel, login, logout
from webapp.auth.admission import Admission
from webapp.auth.attempts import Attempts
from webapp.auth.backchannel import Backchannel
from webapp.auth.clients import Clients
from webapp.auth.login import Login
from webapp.auth.logout import Farewell
from webapp.auth.middleware import Visits
from webapp.auth.refreshing import Refreshing
from webapp.auth.sealing import Sealing
from webapp.auth.sessions import Sessions
from webapp.callers import Callers
from webapp.edge.handshakes import guard_sockets
from webapp.edge.site import Site
from webapp.embedding import Embedding, EmbedSessions, Entrance, Pairings, Passes
from webapp.embeds import Embeds
from webapp.errors import ProviderUnavailable
from webapp.exports import (
    audit as audit_export,
    feedback as feedback_export,
    metrics as metrics_export,
    person as person_export,
    usage as usage_export,
)
from webapp.metrics import Metrics
from webapp.settings import DEMO, Settings
from webapp.stopping import Stopping
from webapp.store.database import Store
from webapp.throttle import Throttle
from webapp.ui import entry, leaving, login as login_page, open_pages, persons, refusals, sign_in
from webapp.ui.page import LOGIN
from webapp.ui.pages import (
    admin,
    audit,
    budgets,
    chat,
    embeds as embeds_page,
    feedback as feedback_page,
    feedback_thread,
    me,
    people,
    person,
    usage,
)

RECONNECT_SECONDS = 45  # how long a page whose connection is lost is kept


def build(settings: Settings, stopping: Stopping) -> ASGIApp:
    """The whole server as one ASGI app; opens nothing before its lifespan starts."""
    embeds = Embeds(settings.embeds)
    metrics = Metrics([app.slug for app in settings.apps] or [DEMO])
    store = Store(settings.database_url, on_done=metrics.database)
    sessions = Sessions(
        store,
        secret=settings.secret.get_secret_value(),
        admission=Admission(
            is_local=settings.is_local,
            guests=settings.guests,
            providers=settings.providers,
            admins=settings.admins,
            readers=settings.readers,
            embeds=embeds,
        ),
        secure=settings.is_https,
        idle=settings.session_idle,
        absolute=settings.session_absolute,
        limits=settings.limits,
    )
    clients = Clients(settings.providers)
    sealing = Sealing(settings.secret.get_secret_value())
    refreshing = Refreshing(store, clients, sessions.admission, sealing, on_end=open_pages.close)
    within = EmbedSessions(sessions)
    passes = Passes(within, settings.secret.get_secret_value())
    entrance = Entrance(store, within, Throttle(store, settings.limits), settings.public_url)
    pairings = Pairings(store, within, entrance, Throttle(store, settings.limits), settings.is_https)
    embedding = Embedding(embeds, within, entrance, pairings, passes)
    site = Site.of(settings.public_url, is_local=settings.is_local, port=settings.port)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loops = {'refreshing': refreshing.run}
        alive = running(settings, store, sessions, embedding, stopping, loops=loops, metrics=metrics)
        async with contextlib.aclosing(clients), alive as services:
            metrics.shows(loads=lambda: services.generations.loads, pages=open_pages.count)
            for each in (
                chat,
                me,
                admin,
                usage,
                budgets,
                embeds_page,
                feedback_page,
                feedback_thread,
                people,
                person,
                audit,
            ):
                each.register(services)
            callers = Callers(sessions, passes)
            nicegui_app.include_router(transfers.routes(services.files, callers, passes))
            nicegui_app.include_router(icons.routes(services.apps, sessions))
            nicegui_app.include_router(speaking.routes(services.speech, callers))
            nicegui_app.include_router(sign_in.routes(embedding, sessions, services.apps, brand=settings.branding))
            yield

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(health.routes({'database': store.check, 'server': stopping.check}))
    for routes in _ways_in_and_out(settings, store, sessions, clients, sealing):
        app.include_router(routes)
    app.include_router(entry.routes(entrance, embeds, brand=settings.branding))
    throttle = Throttle(store, settings.limits)
    app.include_router(audit_export.routes(store, sessions, throttle))
    app.include_router(feedback_export.routes(store, sessions, throttle))
    app.include_router(person_export.routes(store, sessions, throttle))
    token = settings.usage_token.get_secret_value()
    app.include_router(usage_export.routes(store, sessions, throttle, token=token))
    app.include_router(metrics_export.routes(metrics, token=settings.metrics_token.get_secret_value()))
    ui.run_with(
        app,
        title=settings.name,
        viewport='width=device-width, initial-scale=1, interactive-widget=resizes-content',
        language='en-US',
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_SECONDS,
        gzip_middleware_factory=None,
        show_welcome_message=False,
    )
    for each in (app, nicegui_app):
        each.router.redirect_slashes = False  # it would lead to http where a proxy speaks https for us
    refusals.install(app, nicegui_app, brand=settings.branding)
    app.add_exception_handler(ProviderUnavailable, login_page.unavailable)
    guard_sockets(
        site.origins,
        same_browser=sessions.same_browser,
        has_room=partial(open_pages.has_room, limits=settings.limits),
    )
    return edge.wrap(
        Visits(app, sessions),
        site,
        is_local=settings.is_local,
        trusted_proxies=settings.trusted_proxies,
        framed={path: embed.origins for embed in embeds for path in (embed.path, embed.chat_path)},
        opened=[embed.sign_in_path for embed in embeds if embed.sign_in],
    )


def _ways_in_and_out(
    settings: Settings, store: Store, sessions: Sessions, clients: Clients, sealing: Sealing
) -> Iterator[APIRouter]:
    attempts = Attempts(store, settings.public_url, settings.is_https)
    ways_in = Login(store, sessions, clients, attempts, sealing, Throttle(store, settings.limits))
    yield login.routes(ways_in, go_on=leaving.to_link, account=persons.ME)
    yield login_page.routes(sessions)
    farewell = Farewell(clients, sealing, home=settings.public_url + LOGIN)
    home = login_page.address(code='signed_out')
    yield logout.routes(sessions, farewell=farewell, on_end=open_pages.close, go_on=leaving.page, home=home)
    yield backchannel.routes(Backchannel(store, clients, Throttle(store, settings.limits), on_end=open_pages.close))
