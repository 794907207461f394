"""What a host's developer pastes: each snippet makes the token that `docs/embedding.md` promises, in its language."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

SNIPPETS = Path(__file__).parents[2] / 'docs' / 'embedding'
SECRET = 'a key of 32 bytes, and an ü more'
SETTINGS = {
    'CHAT_URL': 'https://chat.example.com',
    'CHAT_EMBED': 'helpdesk',
    'CHAT_KID': 'k1',
    'CHAT_SECRET': SECRET,
}


@dataclass(frozen=True)
class Language:
    file: str
    interpreter: str
    call: tuple[str, ...]  # a program that takes a user in JSON, and the snippet to import
    accepts: str = ''  # a program that fails if the interpreter is too old

    def run(self, *arguments: str, **settings: str) -> 'subprocess.CompletedProcess[str]':
        """As the file alone, from the command line."""
        return self._run(str(SNIPPETS / self.file), *arguments, settings=SETTINGS | settings)

    def token(self, **user: object) -> str:
        """As a program gets it that uses the function."""
        ended = self._run(*self.call, json.dumps(user), str(SNIPPETS / self.file), settings=SETTINGS)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def _run(self, *arguments: str, settings: Mapping[str, str]) -> 'subprocess.CompletedProcess[str]':
        own = {name: value for name, value in os.environ.items() if not name.startswith('CHAT_')}
        command = [self.interpreter, *arguments]
        return subprocess.run(
            command, env=own | settings, capture_output=True, text=True, encoding='utf-8', check=False
        )


LANGUAGES = {
    'python': Language(
        'sign.py',
        sys.executable,
        (
            '-c',
            'import json, sys; sys.path.insert(0, sys.argv[2].removesuffix("sign.py"));'
            'from sign import chat_token; print(chat_token(json.loads(sys.argv[1])))',
        ),
    ),
    'node': Language(
        'sign.mjs',
        'node',
        (
            '--input-type=module',
            '-e',
            'const [user, file] = process.argv.slice(1); const { chatToken } = await import(file);'
            'console.log(chatToken(JSON.parse(user)))',
        ),
        'if (parseInt(process.versions.node) < 18) process.exit(1)',
    ),
    'php': Language(
        'sign.php',
        'php',
        ('-r', 'require $argv[2]; echo chat_token(json_decode($argv[1], true));'),
        'exit(PHP_MAJOR_VERSION < 8 ? 1 : 0);',
    ),
}


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Language:
    language = LANGUAGES[request.param]
    if shutil.which(language.interpreter) is None:
        pytest.skip(f'{language.file}: no {language.interpreter}')
    if language.accepts:
        option = '-r' if language.interpreter == 'php' else '-e'
        if subprocess.run([language.interpreter, option, language.accepts], check=False).returncode:
            pytest.skip(f'{language.file}: {language.interpreter} is too old')
    return language


def test_the_token_says_who_for_whom_and_until_when(language: Language) -> None:
    before = int(time.time())
    ended = language.run('customer-7')
    after = int(time.time())
    assert ended.returncode == 0, ended.stderr
    token = verified(ended.stdout.strip())
    assert token.header == {'alg': 'HS256', 'typ': 'JWT', 'kid': 'k1'}
    assert set(token.claims) == {'aud', 'sub', 'iat', 'exp', 'jti'}
    assert token.claims['aud'] == 'https://chat.example.com/embed/helpdesk'
    assert token.claims['sub'] == 'customer-7'
    assert before <= token.claims['iat'] <= after
    assert token.claims['exp'] == token.claims['iat'] + 60


def test_no_two_tokens_are_the_same(language: Language) -> None:
    first, second = (verified(language.run('customer-7').stdout.strip()).claims['jti'] for _ in range(2))
    assert first != second
    assert len(first) >= 32


def test_what_is_known_of_somebody_arrives_as_it_was(language: Language) -> None:
    known = {
        'sub': 'кунде/7',
        'name': 'Zoë "Z" O\'Neill \\ 山田 👩‍🚀 </script>',
        'email': 'zoë@example.com',
        'email_verified': False,
        'groups': ['staff', 'élan'],
    }
    claims = verified(language.token(**known)).claims
    assert {name: claims[name] for name in known} == known


def test_nothing_else_of_a_record_leaves_with_it(language: Language) -> None:
    claims = verified(language.token(sub='customer-7', name=None, password='hunter2', aud='elsewhere', exp=1)).claims
    assert set(claims) == {'aud', 'sub', 'iat', 'exp', 'jti'}
    assert claims['aud'] == 'https://chat.example.com/embed/helpdesk'


def test_an_address_may_end_with_a_slash(language: Language) -> None:
    token = language.run('customer-7', CHAT_URL='https://chat.example.com/').stdout.strip()
    assert verified(token).claims['aud'] == 'https://chat.example.com/embed/helpdesk'


@pytest.mark.parametrize(
    ('settings', 'why'),
    [
        ({'CHAT_SECRET': ''}, 'CHAT_SECRET is not set.'),
        ({'CHAT_SECRET': 'x' * 31}, 'CHAT_SECRET is too short: at least 32 bytes are needed.'),
        ({'CHAT_KID': ''}, 'CHAT_KID is not set.'),
        ({'CHAT_URL': ''}, 'CHAT_URL is not set.'),
        ({'CHAT_EMBED': ''}, 'CHAT_EMBED is not set.'),
    ],
    ids=['no secret', 'short secret', 'no key id', 'no address', 'no embed'],
)
def test_what_is_missing_is_said(language: Language, settings: dict[str, str], why: str) -> None:
    refused = language.run('customer-7', **settings)
    assert (refused.returncode, refused.stdout, refused.stderr.strip()) == (1, '', why)


def test_a_token_for_nobody_in_particular_is_not_made(language: Language) -> None:
    for arguments in ([], ['']):
        refused = language.run(*arguments)
        assert (refused.returncode, refused.stdout) == (1, '')
        assert refused.stderr.strip() == 'sub must be a text, and not empty.'


def verified(token: str) -> jwt.Token:
    return jwt.decode(token, OctKey.import_key(SECRET.encode()), algorithms=['HS256'])
