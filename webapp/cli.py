"""The command line.

webapp serve [--host HOST] [--port PORT] [--log-format text|json]
webapp demo-upstream [--host HOST] [--port PORT]
webapp migrate
"""

import argparse
import asyncio
import errno
import signal
import socket
import sys
from collections.abc import Sequence
from typing import NoReturn, get_args

import uvicorn

from webapp import __version__, log, settings
from webapp.errors import AppError
from webapp.settings import Settings, SettingsError

GRACE_SECONDS = 25  # for open connections, when we are asked to stop
FRAME_BYTES = 1_048_576
BACKLOG = 2048
WRONG_SETTINGS = 2  # exit status
MAX_PORT = 65535


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    match options.command:
        case 'demo-upstream':
            demo_upstream(options.host, options.port)
        case 'migrate':
            migrate()
        case _:
            serve(options.host, options.port, options.log_format)


def serve(host: str | None, port: int | None, log_format: log.Format) -> None:
    """Run the server until it is told to stop."""
    chosen = _settings(host, port)
    listener = _listen(chosen.host, chosen.port)
    if chosen.port == 0:
        chosen = _settings(host, listener.getsockname()[1])
    log.configure(log_format, secrets=chosen.secrets())

    from webapp.app import build  # noqa: PLC0415  # a wrong setting should be reported at once, not after all imports

    config = uvicorn.Config(
        build(chosen),
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        loop='uvloop',
        http='httptools',
        ws='websockets-sansio',
        ws_max_size=FRAME_BYTES,
        ws_per_message_deflate=True,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    print(f'Open {chosen.public_url}', file=sys.stderr)
    uvicorn.Server(config).run(sockets=[listener])


def demo_upstream(host: str, port: int) -> None:
    """Run the demo upstream alone, until it is told to stop."""
    from webapp.upstream import demo  # noqa: PLC0415  # as above

    log.configure()

    async def run() -> None:
        async with demo.serve(demo.build(), host=host, port=port) as base_url:
            print(f'The demo upstream answers at {base_url}; its key is "demo".', file=sys.stderr)
            await _asked_to_stop()

    try:
        asyncio.run(run())
    except OSError as error:
        _give_up(_why_not(error, host, port))


def migrate() -> None:
    """Bring the database to the newest form."""
    from webapp.store.database import Store  # noqa: PLC0415  # as above

    chosen = _settings()
    log.configure(secrets=chosen.secrets())

    async def run() -> None:
        store = Store(chosen.database_url)
        try:
            await asyncio.to_thread(store.migrate)
        finally:
            await store.close()

    try:
        asyncio.run(run())
    except AppError as error:
        _give_up(f'The database could not be migrated: {error.detail or error.code}.')
    print('The database is up to date.', file=sys.stderr)


async def _asked_to_stop() -> None:
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    await stop.wait()


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, taken before anything is started: whether we get the port is the first thing to know."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        _give_up(_why_not(error, host, port))


def _why_not(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f'Port {port} is taken: another program, maybe another one of us, listens there. '
                'Stop it, or choose another port with --port.'
            )
        case errno.EACCES:
            return f'Port {port} needs special rights. Choose one above 1023 with --port.'
        case _:
            return f'We cannot listen on {host}, port {port}: {error.strerror or error}.'


def _settings(host: str | None = None, port: int | None = None) -> Settings:
    try:
        return settings.load(host=host, port=port)
    except SettingsError as error:
        _give_up(
            'These settings make no sense:', *(f'- {problem}' for problem in error.problems), status=WRONG_SETTINGS
        )


def _give_up(*lines: str, status: int = 1) -> NoReturn:
    print(*lines, sep='\n', file=sys.stderr)
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser('webapp', description='A browser front door for Dify apps.')
    parser.add_argument('--version', action='version', version=__version__)
    commands = parser.add_subparsers(dest='command', required=True, metavar='command')
    server = commands.add_parser('serve', help='run the server')
    server.add_argument('--host', help='address to listen on; wins over WEBAPP_HOST')
    server.add_argument('--port', type=_port, help='port to listen on, 0 for a free one; wins over WEBAPP_PORT')
    server.add_argument('--log-format', choices=get_args(log.Format), default='text')
    demo = commands.add_parser('demo-upstream', help='run only the demo upstream, which talks like a Dify server')
    demo.add_argument('--host', default='127.0.0.1')
    demo.add_argument('--port', type=_port, default=8090)
    commands.add_parser('migrate', help='bring the database to the newest form')
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= MAX_PORT:
        raise argparse.ArgumentTypeError(f'a port lies between 0 and {MAX_PORT}')
    return port
