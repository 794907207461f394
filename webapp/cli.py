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
import sys
from collections.abc import Sequence
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import get_args

from webapp import __version__, log
from webapp.commands.terminal import FAILED, INTERRUPTED, CommandFailed
from webapp.listening import CannotListen

MAX_PORT = 65535
MAX_CLAIM = 500  # characters, as in `embedding.host_tokens`, which takes long to load
SIDES = ('user', 'group', 'app', 'day', 'model', 'outcome')  # as in `store.reports`, which takes long to load


def main(arguments: Sequence[str] | None = None) -> None:
    said = vars(_parser().parse_args(arguments))
    command = said.pop('command').replace('-', '_')
    try:
        import_module(f'webapp.commands.{command}').run(**said)  # that one alone: some take long to load
    except CommandFailed as failed:
        _give_up(*failed.lines, status=failed.status)
    except CannotListen as error:
        _give_up(str(error))
    except KeyboardInterrupt:  # before, or after, somebody who takes it for a wish to stop
        sys.exit(INTERRUPTED)


def _give_up(*lines: str, status: int = FAILED) -> None:
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
    doctor.add_argument(
        '--format', dest='form', choices=('text', 'json'), default='text', help='for people, or for machines'
    )
    demo = command(
        'demo-upstream',
        'run only the demo upstream, which talks like a Dify server',
        'webapp demo-upstream --port 8090',
        'DIFY_BASE_URL=http://127.0.0.1:8090/v1 DIFY_API_KEY=demo webapp serve',
    )
    demo.add_argument('--host', default='127.0.0.1', help='address to listen on (default: %(default)s)')
    demo.add_argument('--port', type=_port, default=8090, help='port to listen on, 0 for any (default: %(default)s)')
    demo.add_argument(
        '--form', dest='has_form', action='store_true', help='ask for the values of a form before the first question'
    )
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
    spent.add_argument('--format', dest='form', choices=('csv', 'json'), default='csv', help='(default: %(default)s)')
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
    ticket.add_argument('embed', metavar='ID', help='of the embed, as in `embeds.id`')
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
