"""Real OpenID providers on this computer: a small one that lets everybody be anybody, and a certified one."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page
from support import direct
from support.server import free_port, wait_for

HERE = Path(__file__).parent
MODULES = HERE.parent / '.output' / 'node'
CERTIFIED = 'oidc-provider@9.13.3'
OLDEST_NODE = (20, 19)
Claims = Mapping[str, object]


@dataclass
class Provider:
    """A provider as a process of its own, which may be started again.

    :param host: a name of this computer; another one than the app's makes them two sites to a browser
    :param folder: for its log
    """

    folder: Path
    host: str = '127.0.0.1'
    port: int = field(default_factory=free_port)
    process: 'subprocess.Popen[bytes] | None' = None

    @property
    def issuer(self) -> str:
        return f'http://{self.host}:{self.port}'

    @property
    def log(self) -> str:
        return (self.folder / 'provider.log').read_text(errors='replace')

    def start(self) -> None:
        with (self.folder / 'provider.log').open('ab') as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        wait_for(self._is_ready, f'{self.issuer} to answer', 30)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)

    def command(self) -> list[str]:
        raise NotImplementedError

    def _is_ready(self) -> bool:
        assert self.process
        if self.process.poll() is not None:
            raise RuntimeError(f'the provider ended with status {self.process.returncode}:\n{self.log}')
        try:
            return direct.get(f'{self.issuer}/.well-known/openid-configuration').is_success
        except httpx.TransportError:
            return False


@dataclass
class Anybody(Provider):
    """oidc-provider-mock: whoever comes says who they are. It takes every client, and checks no secret."""

    accounts: Mapping[str, Claims] = field(default_factory=dict)

    def command(self) -> list[str]:
        people = [json.dumps({'sub': subject, **claims}) for subject, claims in self.accounts.items()]
        options = [part for person in people for part in ('--user-claims', person)]
        return [sys.executable, '-W', 'ignore', '-m', 'oidc_provider_mock', '--port', str(self.port), *options]

    @staticmethod
    def be(page: Page, subject: str) -> None:
        """On its page: sign in as somebody."""
        page.locator('input[name=sub]').fill(subject)
        page.get_by_role('button', name='Authorize').click()

    @staticmethod
    def deny(page: Page) -> None:
        page.get_by_role('button', name='Deny').click()

    @staticmethod
    def confirm(page: Page) -> None:
        """On the page that asks whether to sign out."""
        page.get_by_role('button', name='End session').click()


@dataclass
class Certified(Provider):
    """oidc-provider, which insists on PKCE, knows its clients, and tells them when somebody has signed out.

    :param app: the public address of the app that is its client
    :param name: what that app calls it
    """

    app: str = ''
    name: str = 'company'
    accounts: Mapping[str, Claims] = field(default_factory=dict)
    client_id: str = 'chat'
    client_secret: str = 'hush-of-the-certified'
    grants: Sequence[str] = ('authorization_code',)

    def command(self) -> list[str]:
        own = f'{self.app}/auth/{self.name}'
        client = {
            'client_id': self.client_id,
            'client_secret': self.client_secret,
            'redirect_uris': [f'{own}/callback'],
            'post_logout_redirect_uris': [f'{self.app}/login', f'{self.app}/'],
            'backchannel_logout_uri': f'{own}/backchannel-logout',
            'backchannel_logout_session_required': True,
            'grant_types': list(self.grants),
        }
        options = {
            'modules': str(modules()),
            'issuer': self.issuer,
            'port': self.port,
            'clients': [client],
            'accounts': self.accounts,
        }
        return ['node', str(HERE / 'certified.mjs'), json.dumps(options)]

    @staticmethod
    def be(page: Page, login: str) -> None:
        """On its page: sign in as somebody who has an account."""
        page.locator('input[name=login]').fill(login)
        page.locator('input[name=password]').fill('any')
        page.get_by_role('button', name='Sign-in').click()

    @staticmethod
    def deny(page: Page) -> None:
        page.get_by_role('link', name='Cancel').click()

    @staticmethod
    def confirm(page: Page) -> None:
        """On the page that asks whether to sign out."""
        page.get_by_role('button', name='Yes, sign me out').click()


@contextmanager
def running(provider: Provider) -> Iterator[Provider]:
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()


def modules() -> Path:
    """The folder that holds the certified provider; installed once, and kept. Without Node the test does not run."""
    node, npm = shutil.which('node'), shutil.which('npm')
    if node is None or npm is None:
        pytest.skip('oidc-provider: no Node')
    version = subprocess.run([node, '--version'], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(int(part) for part in version.lstrip('v').split('.')[:2]) < OLDEST_NODE:
        pytest.skip(f'oidc-provider: Node {version} is too old')
    if not MODULES.exists():
        _install(npm)
    return MODULES


def _install(npm: str) -> None:
    """In a folder beside it first, because other tests may do the same at the same time."""
    MODULES.parent.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=MODULES.parent, prefix='node-'))
    (folder / 'package.json').write_text('{"private": true}')
    options = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error']
    ended = subprocess.run(
        [npm, 'install', *options, CERTIFIED], cwd=folder, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        shutil.rmtree(folder)
        pytest.skip('oidc-provider: npm can not install it')
    try:
        folder.rename(MODULES)
    except OSError:  # somebody else was faster
        shutil.rmtree(folder)
