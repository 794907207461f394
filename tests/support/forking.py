"""Processes of the app without the seconds that Python takes to import it: forked from one that has done so."""

import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

FORKS = get_context('forkserver')
FORKS.set_forkserver_preload(
    [
        *('webapp.cli', 'webapp.app', 'webapp.doctor', 'webapp.server', 'webapp.store.migration'),
        *('nicegui.ui_run_with', 'uvicorn.protocols.websockets.websockets_sansio_impl'),
        *('httpcore', 'httptools', 'uvloop'),
    ]
)


class Forked:
    """What `python` with these arguments does; to its starter much the same as a `subprocess.Popen`.

    :param arguments: `-m` and a module, or a script; and its own
    :param folder: working directory
    :param log: a file to which it adds what it says
    :param errors: the same for what it says on standard error, if that should be apart
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        errors: Path | None = None,
    ) -> None:
        given = (list(arguments), str(folder), dict(environment), str(log), str(errors or log))
        self._process = FORKS.Process(target=_run, args=given, daemon=True)
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """:raises subprocess.TimeoutExpired: it still runs"""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def _run(arguments: list[str], folder: str, environment: dict[str, str], log: str, errors: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, path in ((1, log), (2, errors)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    is_module = arguments[0] == '-m'
    sys.argv = arguments[is_module:]
    run = runpy.run_module if is_module else runpy.run_path
    run(sys.argv[0], run_name='__main__')
