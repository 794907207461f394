"""The command line. Every command has a `--help` with examples.

webapp serve [--host HOST] [--port PORT] [--log-format text|json]
webapp doctor [--host HOST] [--port PORT] [--format text|json]
webapp demo-upstream [--host HOST] [--port PORT] [--form]
webapp migrate
webapp usage [--from DAY] [--to DAY] [--by user,group,app,day,model,outcome] [--format csv|json]
webapp retention [--apply]
webapp person export PERSON --output FILE
webapp person forget PERSON [--apply]
webapp embed-ticket ID [--sub SUB] [--name NAME] [--email EMAIL] [--groups A,B] [--kid KID] [--minutes N]
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Literal, NoReturn, cast, get_args

from webapp import __version__, log, settings
from webapp.errors import AppError
from webapp.listening import CannotListen, listen
from webapp.settings import Settings, SettingsError

logger = logging.getLogger(__name__)

FAILED, WRONG_SETTINGS, INTERRUPTED = 1, 2, 130  # exit status
MAX_PORT = 65535
MAX_CLAIM = 500  # characters, as in `embedding.host_tokens`, which takes long to load
SIDES = ('user', 'group', 'app', 'day', 'model', 'outcome')  # as in `store.reports`, which takes long to load


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case 'serve':
                serve(options.host, options.port, options.log_format)
            case 'doctor':
                doctor(options.host, options.port, as_json=options.format == 'json')
            case 'demo-upstream':
                demo_upstream(options.host, options.port, has_form=options.form)
            case 'migrate':
                migrate()
            case 'usage':
                usage(options.since, options.until, options.by, options.format)
            case 'retention':
                told(lambda commands, chosen: commands.retention(chosen, apply=options.apply))
            case 'person' if options.what == 'export':
                told(lambda commands, chosen: commands.export(chosen, options.who, options.output))
            case 'person':
                told(lambda commands, chosen: commands.forget(chosen, options.who, apply=options.apply))
            case 'embed-ticket':
                given = {name: getattr(options, name) for name in ('sub', 'name', 'email', 'groups')}
                claims = {name: value for name, value in given.items() if value}
                asked = {'kid': options.kid, 'claims': claims, 'minutes': options.minutes}
                told(lambda commands, chosen: commands.embed_ticket(chosen, options.id, **asked))
    except KeyboardInterrupt:  # before, or after, somebody who takes it for a wish to stop
        sys.exit(INTERRUPTED)


def serve(host: str | None, port: int | None, log_format: log.Format) -> None:
    """Run the server until it is told to stop."""
    chosen = _settings(host, port)
    listener = _listen(chosen.host, chosen.port)
    if chosen.port == 0:
        chosen = _settings(host, listener.getsockname()[1])
    log.configure(log_format, secrets=chosen.secrets())

    # Only now: a wrong setting should be reported at once, not after all imports.
    from webapp import server  # noqa: PLC0415
    from webapp.app import build  # noqa: PLC0415
    from webapp.stopping import Stopping  # noqa: PLC0415

    def say_where() -> None:
        if log_format == 'json':
            logger.info('Open %s', chosen.public_url)
        else:
            print(f'Open {chosen.public_url}', file=sys.stderr)

    stopping = Stopping()
    try:
        server.run(build(chosen, stopping), listener, stopping, on_ready=say_where)
    except AppError as error:
        if log_format == 'json':
            logger.critical(' '.join(_why_no_start(error)))
            sys.exit(FAILED)
        _give_up(*_why_no_start(error))


def doctor(host: str | None, port: int | None, *, as_json: bool) -> None:
    """Say what is well and what is not; the exit status is 1 if anything is wrong."""
    from webapp import doctor  # noqa: PLC0415  # as above

    log.configure(level=logging.ERROR)
    sys.stdout.reconfigure(errors='backslashreplace')  # type: ignore[union-attr]

    async def run() -> None:
        report = await doctor.examine(host, port)
        print(report.as_json() if as_json else report.as_text(color=_takes_color()), flush=True)
        os._exit(FAILED if report.is_wrong else 0)  # a name server that does not answer would hold threads, and us

    asyncio.run(run())


def demo_upstream(host: str, port: int, *, has_form: bool) -> None:
    """Run the demo upstream alone, until it is told to stop."""
    try:
        chosen = settings.load_relay()
    except SettingsError as error:
        _refuse(error)

    from webapp.upstream import demo  # noqa: PLC0415  # as above

    relay = demo.Relay(chosen.base_url, chosen.model, chosen.api_key.get_secret_value()) if chosen else None
    who = f'{relay.model} at {relay.host}' if relay else 'its handbook (no OPENAI_BASE_URL and OPENAI_MODEL is set)'
    log.configure(secrets=[relay.api_key] if relay else [])
    logging.getLogger('uvicorn.access').setLevel(logging.INFO)  # whoever runs it wants to see the calls

    async def run() -> None:
        built = demo.build(relay=relay, form=demo.SAMPLE_FORM if has_form else ())
        async with demo.serve(built, host=host, port=port) as base_url:
            print(f'The demo upstream answers at {base_url}; its key is "demo".', file=sys.stderr)
            print(f'Its answers come from {who}.', file=sys.stderr)
            await _asked_to_stop()

    _listen(host, port).close()  # whether it could; the demo has a socket of its own kind
    asyncio.run(run())


def migrate() -> None:
    """Bring the database to the newest form."""
    from webapp.store import schema  # noqa: PLC0415  # as above
    from webapp.store.database import Store  # noqa: PLC0415

    chosen = _settings()
    log.configure(secrets=chosen.secrets())

    async def run() -> tuple[str | None, str | None]:
        store = Store(chosen.database_url)
        try:
            before = await store.read(schema.version)
            await asyncio.to_thread(store.migrate)
            return before, await store.read(schema.version)
        finally:
            await store.close()

    try:
        before, after = asyncio.run(run())
    except AppError as error:
        _give_up('The database could not be migrated.', *_why_no_start(error))
    if before == after:
        print(f'The database is up to date: version {after}.', file=sys.stderr)
    else:
        print(f'The database is up to date now: version {after}, before {before or "empty"}.', file=sys.stderr)


def usage(since: date | None, until: date | None, by: list[str], kind: Literal['csv', 'json']) -> None:
    """Print what everybody cost. Days are in UTC, both ends included; without any, those of this month."""
    from webapp.exports import tabular, usage_records  # noqa: PLC0415  # as above
    from webapp.store import reports, schema  # noqa: PLC0415
    from webapp.store.database import Store  # noqa: PLC0415

    chosen = _settings()
    log.configure(level=logging.ERROR, secrets=chosen.secrets())
    last = until or datetime.now(UTC).date()
    wanted = reports.Filter(since or last.replace(day=1), last)
    sides = cast(list[reports.Side], list(dict.fromkeys(by)))

    async def run() -> None:
        store = Store(chosen.database_url)
        try:
            if await store.read(schema.version) is None:
                _give_up('There is no database yet.', '`webapp serve` makes one, and so does `webapp migrate`.')
            pages = usage_records.pages(store, wanted, sides)
            async for piece in tabular.written(pages, usage_records.columns(sides), kind):
                sys.stdout.write(piece.decode())
        finally:
            await store.close()

    try:
        asyncio.run(run())
    except AppError as error:
        _give_up(*_why_no_start(error))


def told(command: Callable[[ModuleType, Settings], AsyncIterator[str]]) -> None:
    """Run a command of `commands`, and print what it says."""
    from webapp import commands  # noqa: PLC0415  # as above

    chosen = _settings()
    log.configure(level=logging.ERROR, secrets=chosen.secrets())
    sys.stdout.reconfigure(errors='backslashreplace')  # type: ignore[union-attr]

    async def run() -> None:
        async for line in command(commands, chosen):
            print(line, flush=True)

    try:
        asyncio.run(run())
    except commands.CommandFailed as failed:
        _give_up(*failed.lines)
    except AppError as error:
        _give_up(*_why_no_start(error))


async def _asked_to_stop() -> None:
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    await stop.wait()


def _listen(host: str, port: int) -> socket.socket:
    """Taken before anything is started: whether we get the port is the first thing to know."""
    try:
        return listen(host, port)
    except CannotListen as error:
        _give_up(str(error))


def _why_no_start(error: AppError) -> tuple[str, ...]:
    from webapp.store import schema  # noqa: PLC0415  # as above

    if error.detail == schema.NEWER:
        return (schema.NEWER, 'Install the version that was here before, or give DATABASE_URL another database.')
    return (
        f'The database cannot be used: {error.detail or error.code}.',
        'DATABASE_URL says where it is; `webapp doctor` tells more.',
    )


def _takes_color() -> bool:
    return sys.stdout.isatty() and 'NO_COLOR' not in os.environ and os.environ.get('TERM') != 'dumb'


def _settings(host: str | None = None, port: int | None = None) -> Settings:
    try:
        return settings.load(host=host, port=port)
    except SettingsError as error:
        _refuse(error)


def _refuse(error: SettingsError) -> NoReturn:
    _give_up('These settings make no sense:', *(f'- {problem}' for problem in error.problems), status=WRONG_SETTINGS)


def _give_up(*lines: str, status: int = FAILED) -> NoReturn:
    print(*lines, sep='\n', file=sys.stderr)
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser('webapp', description='A browser front door for Dify apps.')
    parser.add_argument('--version', action='version', version=f'webapp {__version__}')
    commands = parser.add_subparsers(dest='command', required=True, metavar='command')

    def command(name: str, what: str, *examples: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=what,
            description=f'{what[0].upper()}{what[1:]}.',
            epilog='\n'.join(('examples:', *(f'  {example}' for example in examples))),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    server = command(
        'serve',
        'run the server',
        'webapp serve',
        'webapp serve --port 9000',
        'DIFY_BASE_URL=https://dify.example.com/v1 DIFY_API_KEY=app-... webapp serve',
        'webapp serve --log-format json 2>> webapp.log',
    )
    _add_address(server)
    server.add_argument(
        '--log-format', choices=get_args(log.Format), default='text', help='for people, or for machines'
    )
    doctor = command(
        'doctor',
        'look at settings, database and apps, and say what is wrong and how to mend it',
        'webapp doctor',
        'webapp doctor --format json',
        'docker exec CONTAINER webapp doctor',
    )
    _add_address(doctor)
    doctor.add_argument('--format', choices=('text', 'json'), default='text', help='for people, or for machines')
    demo = command(
        'demo-upstream',
        'run only the demo upstream, which talks like a Dify server',
        'webapp demo-upstream --port 8090',
        'DIFY_BASE_URL=http://127.0.0.1:8090/v1 DIFY_API_KEY=demo webapp serve',
    )
    demo.add_argument('--host', default='127.0.0.1', help='address to listen on (default: %(default)s)')
    demo.add_argument('--port', type=_port, default=8090, help='port to listen on, 0 for any (default: %(default)s)')
    demo.add_argument('--form', action='store_true', help='ask for the values of a form before the first question')
    command(
        'migrate',
        'bring the database to the newest form; `serve` does it too',
        'webapp migrate',
        'DATABASE_URL=postgresql+psycopg://chat:...@db/chat webapp migrate',
    )
    spent = command(
        'usage',
        'print what everybody cost: one row for each group and currency',
        'webapp usage',
        'webapp usage --from 2026-03-01 --to 2026-03-31 --by user,app,day --format csv',
    )
    spent.add_argument('--from', dest='since', type=_day, metavar='DAY', help='in UTC; else the first of the month')
    spent.add_argument('--to', dest='until', type=_day, metavar='DAY', help='in UTC, included; else today')
    spent.add_argument(
        '--by', type=_sides, default=['user'], metavar='SIDES', help=f'any of {",".join(SIDES)} (default: user)'
    )
    spent.add_argument('--format', choices=('csv', 'json'), default='csv', help='(default: %(default)s)')
    kept = command(
        'retention',
        'say what has been kept for long enough by the settings, and let it go',
        'webapp retention',
        'webapp retention --apply',
    )
    kept.add_argument('--apply', action='store_true', help='do it; else it is only told what would go')
    person = command(
        'person',
        'give out all that is held of a person, or forget them',
        'webapp person export ann@example.com --output ann.zip',
        'webapp person forget ann@example.com',
        'webapp person forget ann@example.com --apply',
    ).add_subparsers(dest='what', required=True, metavar='what')
    out = person.add_parser('export', help='write all that is held of them as a ZIP file')
    gone = person.add_parser('forget', help='say what there is, and delete it, here and in Dify')
    for each in (out, gone):
        each.add_argument('who', metavar='PERSON', help='id or e-mail address')
    out.add_argument('--output', type=Path, required=True, metavar='FILE', help='to write; must not be there yet')
    gone.add_argument('--apply', action='store_true', help='do it; else it is only told what would go')
    ticket = command(
        'embed-ticket',
        'print a token as a host would sign it, and the address that shows the embed with it',
        'webapp embed-ticket helpdesk',
        'webapp embed-ticket helpdesk --sub customer-7 --name "Customer 7" --groups staff,press --minutes 1',
    )
    ticket.add_argument('id', metavar='ID', help='of the embed, as in `embeds.id`')
    ticket.add_argument(
        '--sub', type=_claim, default='trial', help="the host's id of the person (default: %(default)s)"
    )
    ticket.add_argument('--name', type=_claim, help='of the person')
    ticket.add_argument('--email', type=_claim, help='of the person')
    ticket.add_argument('--groups', type=_groups, metavar='A,B', help='that the person is in')
    ticket.add_argument('--kid', help='of the key to sign with (default: the first secret)')
    ticket.add_argument(
        '--minutes', type=int, choices=range(1, 6), default=5, help='until when it counts (default: %(default)s)'
    )
    return parser


def _claim(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError('is no text in the encoding of this terminal') from None
    if not 0 < len(text) <= MAX_CLAIM:
        raise argparse.ArgumentTypeError(f'must have between one and {MAX_CLAIM} characters')
    return text


def _groups(text: str) -> list[str]:
    return [_claim(group.strip()) for group in text.split(',') if group.strip()]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text} is no day; write it like 2026-03-01') from None


def _sides(text: str) -> list[str]:
    sides = [side.strip() for side in text.split(',') if side.strip()]
    if unknown := [side for side in sides if side not in SIDES]:
        raise argparse.ArgumentTypeError(f'{unknown[0]} is none of {", ".join(SIDES)}')
    return sides


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--host', help='address to listen on; wins over WEBAPP_HOST')
    parser.add_argument('--port', type=_port, help='port to listen on, 0 for a free one; wins over WEBAPP_PORT')


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r} is no number') from None
    if not 0 <= port <= MAX_PORT:
        raise argparse.ArgumentTypeError(f'a port lies between 0 and {MAX_PORT}')
    return port
