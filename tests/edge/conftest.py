"""A small app behind the edge, in a process of its own, and a browser's traffic without a browser."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from raw_page import Small, Start
from support import databases
from support.forking import Forked
from support.server import wait_for

SCRIPT = Path(__file__).parent / 'small_app.py'


@pytest.fixture(scope='module')
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start the small app: `start('--guests')`. All end with the module, and none may have raised."""
    with ExitStack() as ends:

        def begin(*options: str) -> Small:
            folder = tmp_path_factory.mktemp('small')
            log = folder / 'log'
            log.touch()
            databases.place(folder / 'small.db')
            process = Forked([str(SCRIPT), str(folder), *options], folder, os.environ, log)
            said = wait_for(lambda: re.match(r'\d+\n', log.read_text()), f'a port in {log}')
            small = Small(int(said[0]), log, process.pid)
            ends.callback(_end, process, small)
            small.wait_until_ready()
            return small

        yield begin


@pytest.fixture(scope='module')
def small(start: Start) -> Small:
    """The small app in local mode."""
    return start()


def _end(process: Forked, small: Small) -> None:
    process.terminate()
    process.wait(20)
    assert small.may_fail or 'Traceback' not in small.log, small.log
