"""Whatever page somebody gets, axe-core finds nothing serious on it: bright on a desk, dark on a phone."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect
from support.axe import faults
from support.people import sign_in
from test_route_matrix import IN, ROUTES
from world import STAFF, World

PHONE: ViewportSize = {'width': 390, 'height': 844}
# What is no page: files, lists, sound, and what programs ask for.
OTHERS = re.compile(r'\.\w+|/(files|speech|_nicegui|_nicegui_ws|healthz|readyz|metrics)\b')
PAGES = [
    (row.path, 'admin' if row.admin == IN else 'owner' if row.owner == IN else 'nobody')
    for route, rows in ROUTES.items()
    for row in rows
    if route.startswith('GET ') and IN in {row.admin, row.owner, row.nobody} and not OTHERS.search(route)
]


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('404', 'belongs into a frame')


@pytest.mark.parametrize(('path', 'who'), PAGES, ids=[f'{who} at {path}' for path, who in PAGES])
def test_nothing_serious_on_a_page(world: World, context: BrowserContext, page: Page, path: str, who: str) -> None:
    if who == 'owner':
        sign_in(world.server, 'ann', groups=STAFF).open_in(context)
    elif who == 'admin':
        sign_in(world.server, 'eve', claims_admin=True).open_in(context)
    page.goto(world.server.url + path.format(**world.ids))
    expect(page.get_by_role('main')).to_be_visible()
    assert faults(page) == []
    page.emulate_media(color_scheme='dark')
    page.set_viewport_size(PHONE)
    assert faults(page) == []


def test_nor_on_what_is_not_there_or_closed(world: World, context: BrowserContext, page: Page) -> None:
    sign_in(world.server, 'bob').open_in(context)
    for path in ('/nothing', '/a/staff', '/admin', f'/a/default/c/{world.conversation}'):
        page.goto(world.server.url + path)
        assert faults(page) == []
