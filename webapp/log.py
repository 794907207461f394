"""What we write down: one line per event, without a secret in it.

A line says which request it belongs to and, for machines, whose it was: by id, never by name. What people write or
read is never logged.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal
from urllib.parse import quote

Format = Literal['text', 'json']

MIN_SECRET = 6  # shorter texts occur by chance, and blotting them out would spoil the log
BLOT = '***'
# uvicorn's own name sockets and calls with their queries; our access log does without
QUIET = ('alembic', 'httpx', 'httpcore', 'asyncio', 'uvicorn.error', 'uvicorn.access')
CONTROLS = re.compile(r'[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]')


@dataclass(slots=True)
class Caller:
    """Whose request it is. It becomes known late, in a task of its own, and so it is one object for all of them."""

    user_id: str = ''


# Tasks inherit both: what an answer's task logs leads back to the click that began it.
request_id: ContextVar[str] = ContextVar('request_id', default='-')
caller: ContextVar[Caller | None] = ContextVar('caller', default=None)


def configure(form: Format = 'text', *, secrets: Iterable[str] = (), level: int = logging.INFO) -> None:
    """Send everything to standard error, with `secrets` blotted out wherever they might turn up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(form, blotter(secrets)))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ('nicegui', 'uvicorn', 'uvicorn.error', 'uvicorn.access'):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def is_by(user_id: str) -> None:
    """Whose request this is; from here on its lines say so."""
    if who := caller.get():
        who.user_id = user_id


def blotter(secrets: Iterable[str]) -> re.Pattern[str]:
    """What finds `secrets` in a text, also as they stand in an address. The longest first: one may begin another."""
    forms = {form for secret in secrets if len(secret) >= MIN_SECRET for form in (secret, quote(secret, safe=''))}
    return re.compile('|'.join(map(re.escape, sorted(forms, key=len, reverse=True))) or r'(?!)')


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger('webapp').critical('ended by a bug', exc_info=(kind, error, trace))


class _Formatter(logging.Formatter):
    def __init__(self, form: Format, secrets: re.Pattern[str]) -> None:
        super().__init__()
        self._form = form
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        text = self._secrets.sub(BLOT, record.getMessage())
        trace = self._secrets.sub(BLOT, self.formatException(record.exc_info)) if record.exc_info else ''
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec='milliseconds').replace('+00:00', 'Z')
        if self._form == 'text':
            text = CONTROLS.sub(lambda control: repr(control[0])[1:-1], text)  # a stranger's text must not make lines
            return f'{when} {record.levelname:<7} {request_id.get():<8} {record.name}: {text}' + (
                trace and f'\n{trace}'
            )
        fields = {
            'time': when,
            'level': record.levelname,
            'logger': record.name,
            'message': text,
            'request_id': request_id.get(),
        }
        who = caller.get()
        known = {'user_id': who.user_id if who else '', 'exception': trace}
        return json.dumps(fields | {name: value for name, value in known.items() if value})
