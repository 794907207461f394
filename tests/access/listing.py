"""Prints every route of the running server as JSON: `python listing.py`, in a folder with the settings of a server."""

import asyncio
import json
from collections.abc import Iterator, Sequence

from fastapi import FastAPI
from nicegui import app as nicegui_app
from starlette.routing import BaseRoute, Mount, Route

from webapp import settings
from webapp.app import build
from webapp.stopping import Stopping


async def main() -> None:
    outer = build(settings.load(), Stopping())
    while not isinstance(outer, FastAPI):
        outer = getattr(outer, 'app', None) or outer._app  # type: ignore[union-attr]
    async with outer.router.lifespan_context(outer):
        print(json.dumps(sorted({*named(outer.routes), *named(nicegui_app.routes)})))


def named(routes: Sequence[BaseRoute]) -> Iterator[str]:
    """Method and path of each; routers that were included are looked into."""
    for route in routes:
        if isinstance(route, Route):
            yield from (f'{method} {route.path}' for method in route.methods or ())
        elif isinstance(route, Mount):
            yield f'MOUNT {route.path or "/"}'
        else:
            yield from named(route.original_router.routes)  # type: ignore[attr-defined]


asyncio.run(main())
