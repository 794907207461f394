"""The apps of the settings, each with a client of its own."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from webapp.apps import App
from webapp.errors import UpstreamError
from webapp.metrics import Metrics
from webapp.settings import DEMO, Settings
from webapp.upstream import demo
from webapp.upstream.client import DifyClient
from webapp.upstream.health import Health
from webapp.upstream.limits import TimeLimits

DEMO_KEY = 'demo'


async def configured_apps(settings: Settings, stack: contextlib.AsyncExitStack, metrics: Metrics) -> AsyncIterator[App]:
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


async def introduce(app: App) -> None:
    """Let an app say who it is before the first page asks. Pages ask again if it does not answer."""
    with contextlib.suppress(UpstreamError):
        await app.about()
    await app.toolbox.ask()
