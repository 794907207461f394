"""What the doctor says of those who vouch for people."""

import secrets
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
from doctor_support import Diagnosis, Issuer, Start, examine
from support.providers import Anybody, Certified, running

SECRET = secrets.token_hex(32)
HUSH = 'hush-of-the-provider'
BASE = {'WEBAPP_SECRET': SECRET, 'WEBAPP_ADMINS': 'ann@example.com'}
CHECK = 'sign-in oidc'


@pytest.fixture(scope='module')
def anybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anybody]:
    with running(Anybody(tmp_path_factory.mktemp('provider'))) as provider:
        assert isinstance(provider, Anybody)
        yield provider


def of(folder: Path, issuer: str, **settings: str) -> Diagnosis:
    quick = {'OIDC_ISSUER': issuer, 'OIDC_CLIENT_ID': 'chat', 'OIDC_CLIENT_SECRET': HUSH}
    found = examine(folder, **BASE | quick | settings)
    assert HUSH not in found.output
    return found


def write(folder: Path, *issuers: str) -> None:
    """A `webapp.toml` with providers called p0, p1, ..."""
    tables = (
        f'[[providers]]\nname = "p{number}"\nissuer = "{issuer}"\nclient_id = "chat"\nclient_secret = "{HUSH}"\n'
        for number, issuer in enumerate(issuers)
    )
    (folder / 'webapp.toml').write_text(''.join(tables))
    (folder / 'webapp.toml').chmod(0o600)


def of_several(folder: Path, *issuers: str) -> Diagnosis:
    write(folder, *issuers)
    return examine(folder, **BASE)


def test_all_is_well_and_what_the_provider_must_know_is_told(tmp_path: Path, anybody: Anybody) -> None:
    found = of(tmp_path, anybody.issuer, WEBAPP_PUBLIC_URL='http://127.0.0.1:8080')
    assert (found.status, found.bad) == (0, {})
    assert found[CHECK].startswith(anybody.issuer)
    assert 'signs people out there too' in found[CHECK]
    own = 'http://127.0.0.1:8080/auth/oidc'
    assert found.texts(CHECK)[-1] == (
        f'register there: redirect URI {own}/callback; after sign-out http://127.0.0.1:8080/login; '
        f'back-channel logout {own}/backchannel-logout'
    )
    assert any('clock agrees' in text for text in found.texts(CHECK))


def test_a_certified_one_tells_of_sign_outs(tmp_path: Path) -> None:
    with running(Certified(tmp_path, app='http://127.0.0.1:8080')) as provider:
        found = of(tmp_path, provider.issuer)
    assert (found.status, found.bad) == (0, {})
    assert 'tells when somebody has signed out elsewhere' in found[CHECK]


def serve(upstream: Start, issuer: Issuer, /, **changes: object) -> str:
    url = upstream(issuer)
    issuer.describe(url, **changes)
    return url


