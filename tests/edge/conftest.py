"""A small app behind the edge, in a process of its own, and a browser's traffic without a browser."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from raw_page import Small, Start

SCRIPT = Path(__file__).parent / 'small_app.py'


@pytest.fixture(scope='module')
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start the small app: `start('--guests')`. All end with the module, and none may have raised."""
    with ExitStack() as ends:

        def begin(*options: str) -> Small:
            folder = tmp_path_factory.mktemp('small')
            with (folder / 'log').open('wb') as log:
                process = subprocess.Popen(
                    [sys.executable, str(SCRIPT), str(folder), *options], stdout=subprocess.PIPE, stderr=log, text=True
                )
            assert process.stdout
            small = Small(int(process.stdout.readline()), folder / 'log', process.pid)
            ends.callback(_end, process, small)
            small.wait_until_ready()
            return small

        yield begin


@pytest.fixture(scope='module')
def small(start: Start) -> Small:
    """The small app in local mode."""
    return start()


def _end(process: 'subprocess.Popen[str]', small: Small) -> None:
    process.terminate()
    process.wait(20)
    assert process.stdout
    process.stdout.close()
    assert small.may_fail or 'Traceback' not in small.log, small.log
