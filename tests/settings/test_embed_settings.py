"""Where other sites may show the chat: what the operator must say, and what we refuse to start with."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from settings_support import GUESTS, problems, set_all

from webapp import log, settings
from webapp.embeds import Embed, Key, Layout

KEY = 'a-secret-of-the-host-of-many-bytes'
MINIMAL = '[[embeds]]\nid = "helpdesk"\napp = "demo"\norigins = ["https://www.example.com"]\n'
OPEN = MINIMAL + 'anonymous = true\n'
APP = '[[apps]]\nslug = "{}"\nbase_url = "https://dify.example.com"\napi_key = "app-key-of-mine"\n{}'
OIDC = {'OIDC_ISSUER': 'https://id.example.com', 'OIDC_CLIENT_ID': 'chat', 'OIDC_CLIENT_SECRET': 'hush-of-the-chat'}
CURVES = {'p256.pem': ec.SECP256R1(), 'p384.pem': ec.SECP384R1()}


@pytest.fixture(autouse=True)
def place(env: pytest.MonkeyPatch) -> None:
    """Somewhere in public, where guests may come in."""
    set_all(env, GUESTS)


def write(*parts: str) -> None:
    Path('webapp.toml').write_text('\n'.join(parts))


def only() -> Embed:
    (embed,) = settings.load().embeds
    return embed


def problem() -> str:
    """The only one there is."""
    found = problems()
    assert '\n' not in found
    return found


def with_origins(*origins: str) -> str:
    return OPEN.replace('["https://www.example.com"]', str(list(origins)).replace("'", '"'))


def write_keys() -> dict[str, Key]:
    """A public and a private key of each kind in files, and the public ones as they should be read."""
    made = {
        'rsa.pem': rsa.generate_private_key(65537, 2048),
        'ed25519.pem': ed25519.Ed25519PrivateKey.generate(),
        **{name: ec.generate_private_key(curve) for name, curve in CURVES.items()},
    }
    algorithms = {'rsa.pem': 'RS256', 'p256.pem': 'ES256', 'ed25519.pem': 'EdDSA'}
    found = {}
    for name, private in made.items():
        public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        Path(name).write_bytes(public)
        Path(f'private-{name}').write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        if name in algorithms:
            found[name] = Key('k1', algorithms[name], public.decode())  # type: ignore[arg-type]
    return found


class TestGood:
    def test_the_least_that_can_be_said(self) -> None:
        write(OPEN)
        assert only() == Embed('helpdesk', 'demo', ('https://www.example.com',), anonymous=True)

    def test_everything_that_can_be_said(self, env: pytest.MonkeyPatch) -> None:
        set_all(env, OIDC | {'HELPDESK_KEY': f'{KEY}-2'})
        write(
            APP.format('support', ''),
            MINIMAL.replace('demo', 'support'),
            f'keys = [{{ kid = "k1", secret = "{KEY}" }}, {{ kid = "k2", secret_env = "HELPDESK_KEY" }}]',
            'anonymous = true\nsign_in = true\nlayout = "full"\ntheme = "dark"\nlanguage = "de-AT"\nheader = false',
            'share_text = true\nbudget_group = "customers"\nbranding = { name = "Help" }',
        )
        embed = only()
        assert embed.keys == (Key('k1', 'HS256', KEY), Key('k2', 'HS256', f'{KEY}-2'))
        assert (embed.anonymous, embed.sign_in, embed.header, embed.share_text) == (True, True, False, True)
        assert (embed.layout, embed.theme, embed.language) == (Layout.FULL, 'dark', 'de-AT')
        assert (embed.budget_group, embed.branding.name) == ('customers', 'Help')

    @pytest.mark.parametrize(
        ('written', 'read'),
        [
            ('https://WWW.Example.com/', 'https://www.example.com'),
            ('https://www.example.com:443', 'https://www.example.com'),
            ('https://www.example.com:8443', 'https://www.example.com:8443'),
            ('https://*.example.com', 'https://*.example.com'),
            ('http://localhost:8081', 'http://localhost:8081'),
            ('http://127.0.0.1:80', 'http://127.0.0.1'),
            ('https://[2001:db8::1]:8443', 'https://[2001:db8::1]:8443'),
        ],
    )
    def test_origins_are_read_as_browsers_write_them(self, written: str, read: str) -> None:
        write(with_origins(written))
        assert only().origins == (read,)

    @pytest.mark.parametrize('name', ['rsa.pem', 'p256.pem', 'ed25519.pem'])
    def test_a_public_key_says_by_which_algorithm(self, name: str) -> None:
        keys = write_keys()
        write(MINIMAL, f'keys = [{{ kid = "k1", public_key_file = "{name}" }}]')
        assert only().keys == (keys[name],)

    def test_a_file_of_a_key_lies_beside_the_file_that_names_it(self, env: pytest.MonkeyPatch) -> None:
        keys = write_keys()
        Path('etc').mkdir()
        Path('rsa.pem').rename('etc/rsa.pem')
        Path('etc/chat.toml').write_text(MINIMAL + 'keys = [{ kid = "k1", public_key_file = "rsa.pem" }]')
        env.setenv('WEBAPP_CONFIG', 'etc/chat.toml')
        assert only().keys == (keys['rsa.pem'],)

    def test_secrets_are_never_logged_and_public_keys_are_no_secrets(self) -> None:
        write_keys()
        kept = f'{{ kid = "k1", secret = "{KEY}" }}, {{ kid = "k2", public_key_file = "rsa.pem" }}'
        write(MINIMAL, f'keys = [{kept}]')
        chosen = settings.load()
        assert log.blotter(chosen.secrets()).sub(log.BLOT, f'with {KEY}') == f'with {log.BLOT}'
        assert set(chosen.secrets()) == {GUESTS['WEBAPP_SECRET'], KEY}
        assert KEY not in repr(chosen.embeds)


class TestWhoIsThere:
    def test_an_app_that_is_not_there(self) -> None:
        write(OPEN.replace('demo', 'sales'))
        assert problem() == 'embeds: "helpdesk" shows the app "sales", and there is none; the apps are demo.'
        write(OPEN, APP.format('one', 'guests = true'), APP.format('two', 'guests = true'))
        assert problem() == 'embeds: "helpdesk" shows the app "demo", and there is none; the apps are one, two.'

    def test_visitors_are_in_no_group(self, env: pytest.MonkeyPatch) -> None:
        set_all(env, OIDC)
        app, embed = APP.format('staff', 'groups = ["staff"]'), MINIMAL.replace('demo', 'staff')
        write(app, embed, 'anonymous = true')
        assert problem() == 'embeds: "helpdesk" lets visitors in, but "staff" is for groups; take one of them out.'
        write(app, embed, f'keys = [{{ kid = "k1", secret = "{KEY}" }}]')
        assert only().app == 'staff'

    def test_nobody_gets_in(self) -> None:
        write(MINIMAL)
        assert problem() == 'embeds: "helpdesk" lets nobody in: give it keys, or set anonymous or sign_in.'

    def test_nobody_to_sign_in_with(self, env: pytest.MonkeyPatch) -> None:
        write(MINIMAL, 'sign_in = true')
        assert problem() == 'embeds: "helpdesk" has sign_in, and there is no provider to sign in with.'
        set_all(env, OIDC)
        assert only().sign_in

    def test_each_has_an_id_of_its_own(self) -> None:
        write(OPEN, OPEN)
        assert problem() == 'embeds: the id "helpdesk" is used twice; each embed needs its own.'


class TestOrigins:
    @pytest.mark.parametrize(
        ('origin', 'sentence'),
        [
            ('*', 'has "*" as an origin, which is any site at all; name those that may show it.'),
            ('https://*', 'has "*" as an origin, which is any site at all; name those that may show it.'),
            ('https://*.com', "has 'https://*.com' among its origins, which has a star that may stand for too much; "),
            (
                'https://a.*.com',
                "has 'https://a.*.com' among its origins, which has a star that may stand for too much",
            ),
            (
                'https://*.*.com',
                "has 'https://*.*.com' among its origins, which has a star that may stand for too much",
            ),
            ('www.example.com', "has 'www.example.com' among its origins, which is not an origin."),
            ('ftp://example.com', "has 'ftp://example.com' among its origins, which is not an origin."),
            ('https://a b', "has 'https://a b' among its origins, which is not an origin."),
            ('https://a;script-src', "has 'https://a;script-src' among its origins, which is not an origin."),
            ('https://ann@example.com', "has 'https://ann@example.com' among its origins, which is not an origin."),
            ('https://example.com:x', "has 'https://example.com:x' among its origins, which is not an origin."),
            ('https://[::1', "has 'https://[::1' among its origins, which is not an origin."),
            ('https://example.com/shop', "has 'https://example.com/shop' among its origins, which must have no path."),
            ('https://example.com?a', "has 'https://example.com?a' among its origins, which must have no path."),
            ('http://www.example.com', 'has http://www.example.com among its origins: anybody on the way could change'),
        ],
    )
    def test_what_is_none_or_is_too_much(self, origin: str, sentence: str) -> None:
        write(with_origins(origin))
        assert problem().startswith(f'embeds: "helpdesk" {sentence}')

    def test_there_must_be_one(self) -> None:
        write(with_origins())
        assert 'webapp.toml: embeds.0.origins: ' in problem()

    def test_whoever_is_shown_elsewhere_is_reached_by_https(self, env: pytest.MonkeyPatch) -> None:
        write(OPEN)
        env.setenv('WEBAPP_PUBLIC_URL', 'http://chat.example.com')
        assert problem().startswith('embeds: WEBAPP_PUBLIC_URL must be https: browsers keep no cookie of a plain http')
        env.setenv('WEBAPP_PUBLIC_URL', 'http://127.0.0.1:8080')
        assert only().id == 'helpdesk'


class TestKeys:
    @pytest.mark.parametrize(
        ('key', 'sentence'),
        [
            ('secret = "short"', 'is shorter than 32 bytes'),
            ('secret_env = "NOT_SET"', 'is missing; set NOT_SET'),
            ('public_key_file = "none.pem"', 'can not be read: No such file or directory'),
            ('public_key_file = "webapp.toml"', 'is no public key as PEM that we take: RSA, P-256 or Ed25519'),
            ('public_key_file = "p384.pem"', 'is no public key as PEM that we take: RSA, P-256 or Ed25519'),
            ('public_key_file = "private-rsa.pem"', 'is a private key; only its public half belongs here'),
            ('public_key_file = "private-p256.pem"', 'is a private key; only its public half belongs here'),
            ('public_key_file = "private-ed25519.pem"', 'is a private key; only its public half belongs here'),
        ],
    )
    def test_what_is_of_no_use(self, key: str, sentence: str) -> None:
        write_keys()
        write(OPEN, f'keys = [{{ kid = "k1", {key} }}]')
        found = problem()
        assert found.startswith(f'embeds: the key "k1" of "helpdesk" {sentence}'), found
        assert 'short"' not in found
        assert 'PRIVATE KEY' not in found

    def test_a_file_that_is_no_text(self) -> None:
        Path('key.der').write_bytes(bytes(range(256)))
        write(OPEN, 'keys = [{ kid = "k1", public_key_file = "key.der" }]')
        assert problem().startswith('embeds: the key "k1" of "helpdesk" is no public key as PEM that we take')

    @pytest.mark.parametrize('key', ['', ', secret = "a", secret_env = "B"', ', secret = "a", public_key_file = "b"'])
    def test_each_is_one_thing(self, key: str) -> None:
        write(OPEN, f'keys = [{{ kid = "k1"{key} }}]')
        assert 'embeds.0.keys.0: Value error, give one of secret, secret_env and public_key_file' in problem()

    def test_each_has_a_name_of_its_own(self) -> None:
        key = f'{{ kid = "k1", secret = "{KEY}" }}'
        write(OPEN, f'keys = [{key}, {key}]')
        assert problem() == 'embeds: "helpdesk" has two keys called "k1"; each needs its own kid.'


@pytest.mark.parametrize(
    ('line', 'sentence'),
    [
        ('colour = "red"', 'embeds.0.colour is not a setting'),
        ('layout = "round"', 'embeds.0.layout: '),
        ('theme = "blue"', 'embeds.0.theme: '),
        ('branding = { accent = "green" }', 'embeds.0.branding.accent: '),
        ('branding = { logo = "none.svg" }', 'embeds: branding of "helpdesk".logo: none.svg No such file'),
    ],
)
def test_what_is_written_wrong_is_named(line: str, sentence: str) -> None:
    write(OPEN, line)
    assert sentence in problem()


def test_all_that_is_wrong_is_told_at_once() -> None:
    write(MINIMAL, 'sign_in = true', with_origins('*', 'https://a/b').replace('helpdesk', 'wiki'))
    assert [line.partition(' has ')[0] for line in problems().splitlines()] == [
        'embeds: "helpdesk"', 'embeds: "wiki"', 'embeds: "wiki"',
    ]  # fmt: skip
