"""The composition root: everything is made here, handed on as values, and nowhere else."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial

from fastapi import APIRouter, FastAPI
from nicegui import app as nicegui_app, ui
from starlette.types import ASGIApp

from webapp import clock, edge, health, icons, speaking, transfers
from webapp.apps import App, Apps
from webapp.auth import backchannel, login, logout
from webapp.auth.admission import Admission
from webapp.auth.attempts import Attempts
from webapp.auth.backchannel import Backchannel
from webapp.auth.clients import Clients
from webapp.auth.login import Login
from webapp.auth.logout import Farewell
from webapp.auth.middleware import Visits
from webapp.auth.reassessment import reassess
from webapp.auth.refreshing import Refreshing
from webapp.auth.sealing import Sealing
from webapp.auth.sessions import Sessions
from webapp.auth.watch import Watch
from webapp.background import supervised
from webapp.budgets import Budgets
from webapp.callers import Callers
from webapp.changes import Changes
from webapp.comparison import Comparison
from webapp.deletions import Deletions
from webapp.edge.handshakes import guard_sockets
from webapp.edge.site import Site
from webapp.embedding import Embedding, EmbedSessions, Entrance, Pairings, Passes
from webapp.embeds import Embeds
from webapp.errors import ProviderUnavailable, StoreUnavailable, UpstreamError
from webapp.exports import (
    audit as audit_export,
    feedback as feedback_export,
    metrics as metrics_export,
    person as person_export,
    usage as usage_export,
)
from webapp.feedback import Feedback
from webapp.feedback_list import FeedbackList
from webapp.files import Files, Links
from webapp.forgetting import Forgetting
from webapp.generations import Generations
from webapp.metrics import Metrics
from webapp.notices import Notices
from webapp.principal import Role
from webapp.retention import Retention
from webapp.services import Services
from webapp.settings import DEMO, Settings
from webapp.speech import Speech
from webapp.stopping import Stopping
from webapp.store import (
    deletions as deletions_store,
    embeds as embeds_store,
    limits,
    logins,
    notices as notices_store,
    pairings as pairings_store,
    people as people_store,
)
from webapp.store.database import Store
from webapp.suggestions import Suggestions
from webapp.throttle import Throttle
from webapp.titles import Titles
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
from webapp.upstream import demo
from webapp.upstream.client import DifyClient
from webapp.upstream.health import Health
from webapp.upstream.limits import TimeLimits

logger = logging.getLogger(__name__)

Loop = Callable[[], Awaitable[object]]

RECONNECT_SECONDS = 45  # how long a page whose connection is lost is kept
PURGE_SECONDS = 3600
GUESTS_STAY = timedelta(days=1)  # after they were last seen, if they have left nothing
DEMO_KEY = 'demo'


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


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    store: Store,
    sessions: Sessions,
    embedding: Embedding,
    stopping: Stopping,
    *,
    loops: Mapping[str, Loop],
    metrics: Metrics,
) -> AsyncIterator[Services]:
    """Everything that lives while the server does. What was begun last ends first: answers before their upstream."""
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        await asyncio.to_thread(store.migrate)
        apps = Apps([app async for app in _apps(settings, stack, metrics)])
        stack.push_async_callback(apps.close)
        changes = Changes()
        read_back = settings.titles == 'upstream'
        links = Links() if settings.remote_urls else None
        files = Files(store, apps, changes, limits=settings.limits, links=links)
        stack.push_async_callback(files.close)
        feedback = Feedback(store, apps)
        deletions = Deletions(store, apps)
        feedback_list = FeedbackList(store, apps, settings.retention)
        spending = Budgets(store, settings.budgets, settings.cost_groups)
        suggestions = Suggestions(changes)
        stack.push_async_callback(suggestions.close)
        generations = Generations(
            store,
            apps,
            changes,
            files,
            limits=settings.limits,
            budgets=spending,
            deletions=deletions,
            suggestions=suggestions,
            generate_titles_upstream=read_back,
            on_end=metrics.answer,
        )
        forgetting = Forgetting(
            store,
            is_admin=lambda identity: sessions.admission.role(identity) is Role.ADMIN,
            stop=generations.stop_all_of,
            on_end=open_pages.close,
            on_work=deletions.wake,
        )
        stack.push_async_callback(forgetting.close)
        retention = Retention(
            store,
            settings.retention,
            on_gone=changes.bump,
            on_work=(deletions.wake, files.sweep_soon),
        )
        comparison = Comparison(store, apps)
        titles = Titles(store, apps, changes, generations, read_back=read_back)
        notices = Notices(store)
        all_loops: dict[str, Loop] = {
            **loops,
            'purge': partial(_purge, store, sessions, files),
            'sweep': files.sweep,
            'feedback': feedback.run,
            'feedback list': feedback_list.run,
            'notices': notices.run,
            'titles': titles.run,
            'deletions': deletions.run,
            'forgetting': forgetting.run,
            'retention': retention.run,
            'comparison': comparison.run,
            'reassessment': partial(reassess, store, sessions.admission),
            'watch': Watch(sessions, opened=open_pages.sessions, keep=open_pages.keep).run,
        }
        working = [asyncio.create_task(supervised(name, loop), name=name) for name, loop in all_loops.items()]
        stack.callback(lambda: [task.cancel() for task in working])
        stopping.waits_for(generations.shutdown)
        stack.push_async_callback(stopping.drain)
        await generations.repair_leftovers()
        introductions = [asyncio.create_task(_introduce(app), name='introduction') for app in apps]
        stack.callback(lambda: [task.cancel() for task in introductions])
        throttle = Throttle(store, settings.limits)
        yield Services(
            store=store,
            sessions=sessions,
            apps=apps,
            changes=changes,
            generations=generations,
            suggestions=suggestions,
            files=files,
            feedback=feedback,
            feedback_list=feedback_list,
            throttle=throttle,
            speech=Speech(store, apps, generations, throttle),
            forgetting=forgetting,
            budgets=spending,
            notices=notices,
            comparison=comparison,
            embedding=embedding,
            name=settings.name,
            is_local=settings.is_local,
        )


async def _purge(store: Store, sessions: Sessions, files: Files) -> None:
    """Rows that are over go now and then: sessions, logins and counts, unsent uploads, and guests who left nothing."""
    while True:
        try:
            await sessions.purge()
            await store.write(logins.purge, now=clock.now())
            await store.write(embeds_store.purge, now=clock.now())
            await store.write(pairings_store.purge, now=clock.now())
            await store.write(limits.purge, now=clock.now())
            await store.write(notices_store.purge, now=clock.now())
            await store.write(deletions_store.purge, now=clock.now())
            await files.purge()
            while await store.write(people_store.purge_guests, before=clock.now() - GUESTS_STAY):
                pass
        except StoreUnavailable as error:
            logger.warning('what is over stays for now: %s', error)
        await asyncio.sleep(PURGE_SECONDS)


async def _introduce(app: App) -> None:
    """Let an app say who it is before the first page asks. Pages ask again if it does not answer."""
    with contextlib.suppress(UpstreamError):
        await app.about()
    await app.toolbox.ask()


async def _apps(settings: Settings, stack: contextlib.AsyncExitStack, metrics: Metrics) -> AsyncIterator[App]:
    """The apps of the settings; without any, the demo, served on a port of its own like every other upstream."""
    limits = TimeLimits(first_byte=settings.first_byte_seconds)
    for app in settings.apps:
        health = Health(partial(metrics.upstream_error, app.slug))
        client = DifyClient(app.base_url, app.api_key.get_secret_value(), limits=limits, health=health)
        branding = app.branding.over(settings.branding)
        yield App(
            app.slug,
            client,
            name=app.name,
            running=app.running,
            branding=branding,
            guests=app.guests,
            groups=app.groups,
            prices=app.prices,
        )
    if not settings.apps:
        chosen = settings.relay
        relay = demo.Relay(chosen.base_url, chosen.model, chosen.api_key.get_secret_value()) if chosen else None
        upstream = demo.build(key=DEMO_KEY, data=settings.data / 'demo.db', relay=relay)
        url = await stack.enter_async_context(demo.serve(upstream))
        client = DifyClient(url, DEMO_KEY, limits=limits, health=Health(partial(metrics.upstream_error, DEMO)))
        look, guests = settings.branding, settings.guests
        answered_by = (relay.model, relay.host) if relay else None
        yield App(DEMO, client, running=0, is_demo=True, answered_by=answered_by, branding=look, guests=guests)
