"""How fast answers reach the browser, and what that costs, beside two pages without any framework.

    make bench              everything, about a quarter of an hour
    make bench QUICK=1      a first look, some minutes

Prints one Markdown table. Compare only figures of the same run; read ratios, not seconds.
"""

import argparse
import dataclasses
import itertools
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
from anyio.from_thread import start_blocking_portal
from bench import archive
from bench.machine import Wire
from bench.page import ANSWER, PROBE, Cost, Question, Target, measure_answer, open_target
from bench.table import Row, exponent, markdown
from bench.upstream import marks
from playwright.sync_api import Browser, sync_playwright
from support import chromium
from support.chat import CONNECTED
from support.server import Server, free_port, wait_for

HERE = Path(__file__).parent
RATE = 200  # tokens per second
FAST = 1000  # for the single blocks, which are about length alone
SHAPES = ('fence', 'table', 'list')
LONG, FEW, MANY = [300, 5000], 10, 10_000  # messages of long conversations, numbers of short ones

Costs = dict[str, Cost]  # by page
Read = Callable[[Cost], float | None]

MEASURES: tuple[tuple[str, Read, str, str], ...] = (
    ('first word, ms after the first delta', lambda cost: cost.first_word, 'stream', '<= 2x, or <= 10'),
    ('last word, ms after the last delta', lambda cost: cost.end_lag, '', '<= 50'),
    ('wire bytes per byte of text', lambda cost: cost.wire_ratio, '', '<= 1.5'),
    ('server CPU per 1,000 tokens, s', lambda cost: cost.server_cpu / cost.tokens * 1000, 'stream', '<= 1.2x'),
    ('main thread CPU, s', lambda cost: cost.main_thread, 'blocks', '<= 1.5x'),
)
GROWTH: tuple[tuple[str, Read, str], ...] = (
    ('server CPU', lambda cost: cost.server_cpu, '<= 1.05'),
    ('main thread CPU', lambda cost: cost.main_thread, '<= 1.1'),
    ('bytes on the wire', lambda cost: cost.wire_bytes, '<= 1.0'),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='bench', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--quick', action='store_true', help='short answers only, each once')
    parser.add_argument(
        '--repeat', type=int, default=3, help='runs of each answer below 10,000 tokens; medians are shown'
    )
    arguments = parser.parse_args()
    sizes = [1000, 4000] if arguments.quick else [1000, 4000, 16_000]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = stack.enter_context(Bench.running(folder))
        rows = [
            *bench.answers(sizes, 1 if arguments.quick else arguments.repeat),
            *bench.shapes(sizes[-1]),
            *bench.archives(folder / 'archive'),
        ]
    if not Wire.is_known:
        print('Bytes on the wire are not known: `ss` is missing (package iproute2).\n')
    print(markdown(rows))


class Bench:
    """The upstream, the bare pages, the app and a browser, all on this machine."""

    def __init__(self, browser: Browser, upstream: str, targets: list[Target]) -> None:
        self.browser = browser
        self.upstream = upstream
        self.targets = targets
        self._seeds = itertools.count(1)

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator['Bench']:
        with ExitStack() as stack:
            playwright = stack.enter_context(sync_playwright())
            browser = stack.enter_context(chromium.launch(playwright, whole=True))
            upstream, _ = stack.enter_context(script('upstream'))
            bare = {name: stack.enter_context(script('bare', f'{upstream}/v1')) for name in ('stream', 'blocks')}
            app = stack.enter_context(
                ours(folder / 'app', {'DIFY_BASE_URL': f'{upstream}/v1', 'DIFY_API_KEY': 'bench'})
            )
            targets = [Target(name, f'{url}/{name}', pid) for name, (url, pid) in bare.items()]
            yield cls(browser, upstream, [*targets, target_of(app)])

    def answers(self, sizes: list[int], repeat: int) -> Iterator[Row]:
        """Mixed Markdown at the pace of a model. Pages take turns, so that a noisy minute hits all alike."""
        costs = {size: self._round(size, RATE, 'mixed', repeat if size < 10_000 else 1) for size in sizes}
        for size, by_page in costs.items():
            yield from answer_rows(f'{size:,} tokens', by_page)
        small, large = costs[sizes[0]], costs[sizes[-1]]
        span = f'growth {sizes[0]:,} to {sizes[-1]:,} tokens (1 is in proportion)'
        for what, read, must in GROWTH:
            grown = {
                name: exponent((sizes[0], read(small[name])), (sizes[-1], read(large[name])))
                for name in small.keys() & large.keys()
            }
            yield Row(f'{span}: {what}', **grown, must=must)

    def shapes(self, size: int) -> Iterator[Row]:
        """One single block, however long."""
        for shape in SHAPES:
            yield from answer_rows(f'one {shape} of {size:,} tokens, {FAST}/s', self._round(size, FAST, shape, 1))

    def archives(self, folder: Path) -> Iterator[Row]:
        """Opening what was written long ago."""
        with self._archive(folder / 'few', long=[], many=FEW) as (target, _):
            few = Row(f'page load until the list shows, {FEW} conversations, ms', ours=self._list_shown(target))
        with self._archive(folder / 'many', long=LONG, many=MANY) as (target, long):
            many = Row(f'the same with {MANY:,} conversations, ms', ours=self._list_shown(target), must='<= 300 more')
            opened = [
                Row(f'open a conversation of {length:,} messages, ms', ours=self._opened(target, id_), must='<= 300')
                for length, id_ in zip(LONG, long, strict=True)
            ]
        yield from (few, many, *opened)

    @contextmanager
    def _archive(self, folder: Path, *, long: list[int], many: int) -> Iterator[tuple[Target, list[str]]]:
        """The app with a past: its page, and the ids of the long conversations."""
        secret = secrets.token_hex(32)
        with start_blocking_portal() as portal:  # Playwright occupies the loop of this thread
            fill = partial(archive.fill, folder / 'data' / 'webapp.db', secret, long=long, many=many)
            ids = portal.call(fill)
        settings = {'DIFY_BASE_URL': f'{self.upstream}/v1', 'DIFY_API_KEY': 'bench', 'WEBAPP_SECRET': secret}
        with ours(folder, settings) as server:
            yield target_of(server), ids

    def _round(self, size: int, rate: int, shape: str, repeat: int) -> Costs:
        """Medians of `repeat` runs of each page."""
        runs: dict[str, list[Cost]] = {target.name: [] for target in self.targets}
        for _ in range(repeat):
            for target in self.targets:
                question = Question(size, rate, f'{next(self._seeds)}x', shape)
                runs[target.name].append(measure_answer(self.browser, target, self.upstream, question))
                print(f'{target.name:8} {question.query}: {runs[target.name][-1]}', file=sys.stderr, flush=True)
        return {name: median(costs) for name, costs in runs.items()}

    def _list_shown(self, target: Target) -> float:
        with self.browser.new_context() as context:
            page = context.new_page()
            page.goto(target.url)
            page.get_by_test_id('conversation-item').first.wait_for(state='visible')
            return float(page.evaluate('performance.now()'))

    def _opened(self, target: Target, conversation_id: str) -> float:
        """From the click until the last answer is in the page."""
        with self.browser.new_context() as context:
            page = open_target(context.new_page(), target)
            page.evaluate(PROBE, [ANSWER, *marks(conversation_id)])
            link = f'[data-conversation-id="{conversation_id}"] a'
            page.evaluate('link => { window.began = performance.now(); document.querySelector(link).click(); }', link)
            page.wait_for_function('window.seen.last')
            return float(page.evaluate('window.seen.last - window.began'))


def answer_rows(label: str, by_page: Costs) -> Iterator[Row]:
    for what, read, ratio_to, must in MEASURES:
        figures = {name: read(cost) for name, cost in by_page.items()}
        yield Row(f'{label}: {what}', **figures, ratio_to=ratio_to, must=must)


def median(costs: list[Cost]) -> Cost:
    """Field by field; a figure that is unknown once is unknown."""
    columns = zip(*map(dataclasses.astuple, costs), strict=True)
    return Cost(*(None if None in column else statistics.median(column) for column in columns))


@contextmanager
def script(name: str, *arguments: str) -> Iterator[tuple[str, int]]:
    """A server of this folder in a process of its own: its address and process id."""
    port = free_port()
    url = f'http://127.0.0.1:{port}'
    command = [sys.executable, '-m', f'bench.{name}', str(port), *arguments]
    with subprocess.Popen(command, cwd=HERE.parent) as process:
        try:
            wait_for(lambda: answers(url), f'the {name} server')
            yield url, process.pid
        finally:
            process.terminate()


@contextmanager
def ours(folder: Path, settings: dict[str, str]) -> Iterator[Server]:
    server = Server(folder, settings, python=sys.executable)  # whose memory is all its own
    server.start()
    try:
        yield server
    finally:
        server.stop()


def target_of(server: Server) -> Target:
    assert server.process
    return Target('ours', server.url, server.process.pid, ready=CONNECTED)


def answers(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True


if __name__ == '__main__':
    main()