class TestTheProvider:
    def test_nobody_there(self, tmp_path: Path) -> None:
        with socket.create_server(('127.0.0.1', 0)) as gone:
            port = gone.getsockname()[1]
        found = of(tmp_path, f'http://127.0.0.1:{port}')
        assert found.status == 1
        assert 'nobody answers there' in found.bad[CHECK]
        assert 'redirect URI' in found.texts(CHECK)[-1]

    def test_it_never_says_a_word(self, tmp_path: Path, silent: int) -> None:
        assert 'no answer within' in of(tmp_path, f'http://127.0.0.1:{silent}')[CHECK]

    def test_a_page_in_place_of_its_configuration(self, tmp_path: Path, upstream: Start) -> None:
        assert 'answers 200 with' in self.wrong(tmp_path, upstream(Issuer(page='<html>Welcome')))

    def test_somewhere_else(self, tmp_path: Path, upstream: Start) -> None:
        there = {'Location': 'https://id.example.com/.well-known/openid-configuration?token=abc'}
        text = self.wrong(tmp_path, upstream(Issuer(status=302, headers=there)))
        assert 'sends us on to https://id.example.com/.well-known/openid-configuration,' in text

    def test_what_can_not_be_relied_on(self, tmp_path: Path, upstream: Start) -> None:
        faults: dict[str, dict[str, object]] = {
            "says that its issuer is 'https://id.example.com'": {'issuer': 'https://id.example.com'},
            "says that its issuer is 'None'": {'issuer': None},
            'its token_endpoint is not https': {'token_endpoint': 'http://id.example.com/token'},
            'its jwks_uri is no address': {'jwks_uri': None},
            'it signs by HS256, none alone': {'id_token_signing_alg_values_supported': ['HS256', 'none']},
        }
        found = of_several(tmp_path, *(serve(upstream, Issuer(), **changes) for changes in faults.values()))
        assert found.status == 1
        for number, fault in enumerate(faults):
            assert fault in found.bad[f'sign-in p{number}']

    def test_it_has_no_keys(self, tmp_path: Path, upstream: Start) -> None:
        url = serve(upstream, Issuer(keys=[{'kty': 'oct', 'k': 'c2VjcmV0'}]))
        assert of(tmp_path, url).bad == {CHECK: 'it publishes no key that we can use'}

    def test_doubts_are_warnings(self, tmp_path: Path, upstream: Start) -> None:
        url = serve(upstream, Issuer(), code_challenge_methods_supported=['plain'])
        found = of(tmp_path, url)
        assert (found.status, found.bad) == (0, {CHECK: 'it does not announce PKCE with S256, which we always send'})

    def test_the_clock(self, tmp_path: Path, upstream: Start) -> None:
        states = {20: 'ok', 90: 'warning', -90: 'warning', 600: 'wrong'}
        dates = (formatdate(time.time() + ahead, usegmt=True) for ahead in states)
        found = of_several(tmp_path, *(serve(upstream, Issuer(headers={'Date': date})) for date in dates))
        for number, (ahead, state) in enumerate(states.items()):
            told = next(c for c in found.checks if c['check'] == f'sign-in p{number}' and 'clock' in c['text'])
            assert told['state'] == state
            if state != 'ok':
                assert ('ahead of' if ahead > 0 else 'behind') in told['text']
                assert 'NTP' in told['remedy']

    @staticmethod
    def wrong(folder: Path, url: str) -> str:
        found = of(folder, url)
        assert found.status == 1
        assert found.remedies[CHECK]
        return found.bad[CHECK]


class TestTheSettings:
    def test_no_secret(self, tmp_path: Path, anybody: Anybody) -> None:
        found = of(tmp_path, anybody.issuer, OIDC_CLIENT_SECRET='')
        assert found.bad == {CHECK: 'has no client secret; only a public client can do without'}

    def test_nobody_is_an_admin(self, tmp_path: Path, anybody: Anybody) -> None:
        assert of(tmp_path, anybody.issuer, WEBAPP_ADMINS='').bad == {'admins': 'nobody is an admin'}

    def test_entra_says_little_of_addresses(self, tmp_path: Path, anybody: Anybody) -> None:
        table = (
            '[[providers]]\nname = "company"\npreset = "entra"\nissuer = "{}"\nclient_id = "chat"\n'
            'client_secret = "{}"\nallowed_domains = ["example.com"]\n'
        )
        (tmp_path / 'webapp.toml').write_text(table.format(anybody.issuer, HUSH))
        (tmp_path / 'webapp.toml').chmod(0o600)
        found = examine(tmp_path, **BASE)
        assert found.bad['sign-in company'].startswith('Entra rarely says')
        assert HUSH not in found.output

    def test_one_that_is_found_without_discovery(self, tmp_path: Path, upstream: Start) -> None:
        url = upstream(Issuer(status=404))
        table = f'[[providers]]\nname = "forge"\npreset = "oauth2"\nclient_id = "chat"\nclient_secret = "{HUSH}"\n'
        urls = ''.join(f'{end}_url = "{url}/{end}"\n' for end in ('authorize', 'token', 'userinfo'))
        (tmp_path / 'webapp.toml').write_text(table + urls)
        (tmp_path / 'webapp.toml').chmod(0o600)
        found = examine(tmp_path, **BASE)
        assert (found.status, found.bad) == (0, {})
        assert found['sign-in forge'] == '127.0.0.1 answers'
        assert found.texts('sign-in forge')[-1].endswith('/auth/forge/callback')

    def test_an_address_without_tls(self, tmp_path: Path, anybody: Anybody) -> None:
        found = of(tmp_path, anybody.issuer, WEBAPP_PUBLIC_URL='http://chat.example.com')
        assert 'is not https' in found.bad['public url']
