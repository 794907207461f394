"""Addresses that prove whose they are, for pages of ours within others': there, browsers may keep no cookie of ours.

/files/ID?s=SESSION&e=EXPIRES&m=MAC

A pass is for one purpose, one object and one session, and for a few minutes. It dies with the session.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from starlette.requests import Request

from webapp import clock, files
from webapp.embedding.sessions import EmbedSessions
from webapp.principal import Principal

HOLDS = timedelta(minutes=10)  # at the most
STEP = timedelta(minutes=5)  # within which the same pass is given again, so that what shows it has not changed
SESSION = re.compile(r'[0-9a-f]{64}')
EXPIRES = re.compile(r'\d{1,12}', re.ASCII)


class Purpose(StrEnum):
    FILE = 'file'  # to read; the object is its id
    UPLOAD = 'upload'  # no object
    SPEAK = 'speak'  # an answer aloud; the object is the id of its message
    HEAR = 'hear'  # speech, as words; no object


class Passes:
    """:param secret: of the instance; the key is derived from it"""

    def __init__(self, sessions: EmbedSessions, secret: str, *, now: Callable[[], datetime] = clock.now) -> None:
        self._sessions = sessions
        self._key = hmac.digest(secret.encode(), b'passes', hashlib.sha256)
        self._now = now

    def file(self, principal: Principal, file_id: str) -> str:
        """Where a person's page finds a file; with a pass, if it stands within another."""
        address = files.address(file_id)
        return f'{address}?{self.query(principal, Purpose.FILE, file_id)}' if principal.within else address

    def query(self, principal: Principal, purpose: Purpose, object_id: str = '') -> str:
        """What an address needs to have behind `?`."""
        step = int(STEP.total_seconds())
        expires = (int((self._now() + HOLDS).timestamp()) // step) * step
        mac = self._mac(purpose, principal.session_id, object_id, expires)
        return f's={principal.session_id}&e={expires}&m={mac}'

    async def principal(self, request: Request, purpose: Purpose, object_id: str = '') -> Principal | None:
        """Whose pass a request shows, if it is a good one and their session lives."""
        query: Mapping[str, str] = request.query_params
        session_id, expires, mac = (query.get(name, '') for name in 'sem')
        if not SESSION.fullmatch(session_id) or not EXPIRES.fullmatch(expires) or not mac.isascii():
            return None
        expected = self._mac(purpose, session_id, object_id, int(expires))
        if not hmac.compare_digest(mac, expected) or int(expires) <= self._now().timestamp():
            return None
        return await self._sessions.find(session_id, request.scope)

    def _mac(self, purpose: Purpose, session_id: str, object_id: str, expires: int) -> str:
        text = '\0'.join((purpose, session_id, object_id, str(expires)))
        return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()


def is_shown(request: Request) -> bool:
    """Whether a request shows a pass, good or not: then nothing else counts."""
    return 'm' in request.query_params
