"""The command line, as a person meets it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from support.forking import Forked
from support.server import OURS

PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Ended:
    status: int
    answered: str  # on standard output
    said: str  # on standard error


@contextmanager
def webapp(folder: Path, *arguments: str, **variables: str) -> Iterator['subprocess.Popen[str]']:
    """A command under way in `folder`, with no settings but `variables`; killed at the end, if it still runs."""
    command = [sys.executable, '-m', 'webapp', *arguments]
    with subprocess.Popen(
        command, cwd=folder, env=_settings(variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(folder: Path, *arguments: str, patience: float = PATIENCE, **variables: str) -> Ended:
    """A command, run to its end; none may end with a traceback."""
    with TemporaryDirectory() as output:
        answers, says = Path(output, 'answers'), Path(output, 'says')
        process = Forked(['-m', 'webapp', *arguments], folder, _settings(variables), answers, says)
        try:
            status = process.wait(patience)
        finally:
            process.kill()
        answered, said = answers.read_text(), says.read_text()
    assert 'Traceback' not in said, said
    return Ended(status, answered, said)


def _settings(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | dict(variables)
