"""`webapp embed-ticket`: a token as a host would sign it, for whoever tries an embed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support import direct
from support.command import run
from support.server import Server

from webapp.embedding import host_tokens
from webapp.embedding.host_tokens import Vouched
from webapp.embeds import Embed, Key

SECRETS = {'k1': 'one-secret-of-the-tests-0123456789', 'k2': 'another-secret-of-the-tests-012345'}
EMBEDS = """
[[embeds]]
id = "helpdesk"
app = "demo"
origins = ["http://localhost:9"]
keys = [
    { kid = "pair", public_key_file = "public.pem" },
    { kid = "k1", secret = "%(k1)s" },
    { kid = "k2", secret = "%(k2)s" },
]

[[embeds]]
id = "pair"
app = "demo"
origins = ["http://localhost:9"]
keys = [{ kid = "pair", public_key_file = "public.pem" }]

[[embeds]]
id = "open"
app = "demo"
origins = ["http://localhost:9"]
anonymous = true
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return furnish(tmp_path)


def furnish(folder: Path) -> Path:
    pem = (
        Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (folder / 'public.pem').write_bytes(pem)
    (folder / 'webapp.toml').write_text(EMBEDS % SECRETS)
    return folder


def told(folder: Path, *arguments: str, kid: str = 'k1', later: timedelta = timedelta()) -> Vouched:
    """What the printed token says, to the embed it was made for."""
    ended = run(folder, 'embed-ticket', 'helpdesk', *arguments)
    assert ended.status == 0, ended.said
    token, address = ended.answered.splitlines()
    assert address == f'http://127.0.0.1:8080/embed/helpdesk?token={token}'
    embed = Embed('helpdesk', 'demo', ('http://localhost:9',), (Key(kid, 'HS256', SECRETS[kid]),))
    audience = 'http://127.0.0.1:8080/embed/helpdesk'
    return host_tokens.check(token, embed, audience=audience, now=datetime.now(UTC) + later)


def test_it_vouches_for_somebody(folder: Path) -> None:
    vouched = told(folder)
    assert (vouched.kid, vouched.identity.subject, vouched.identity.name) == ('k1', 'trial', '')
    vouched = told(
        folder,
        '--sub',
        'c-7',
        '--name',
        'Zoë',
        '--email',
        'zoe@example.com',
        '--groups',
        'a, b',
        '--kid',
        'k2',
        kid='k2',
    )
    who = vouched.identity
    assert (who.subject, who.name, who.email, who.groups) == ('c-7', 'Zoë', 'zoe@example.com', {'a', 'b'})


def test_it_counts_for_as_long_as_asked(folder: Path) -> None:
    for minutes, given in ((5, ()), (1, ('--minutes', '1'))):
        left = told(folder, *given).token.expires_at - datetime.now(UTC)
        assert timedelta(minutes=minutes - 1) < left <= timedelta(minutes=minutes)


def test_the_address_opens_the_chat(tmp_path: Path) -> None:
    server = Server(tmp_path / 'app', {})
    furnish(server.folder)
    server.start()
    try:
        ended = run(server.folder, 'embed-ticket', 'helpdesk', WEBAPP_PORT=str(server.port))
        with direct.client(server.url) as http:
            on = http.get(ended.answered.splitlines()[1])
            assert (on.status_code, on.headers['location'].partition('=')[0]) == (303, '/embed/helpdesk/chat?t')
            assert http.get(on.headers['location']).status_code == 200
    finally:
        server.stop()


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['nothing'], 'There is no embed "nothing".\nThe embeds are helpdesk, open, pair.\n'),
        (['open'], 'The embed "open" has no keys: nobody vouches for anybody there.\n'),
        (['helpdesk', '--kid', 'k9'], 'The embed "helpdesk" has no key "k9".\nIts keys are pair, k1, k2.\n'),
        (
            ['pair'],
            '"pair" is a public key: only whoever has its private half can sign.\nSign there, as docs/embedding.md',
        ),
        (['helpdesk', '--kid', 'pair'], '"pair" is a public key'),
    ],
)
def test_what_can_not_be_signed_is_said_plainly(folder: Path, arguments: list[str], said: str) -> None:
    ended = run(folder, 'embed-ticket', *arguments)
    assert (ended.status, ended.answered) == (1, '')
    assert ended.said.startswith(said)
    assert not any(secret in ended.said for secret in SECRETS.values())


def test_without_any_embed(tmp_path: Path) -> None:
    ended = run(tmp_path, 'embed-ticket', 'helpdesk')
    assert (ended.status, ended.said.splitlines()[1]) == (
        1, 'There are none: each is a table [[embeds]] in webapp.toml.',
    )  # fmt: skip


@pytest.mark.parametrize('wrong', [('--minutes', '6'), ('--minutes', '0'), ('--sub', ''), ('--name', 'x' * 501)])
def test_what_no_embed_would_take_is_refused(folder: Path, wrong: tuple[str, str]) -> None:
    ended = run(folder, 'embed-ticket', 'helpdesk', *wrong)
    assert (ended.status, f'argument {wrong[0]}' in ended.said) == (2, True)


def test_help_gives_examples(tmp_path: Path) -> None:
    shown = run(tmp_path, 'embed-ticket', '--help').answered
    assert 'examples:\n  webapp embed-ticket helpdesk\n' in shown
    assert 'embed-ticket' in run(tmp_path, '--help').answered
