"""Every state that a message can be in can be read with assistive technology, too."""

from typing import Literal

import pytest
from gallery_support import Open
from playwright.sync_api import Page, expect
from support.axe import faults


@pytest.mark.parametrize('path', ['/', '/states', '/nested', '/linked', '/cited', '/empty'])
@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('width', [1280, 390])
def test_nothing_serious(visit: Open, page: Page, path: str, scheme: Literal['light', 'dark'], width: int) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({'width': width, 'height': 844})
    visit(path)
    assert faults(page) == []


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_nothing_serious_in_what_unfolds(visit: Open, page: Page, scheme: Literal['light', 'dark']) -> None:
    page.emulate_media(color_scheme=scheme)
    visit('/nested')
    page.evaluate("document.querySelectorAll('.turn details').forEach((each) => (each.open = true))")
    assert faults(page) == []


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_nothing_serious_in_the_dialog_for_links(visit: Open, page: Page, scheme: Literal['light', 'dark']) -> None:
    page.emulate_media(color_scheme=scheme)
    visit('/links')
    page.get_by_test_id('composer-link').click()
    page.get_by_test_id('link-address').fill('https://refused.example.com/a.png')
    page.get_by_test_id('link-add').click()
    expect(page.get_by_test_id('link-problem')).not_to_be_empty()
    assert faults(page) == []


def test_what_is_serious_would_be_found(visit: Open, page: Page) -> None:
    visit('/empty')
    page.evaluate("""document.querySelector('#main').insertAdjacentHTML('beforeend', '<img src="data:,">')""")
    assert [fault.partition(':')[0] for fault in faults(page)] == ['image-alt']
