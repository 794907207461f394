"""The gallery as a process of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gallery_support import Gallery, Open
from playwright.sync_api import Page, expect
from support import direct
from support.chat import CONNECTED
from support.forking import Forked
from support.server import free_port, wait_for

GALLERY = Path(__file__).with_name('gallery.py')


@pytest.fixture(scope='module')
def running_gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    port = free_port()
    folder = tmp_path_factory.mktemp('gallery')
    log = folder / 'log'
    process = Forked([str(GALLERY), str(port)], folder, os.environ, log)

    def is_up() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return direct.get(f'http://127.0.0.1:{port}/heard').is_success
        except httpx.TransportError:
            return False

    wait_for(is_up, 'the gallery to start', 60)
    yield Gallery(f'http://127.0.0.1:{port}')
    process.terminate()
    process.wait(20)
    assert 'Traceback' not in log.read_text(), log.read_text()


@pytest.fixture
def gallery(running_gallery: Gallery) -> Gallery:
    running_gallery.forget()
    return running_gallery


@pytest.fixture
def visit(gallery: Gallery, page: Page) -> Open:
    """Open a page of the gallery and wait until it can be used."""

    def go(path: str = '/', on: Page = page) -> Page:
        on.goto(gallery.url + path)
        expect(on.get_by_test_id('composer-input')).to_be_editable()
        on.wait_for_function(CONNECTED)
        return on

    return go
