"""The app with a way to sign in: a provider on this computer, where everybody is who they say they are.

Started by `make login`. Both end with Ctrl-C. What is written stays in `data/login`, apart from that of `make run`.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from webapp.settings import local_secret

DATA = Path('data', 'login')
PEOPLE: dict[str, dict[str, object]] = {
    'ann': {'name': 'Ann', 'email': 'ann@example.com', 'email_verified': True, 'groups': ['staff']},
    'bob': {'name': 'Bob', 'email': 'bob@example.com', 'email_verified': True},
}
ADMIN = 'ann'


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(signal.SIGTERM + 128))
    with provider() as issuer:
        print(f'Sign in as {ADMIN}, who is an admin, as bob, or as anybody. The provider: {issuer}', flush=True)
        app = subprocess.Popen([sys.executable, '-m', 'webapp', 'serve'], env=settings(issuer))
        try:
            sys.exit(app.wait())
        except KeyboardInterrupt:
            sys.exit(app.wait())  # the terminal has told it, too
        finally:
            app.terminate()
            app.wait()


def settings(issuer: str) -> dict[str, str]:
    """Those of the environment, and what a login needs."""
    return os.environ | {
        'OIDC_ISSUER': issuer,
        'OIDC_CLIENT_ID': 'chat',
        'OIDC_CLIENT_SECRET': secrets.token_hex(16),  # this provider takes any
        'WEBAPP_ADMINS': ADMIN,
        'WEBAPP_SECRET': local_secret.keep(DATA),
        'DATABASE_URL': f'sqlite:///{DATA}/webapp.db',
    }


@contextmanager
def provider() -> Iterator[str]:
    """Its address. By another name than the app's, so that to a browser they are two sites, as they mostly are."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    people = [part for sub, said in PEOPLE.items() for part in ('--user-claims', json.dumps({'sub': sub, **said}))]
    command = [sys.executable, '-W', 'ignore', '-m', 'oidc_provider_mock', '--port', str(port), *people]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  our words
    try:
        yield f'http://localhost:{port}'
    finally:
        process.terminate()
        process.wait()


if __name__ == '__main__':
    main()
