"""axe-core, which looks for what keeps people with assistive technology out."""

from functools import cache

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ('serious', 'critical')
# It looks at what is off the screen, too, so that must be as it will be when somebody gets there.
LAID_OUT = '* { content-visibility: visible !important }'
TWO_FRAMES = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))'
AT_REST = """() => document.getAnimations().every((each) =>
    each.playState !== 'running' || each.effect.getComputedTiming().endTime === Infinity)"""


def faults(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page as it stands: rule, place and reason."""
    page.add_style_tag(content=LAID_OUT)
    page.evaluate(TWO_FRAMES)
    page.wait_for_function(AT_REST)  # half faded in, nothing has its contrast
    found = _axe().run(page, options={'resultTypes': ['violations'], 'iframes': False}).response['violations']
    return [
        f'{each["id"]}: {node["html"][:160]} ({node["failureSummary"]})'
        for each in found
        if each['impact'] in GRAVE
        for node in each['nodes']
    ]


@cache
def _axe() -> Axe:
    return Axe()
