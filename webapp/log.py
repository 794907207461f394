"""What we write down: one line per event, without a secret in it."""

import json
import logging
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

Format = Literal['text', 'json']

MIN_SECRET = 6  # shorter texts occur by chance, and blotting them out would spoil the log
BLOT = '***'
QUIET = ('alembic', 'httpx', 'httpcore', 'asyncio')

request_id: ContextVar[str] = ContextVar('request_id', default='-')


def configure(form: Format = 'text', *, secrets: Iterable[str] = (), level: int = logging.INFO) -> None:
    """Send everything to standard error, with `secrets` blotted out wherever they might turn up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(form, [secret for secret in secrets if len(secret) >= MIN_SECRET]))
    handler.addFilter(_keeps)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ('nicegui', 'uvicorn', 'uvicorn.error', 'uvicorn.access'):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def _keeps(record: logging.LogRecord) -> bool:
    """uvicorn logs each socket with its query string, and with it a page's id; our own access log has it already."""
    return not (record.name == 'uvicorn.error' and '"WebSocket' in record.msg)


class _Formatter(logging.Formatter):
    def __init__(self, form: Format, secrets: list[str]) -> None:
        super().__init__()
        self._form = form
        self._secrets = sorted(secrets, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        trace = self.formatException(record.exc_info) if record.exc_info else ''
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec='milliseconds').replace('+00:00', 'Z')
        if self._form == 'json':
            fields = {'time': when, 'level': record.levelname, 'logger': record.name, 'request': request_id.get()}
            line = json.dumps({**fields, 'message': text, **({'traceback': trace} if trace else {})})
        else:
            line = f'{when} {record.levelname:<7} {request_id.get():<8} {record.name}: {text}'
            line += f'\n{trace}' if trace else ''
        for secret in self._secrets:
            line = line.replace(secret, BLOT)
        return line
