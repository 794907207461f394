"""The app as a person runs it: a process of its own, on a free port, with a data folder of its own."""

import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import httpx
from support import databases, direct
from support.forking import Forked

READY_SECONDS = 60.0
STOP_SECONDS = 40.0
OURS = ('WEBAPP_', 'DIFY_', 'OIDC_', 'OPENAI_', 'DATABASE_URL')  # settings must come from the test, not from its shell

T = TypeVar('T')
Serve = Callable[..., 'Server']  # takes settings, gives a running app


class Server:
    """Started by `start`, asked to end by `stop`, killed by `kill`; may be started again on the same data and port.

    :param folder: working directory; the database, the secret and the log go here
    :param environment: settings besides the port
    :param python: of the virtual environment that the app is installed in; '' for a fork of one that has started,
        and has made its tables
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], python: str = '') -> None:
        self.folder = folder
        self.python = python
        self.port = free_port()
        self.environment = dict(environment)
        self._log = folder / 'log'
        self.process: subprocess.Popen[bytes] | Forked | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.port}'

    @property
    def log(self) -> str:
        return self._log.read_text(errors='replace')

    def start(self) -> None:
        """Start, and wait until it says that it is ready."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        arguments = ['-m', 'webapp', 'serve', '--port', str(self.port)]
        environment = own | self.environment
        if self.python:
            with self._log.open('ab') as log:
                self.process = subprocess.Popen(
                    [self.python, *arguments],
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        else:
            if 'DATABASE_URL' not in self.environment and not (file := self.folder / 'data' / 'webapp.db').exists():
                databases.place(file)
            self.process = Forked(arguments, self.folder, environment, self._log)
        wait_for(self._is_ready, 'the app to become ready', READY_SECONDS, self)

    def stop(self) -> None:
        """Ask it to end, as a service manager does, and wait until it has."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def keeps_all(self) -> None:
        """Wait until every answer is kept: a page sees its end a moment earlier. For an app with an SQLite file."""
        running = "SELECT 1 FROM messages WHERE status = 'running'"
        with closing(sqlite3.connect(self.folder / 'data' / 'webapp.db')) as database:
            wait_for(lambda: database.execute(running).fetchone() is None, 'the ends of all answers', server=self)

    def _is_ready(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise RuntimeError(f'the app ended with status {self.process.returncode}:\n{self.log}')
        try:
            return direct.get(f'{self.url}/readyz').status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], T], what: str, seconds: float = 20.0, server: Server | None = None) -> T:
    """Ask again and again until `condition` gives something true. :raises TimeoutError: it never did"""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f'waited {seconds:g} s for {what}' + (f':\n{server.log}' if server else ''))
        time.sleep(0.05)
    return found
