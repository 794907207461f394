"""Drives one page in a real browser, and reads what one answer cost there."""

import re
from dataclasses import dataclass

import httpx
from bench.machine import Wire, cpu_seconds
from bench.upstream import marks
from playwright.sync_api import Browser, CDPSession, Page

PATIENCE_MS = 60_000  # after the last delta
REST_MS = 1_000  # what a page does after the last word counts too

# Notes when two words appear at the end of the last answer. Looks at its last text nodes only, so that looking does not
# grow with the answer.
PROBE = """([selector, first, last]) => {
  const seen = window.seen = {};
  const has = (root, word) => {
    let node = root, texts = 24;
    while (node?.lastChild) node = node.lastChild;
    for (let steps = 400; node && steps && texts; steps--) {
      if (node.nodeType === Node.TEXT_NODE && node.length > 1) {
        if (node.data.slice(-200).includes(word)) return true;
        texts--;
      }
      if (node === root) return false;
      if (node.previousSibling) {
        node = node.previousSibling;
        while (node.lastChild) node = node.lastChild;
      } else node = node.parentNode;
    }
    return false;
  };
  const look = () => {
    const answer = [...document.querySelectorAll(selector)].at(-1);
    if (!answer) return;
    if (!seen.first && answer.textContent.slice(0, 500).includes(first)) seen.first = performance.now();
    if (!seen.last && has(answer, last)) seen.last = performance.now();
    if (seen.last) observer.disconnect();
  };
  const observer = new MutationObserver(look);
  observer.observe(document.documentElement, { childList: true, subtree: true, characterData: true });
  look();
}"""
ANSWER = '[data-testid=message-assistant]'


@dataclass(frozen=True, slots=True)
class Target:
    """A page to measure, and the server behind it."""

    name: str
    url: str
    pid: int
    ready: str = 'true'  # in JavaScript, besides a visible composer

    @property
    def port(self) -> int:
        return int(re.findall(r':(\d+)', self.url)[0])


@dataclass(frozen=True, slots=True)
class Question:
    tokens: int
    rate: int  # per second
    seed: str  # a new one each time: the answer's marks follow from it
    shape: str = 'mixed'

    @property
    def query(self) -> str:
        return f'bench tokens={self.tokens} rate={self.rate} seed={self.seed} shape={self.shape}'

    @property
    def seconds(self) -> float:
        return self.tokens / self.rate


@dataclass(frozen=True, slots=True)
class Cost:
    """What one answer took. Times are lags behind the upstream, in milliseconds; CPU times are seconds."""

    tokens: int
    first_word: float
    end_lag: float
    server_cpu: float
    main_thread: float
    wire_bytes: int | None
    text_bytes: int

    @property
    def wire_ratio(self) -> float | None:
        return None if self.wire_bytes is None else self.wire_bytes / self.text_bytes


class Stopwatch:
    """The browser's own figures. Its clock is the machine's monotonic one."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send('Performance.enable')

    def read(self) -> dict[str, float]:
        return {each['name']: each['value'] for each in self._session.send('Performance.getMetrics')['metrics']}


def measure_answer(browser: Browser, target: Target, upstream: str, asked: Question) -> Cost:
    """Ask on a fresh page. :raises playwright TimeoutError: the last word never came"""
    with browser.new_context() as context:
        page = open_target(context.new_page(), target)
        watch, wire = Stopwatch(page), Wire(target.port)
        page.get_by_test_id('composer-input').fill(asked.query)
        page.evaluate(PROBE, [ANSWER, *marks(asked.seed)])
        before, cpu = watch.read(), cpu_seconds(target.pid)
        page.get_by_test_id('composer-send').click()
        page.wait_for_function('window.seen.last', timeout=asked.seconds * 1000 + PATIENCE_MS, polling=100)
        page.wait_for_timeout(REST_MS)
        after, cpu = watch.read(), cpu_seconds(target.pid) - cpu
        sent = wire.total()
        seen = page.evaluate('window.seen')
    log = httpx.get(f'{upstream}/log/{asked.seed}', trust_env=False).json()
    origin = after['NavigationStart']
    return Cost(
        tokens=asked.tokens,
        first_word=1000 * (origin + seen['first'] / 1000 - log['first']),
        end_lag=1000 * (origin + seen['last'] / 1000 - log['last']),
        server_cpu=cpu,
        main_thread=after['ThreadTime'] - before['ThreadTime'],
        wire_bytes=sent,
        text_bytes=log['bytes'],
    )


def open_target(page: Page, target: Target) -> Page:
    page.goto(target.url)
    page.get_by_test_id('composer-input').wait_for(state='visible')
    page.wait_for_function(target.ready)
    page.wait_for_timeout(REST_MS)
    return page
