"""Two people at one computer, one after the other."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect
from support.chat import open_page
from support.people import serving, sign_in
from support.server import Server


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp('app'), demo) as server:
        yield server


def test_what_one_has_begun_to_write_is_not_shown_to_the_other(server: Server, context: BrowserContext) -> None:
    ann, bob = sign_in(server, 'ann'), sign_in(server, 'bob')
    page = context.new_page()
    box = page.get_by_test_id('composer-input')
    for person, written in ((ann, ''), (bob, ''), (ann, 'words of ann'), (bob, 'words of bob')):
        person.open_in(context)
        open_page(page, server.url)
        expect(box).to_have_value(written)
        box.fill(f'words of {"ann" if person is ann else "bob"}')
