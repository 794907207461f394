"""Every route, asked by its owner and by everybody else. A route without a row fails."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from nicegui import __version__ as nicegui_version
from support.embedding import HOST
from support.server import OURS
from world import SECRET_WORD, UNKNOWN, World

LISTING = Path(__file__).with_name('listing.py')
IN = 200  # a page
TO_LOGIN = 303
FILE = {'file': ('note.txt', b'a note', 'text/plain')}


@dataclass(frozen=True)
class Row:
    """What each of five people is answered: the status.

    :param path: as a template of the owner's ids
    :param is_foreign: whether there is something of the owner's in the path, which nobody else may tell from nothing
    :param admin: an admin, before they are none any more
    """

    path: str
    owner: int
    other: int
    guest: int
    ex_admin: int
    nobody: int
    admin: int = 0
    is_foreign: bool = False
    request: dict[str, Any] = field(default_factory=dict)


def everybody(path: str, status: int, **request: Any) -> Row:
    return Row(path, status, status, status, status, status, request=request)


def admins(path: str, *, guest: int = TO_LOGIN) -> Row:
    """A guest may yet turn out to be one, so pages ask them to sign in."""
    return Row(path, 404, 404, guest, 404, TO_LOGIN, IN, is_foreign='{' in path)


# By route, as `listing.py` names it. Several rows where a route answers differently.
ROUTES: dict[str, list[Row]] = {
    'GET /': [Row('/', IN, IN, IN, IN, TO_LOGIN)],
    'GET /a/{app}': [
        Row('/a/default', IN, IN, IN, IN, TO_LOGIN),
        Row('/a/staff', IN, 404, 404, 404, TO_LOGIN),
        Row('/a/none', 404, 404, 404, 404, TO_LOGIN),
    ],
    'GET /a/{app}/c/{conversation}': [
        Row('/a/default/c/{conversation}', IN, 404, 404, 404, TO_LOGIN, is_foreign=True),
        Row('/a/staff/c/{conversation}', 404, 404, 404, 404, TO_LOGIN),
    ],
    'GET /a/{app}/icon': [  # tests/browser has an app with a picture
        Row('/a/default/icon', 404, 404, 404, 404, 404),
        Row('/a/staff/icon', 404, 404, 404, 404, 404),
    ],
    'GET /files/{file_id}': [
        Row('/files/{file}', 200, 404, 404, 404, 404, is_foreign=True),
        Row('/files/{unsent}', 200, 404, 404, 404, 404, is_foreign=True),
        Row('/files/{file}?download', 200, 404, 404, 404, 404, is_foreign=True),
    ],
    'POST /uploads': [
        Row('/uploads', 201, 201, 201, 201, 401, request={'data': {'app': 'default'}, 'files': FILE}),
        Row('/uploads', 201, 404, 404, 404, 401, request={'data': {'app': 'staff'}, 'files': FILE}),
    ],
    'POST /uploads/link': [  # closed to everybody unless the operator allows links
        Row('/uploads/link', 403, 403, 403, 403, 401, request={'data': {'app': 'default', 'url': 'https://a.org/b'}}),
        Row('/uploads/link', 403, 404, 404, 404, 401, request={'data': {'app': 'staff', 'url': 'https://a.org/b'}}),
    ],
    'POST /uploads/text': [Row('/uploads/text', 201, 201, 201, 201, 401, request={'content': b'a long text'})],
    'GET /speech/{message_id}/{piece}': [
        Row('/speech/{message}/0', 200, 404, 404, 404, 404),  # for its owner, upstream is asked
        Row('/speech/{message}/99', 404, 404, 404, 404, 404, is_foreign=True),
    ],
    'GET /speech/{message_id}/whole': [  # tests/speech has an app that speaks unasked
        Row('/speech/{message}/whole', 404, 404, 404, 404, 404),
    ],
    'POST /speech': [  # the demo does not hear
        Row('/speech?app=default', 409, 409, 409, 409, 401, request={'content': b'RIFF'}),
        Row('/speech?app=staff', 409, 404, 404, 404, 401, request={'content': b'RIFF'}),
    ],
    # pages of other sites: neither a login nor an app for everybody counts there, only what a host says
    'GET /embed/{embed}': [
        everybody('/embed/helpdesk', 200),
        everybody('/embed/helpdesk?token=x.y.z', 403),
        everybody('/embed/helpdesk?token=', 200),
        everybody('/embed/none', 404),
    ],
    'POST /embed/{embed}': [
        everybody('/embed/helpdesk', 401, json={'token': None, 'origin': HOST}),
        everybody('/embed/helpdesk', 403, json={'token': 'x.y.z', 'origin': HOST}),
        everybody('/embed/helpdesk', 403, json={'token': None, 'origin': 'https://evil.example'}),
        everybody('/embed/helpdesk', 400, json={}),
        everybody('/embed/none', 404, json={'token': None, 'origin': HOST}),
    ],
    'GET /embed/{embed}/chat': [
        everybody('/embed/helpdesk/chat', 303),
        everybody('/embed/helpdesk/chat?t=x&c={conversation}', 303),
        everybody('/embed/team/chat', 303),
        everybody('/embed/none/chat', 404),
    ],
    'GET /me': [Row('/me', IN, IN, TO_LOGIN, IN, TO_LOGIN, IN)],
    'GET /me/export.zip': [Row('/me/export.zip', 200, 200, TO_LOGIN, 200, TO_LOGIN, 200)],
    'GET /admin': [admins('/admin')],
    'GET /admin/usage': [admins('/admin/usage'), admins('/admin/usage?user={user}&by=answer')],
    'GET /admin/usage.csv': [admins('/admin/usage.csv', guest=404), admins('/admin/usage.csv?user={user}', guest=404)],
    'GET /admin/usage.json': [admins('/admin/usage.json', guest=404)],
    'GET /admin/budgets': [admins('/admin/budgets'), admins('/admin/budgets?user={user}')],
    'GET /admin/embeds': [admins('/admin/embeds')],
    'GET /admin/users': [admins('/admin/users'), admins('/admin/users?q=ann')],
    'GET /admin/users/{user}': [admins('/admin/users/{user}')],
    'GET /admin/users/{user}/export.zip': [  # not even for admins: see tests/people for who may
        Row('/admin/users/{user}/export.zip', 404, 404, 404, 404, TO_LOGIN, 404, is_foreign=True)
    ],
    'GET /admin/feedback': [admins('/admin/feedback'), admins('/admin/feedback?rating=dislike&q=canary')],
    'GET /admin/feedback/{feedback}': [  # not even for admins: see tests/feedback for who may
        Row('/admin/feedback/{message}', 404, 404, TO_LOGIN, 404, TO_LOGIN, 404, is_foreign=True)
    ],
    'GET /admin/feedback.csv': [admins('/admin/feedback.csv', guest=404)],
    'GET /admin/feedback.json': [admins('/admin/feedback.json?q=canary', guest=404)],
    'GET /admin/audit': [admins('/admin/audit'), admins('/admin/audit?who={user}')],
    'GET /admin/audit.csv': [admins('/admin/audit.csv', guest=404), admins('/admin/audit.csv?who={user}', guest=404)],
    'GET /admin/audit.json': [admins('/admin/audit.json', guest=404)],
    # for whoever has yet to come in; what they let through is for tests/auth to tell
    'GET /login': [Row('/login', TO_LOGIN, TO_LOGIN, IN, TO_LOGIN, IN, TO_LOGIN)],
    'GET /auth/{provider}/login': [everybody('/auth/none/login', 404)],
    'POST /auth/{provider}/link': [everybody('/auth/none/link', 404)],
    'GET /auth/{provider}/callback': [everybody('/auth/none/callback?code=x&state=x', 404)],
    'POST /auth/{provider}/backchannel-logout': [everybody('/auth/none/backchannel-logout', 404)],
    # within pages of other sites; tests/embedding tells who gets in there
    'POST /embed/{embed}/pairings': [everybody('/embed/none/pairings', 404)],
    'POST /embed/{embed}/pairings/poll': [everybody('/embed/none/pairings/poll', 404)],
    'GET /embed/{embed}/sign-in': [everybody('/embed/none/sign-in', 404)],
    'POST /embed/{embed}/sign-in': [everybody('/embed/none/sign-in', 404)],
    'GET /embed/{embed}/signed-in': [everybody('/embed/none/signed-in', 404)],
    'POST /logout': [everybody('/logout', 303)],
    'GET /healthz': [everybody('/healthz', 200)],
    'GET /readyz': [everybody('/readyz', 200)],
    'GET /metrics': [everybody('/metrics', 200)],  # of this computer; tests/operations tells of others
    'GET /favicon.ico': [everybody('/favicon.ico', 200)],
    'HEAD /favicon.ico': [everybody('/favicon.ico', 200)],
    # the framework's own: files for everybody, with nothing of anybody's
    'MOUNT /': [everybody('/nothing', 404)],
    'MOUNT /_nicegui_ws': [everybody('/_nicegui_ws/nothing', 404)],
    'MOUNT /_nicegui/{version}/static': [everybody('/_nicegui/{version}/static/nothing', 404)],
    'GET /_nicegui/{version}/libraries/{key:path}': [everybody('/_nicegui/{version}/libraries/nothing', 404)],
    'GET /_nicegui/{version}/components/{key:path}': [everybody('/_nicegui/{version}/components/nothing', 404)],
    'GET /_nicegui/{version}/resources/{key}/{path:path}': [everybody('/_nicegui/{version}/resources/a/b', 404)],
    'GET /_nicegui/{version}/dynamic_resources/{name}': [everybody('/_nicegui/{version}/dynamic_resources/a', 404)],
    'GET /_nicegui/{version}/esm/{key}/{path:path}': [everybody('/_nicegui/{version}/esm/a/b', 404)],
}
CASES = [(route, row) for route, rows in ROUTES.items() for row in rows]


def test_every_route_has_a_row(world: World) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    settings = world.server.environment | {'DATABASE_URL': 'sqlite:///listing.db'}
    command = [sys.executable, str(LISTING)]
    answer = subprocess.run(
        command, cwd=world.server.folder, env=own | settings, capture_output=True, text=True, check=True
    )
    found = {route.replace(nicegui_version, '{version}') for route in json.loads(answer.stdout)}
    assert found == ROUTES.keys()


@pytest.mark.parametrize(('route', 'row'), CASES, ids=[f'{route} {row.path}' for route, row in CASES])
def test_who_may_ask_for_what(world: World, route: str, row: Row) -> None:
    method = route.partition(' ')[0].replace('MOUNT', 'GET')
    path, nowhere = (
        row.path.format(**ids, version=nicegui_version) for ids in (world.ids, dict.fromkeys(world.ids, UNKNOWN))
    )
    with world.everybody() as people:
        if row.admin:
            answer = ask(people['ex_admin'], method, path, row)
            assert (answer.status_code, SECRET_WORD in answer.text) == (row.admin, False)
        assert people['ex_admin'].get('/a/staff').status_code == 200
        world.demote()
        people['guest'].get('/')  # brings a session
        before, asked = world.rows(), len(world.asked)
        for who, http in people.items():
            answer = ask(http, method, path, row)
            assert answer.status_code == getattr(row, who), f'{who}: {answer.text[:200]}'
            if who != 'owner':
                assert SECRET_WORD not in answer.text
                if row.is_foreign and answer.status_code == 404:
                    assert without_ids(answer.text) == without_ids(ask(http, method, nowhere, row).text)
    if row.is_foreign:
        assert (world.rows(), world.asked[asked:]) == (before, [])


def ask(http: httpx.Client, method: str, path: str, row: Row) -> httpx.Response:
    return http.request(method, path, headers={'Origin': str(http.base_url).rstrip('/')}, **row.request)


def without_ids(text: str) -> str:
    """What is another one each time goes: nonces, numbers of requests, and what was asked for."""
    return re.sub(r'\b[\w-]{8,}\b', lambda word: '#' if re.search(r'\d', word[0]) else word[0], text)
