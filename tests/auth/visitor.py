"""Somebody with a browser of their own who signs in, over real HTTP; and what the database keeps of that."""

import itertools
import json
import re
import sqlite3
from contextlib import closing
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from support import direct
from support.server import Server

ADDRESSES = (f'198.51.{part}.{number}' for part, number in itertools.product(range(256), range(256)))
NO_KEEPALIVE = httpx.Limits(max_keepalive_connections=0)  # so that nothing stays open
PLAIN = 'chat'  # the session's cookie


class Visitor:
    """:param address: from where they come, as a proxy in front of the app tells it"""

    def __init__(self, server: Server, address: str = '') -> None:
        self.server = server
        headers = {'X-Forwarded-For': address or next(ADDRESSES), 'Accept': 'text/html'}
        self.http = direct.client(server.url, headers=headers, limits=NO_KEEPALIVE)

    @property
    def session(self) -> str:
        return self.http.cookies.get(PLAIN, '')

    def begin(self, provider: str = 'company', **query: str) -> str:
        """Ask to sign in; where that leads."""
        answer = self.http.get(f'/auth/{provider}/login', params=query)
        assert answer.status_code == 303, answer.text
        return answer.headers['location']

    def ask_to_link(self, provider: str, **headers: str) -> httpx.Response:
        """Press the button for one more way in."""
        return self.http.post(f'/auth/{provider}/link', headers={'Origin': self.server.url} | headers)

    def begin_link(self, provider: str) -> str:
        """The same; where it leads."""
        answer = self.ask_to_link(provider)
        assert answer.status_code == 200, answer.text
        return unescape(re.findall(r'url=([^"]+)', answer.text)[0])

    def link(self, provider: str) -> httpx.Response:
        """And prove it there; the last answer."""
        return self.http.get(self.agree(self.begin_link(provider)))

    def agree(self, address: str) -> str:
        """Sign in at the provider; where it sends the browser then."""
        answer = self.http.get(address)
        assert answer.is_redirect, answer.text
        return str(answer.headers['location'])

    def sign_in(self, provider: str = 'company', **query: str) -> httpx.Response:
        """All of it; the last answer."""
        return self.http.get(self.agree(self.begin(provider, **query)))

    def is_in(self) -> bool:
        return self.http.get('/').status_code == 200


def query(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def rows(server: Server, statement: str, *values: Any) -> list[dict[str, Any]]:
    """What the app's database says."""
    with closing(sqlite3.connect(server.folder / 'data' / 'webapp.db')) as connection, connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(statement, values)]


def kept(server: Server) -> dict[str, int]:
    """How much there is of people and their sessions."""
    tables = ('users', 'identities', 'sessions')
    return {table: rows(server, f'SELECT count(*) AS n FROM {table}')[0]['n'] for table in tables}


def audit(server: Server, action: str) -> list[dict[str, Any]]:
    """The details of all entries about it, the newest first."""
    found = rows(server, 'SELECT detail FROM audit WHERE action = ? ORDER BY at DESC', action)
    return [json.loads(row['detail']) for row in found]
