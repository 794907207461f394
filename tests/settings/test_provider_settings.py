"""Who may vouch for people: what the operator must say, what need not be said, and what we refuse to start with."""

import json
from pathlib import Path

import pytest
from settings_support import SECRET, problems, set_all

from webapp import log, settings
from webapp.auth.providers import Preset, Provider

PLACE = {'WEBAPP_SECRET': SECRET, 'WEBAPP_PUBLIC_URL': 'https://chat.example.com'}
QUICK = {'OIDC_ISSUER': 'https://id.example.com', 'OIDC_CLIENT_ID': 'chat', 'OIDC_CLIENT_SECRET': 'hush-of-the-chat'}
TENANT = '12345678-9abc-def0-1234-56789abcdef0'
OAUTH2 = {f'{end}_url': f'https://forge.example.com/{end}' for end in ('authorize', 'token', 'userinfo')}


@pytest.fixture
def place(env: pytest.MonkeyPatch) -> None:
    """A secret and a public address, which every way to sign in needs."""
    set_all(env, PLACE)


def write(**table: object) -> None:
    """A `webapp.toml` with one provider, `company` if not said otherwise."""
    write_all({'name': 'company', 'client_id': 'chat'} | table)


def write_all(*tables: dict[str, object]) -> None:
    parts = (
        '\n'.join(('[[providers]]', *(f'{key} = {json.dumps(value)}' for key, value in table.items())))
        for table in tables
    )
    Path('webapp.toml').write_text('\n'.join(parts))


def only() -> Provider:
    (provider,) = settings.load().providers
    return provider


class TestQuickStart:
    def test_three_variables_are_a_way_in(self, env: pytest.MonkeyPatch, place: None) -> None:
        set_all(env, QUICK)
        chosen = settings.load()
        (provider,) = chosen.providers
        assert (chosen.is_local, chosen.guests) == (False, False)
        assert (provider.name, provider.preset, provider.label) == ('oidc', Preset.OIDC, 'id.example.com')
        assert (provider.issuer, provider.client_id) == ('https://id.example.com', 'chat')
        assert (provider.client_secret, provider.scopes) == ('hush-of-the-chat', ('openid', 'profile', 'email'))

    def test_a_public_client_has_no_secret(self, env: pytest.MonkeyPatch, place: None) -> None:
        set_all(env, QUICK | {'OIDC_CLIENT_SECRET': ''})
        assert only().client_secret == ''

    @pytest.mark.parametrize(
        ('given', 'sentence'),
        [
            (['OIDC_ISSUER'], 'OIDC_CLIENT_ID missing: OIDC_ISSUER is of no use alone.'),
            (['OIDC_CLIENT_ID'], 'OIDC_ISSUER missing: OIDC_CLIENT_ID is of no use alone.'),
            (['OIDC_CLIENT_SECRET'], 'OIDC_ISSUER and OIDC_CLIENT_ID missing: OIDC_CLIENT_SECRET is of no use alone.'),
        ],
    )
    def test_less_is_of_no_use(self, env: pytest.MonkeyPatch, given: list[str], sentence: str) -> None:
        set_all(env, {'WEBAPP_SECRET': SECRET} | {name: QUICK[name] for name in given})
        assert problems() == sentence

    def test_it_stands_beside_those_of_the_file(self, env: pytest.MonkeyPatch, place: None) -> None:
        set_all(env, QUICK)
        write(preset='google')
        assert [provider.name for provider in settings.load().providers] == ['oidc', 'company']
        write(preset='google', name='oidc')
        assert problems() == 'providers: the name "oidc" is used twice; each needs its own.'


class TestWhereItStands:
    """Whoever lets others in must have a secret of their own and an address that is known."""

    def test_this_computer_needs_no_address(self, env: pytest.MonkeyPatch) -> None:
        set_all(env, QUICK | {'WEBAPP_SECRET': SECRET})
        chosen = settings.load()
        assert (chosen.public_url, chosen.is_local) == ('http://127.0.0.1:8080', False)

    def test_others_do(self, env: pytest.MonkeyPatch) -> None:
        set_all(env, QUICK | {'WEBAPP_SECRET': SECRET, 'WEBAPP_HOST': '0.0.0.0'})
        assert problems().startswith('WEBAPP_PUBLIC_URL is missing')

    @pytest.mark.parametrize('secret', ['', 'short', 'ab' * 32])
    def test_no_secret_is_made_up(self, env: pytest.MonkeyPatch, folder: Path, secret: str) -> None:
        set_all(env, QUICK | PLACE | {'WEBAPP_SECRET': secret})
        assert problems().startswith('WEBAPP_SECRET ')
        assert not (folder / 'data').exists()

    def test_it_is_not_local_mode(self, env: pytest.MonkeyPatch) -> None:
        set_all(env, QUICK | {'WEBAPP_SECRET': SECRET, 'WEBAPP_LOCAL': 'true'})
        assert problems() == 'WEBAPP_LOCAL and a provider to sign in with exclude each other; take one of them out.'

    def test_limits_hold_outside_local_mode_alone(self, env: pytest.MonkeyPatch) -> None:
        Path('webapp.toml').write_text('[limits]\nmessages_per_minute = 7')
        assert settings.load().limits.messages_per_minute == 0
        set_all(env, QUICK | PLACE)
        assert settings.load().limits.messages_per_minute == 7

    def test_an_app_need_not_be_open_to_guests_where_people_can_sign_in(
        self, env: pytest.MonkeyPatch, place: None
    ) -> None:
        set_all(env, QUICK | {'WEBAPP_GUESTS': 'true'})
        app = '[[apps]]\nslug = "a"\nbase_url = "https://dify.example.com"\napi_key = "app-key"\ngroups = ["staff"]'
        Path('webapp.toml').write_text(app)
        assert settings.load().apps[0].groups == ('staff',)
        Path('webapp.toml').write_text(f'{app}\nguests = true')
        assert problems() == 'apps: "a" is for guests and for groups; take one of them out.'


@pytest.mark.usefixtures('place')
class TestPresets:
    @pytest.mark.parametrize(
        ('preset', 'said', 'label', 'issuer'),
        [
            ('google', {}, 'Google', 'https://accounts.google.com'),
            ('gitlab', {}, 'GitLab', 'https://gitlab.com'),
            ('gitlab', {'issuer': 'https://git.example.com'}, 'GitLab', 'https://git.example.com'),
            ('github', {}, 'GitHub', 'https://github.com'),
            ('github', {'issuer': 'https://git.example.com'}, 'GitHub', 'https://git.example.com'),
            ('okta', {'issuer': 'https://example.okta.com'}, 'Okta', 'https://example.okta.com'),
            ('auth0', {'issuer': 'https://example.eu.auth0.com/'}, 'Company', 'https://example.eu.auth0.com/'),
            ('keycloak', {'issuer': ' https://id.example.com/realms/main '}, 'Company', 'https://id.example.com/realms/main'),
            ('oidc', {'issuer': 'http://localhost:9400'}, 'Company', 'http://localhost:9400'),
            ('oauth2', OAUTH2, 'Company', OAUTH2['authorize_url']),
            ('oauth2', OAUTH2 | {'issuer': 'https://forge.example.com'}, 'Company', 'https://forge.example.com'),
        ],
    )  # fmt: skip
    def test_say_what_need_not_be_said(self, preset: str, said: dict[str, str], label: str, issuer: str) -> None:
        write(preset=preset, **said)
        provider = only()
        assert (provider.preset, provider.label, provider.issuer) == (preset, label, issuer)
        write(preset=preset, **said, label='Staff')
        assert only().label == 'Staff'

    def test_ask_for_what_they_need(self) -> None:
        write(preset='google')
        assert only().scopes == ('openid', 'profile', 'email')
        write(preset='github')
        assert (only().scopes, only().subject_claim) == (('read:user', 'user:email'), 'id')
        write(preset='oauth2', **OAUTH2, subject_claim='uid', scopes=['user'])
        assert (only().scopes, only().subject_claim) == (('user',), 'uid')
        write(preset='google', scopes=['openid', 'email'])
        assert only().scopes == ('openid', 'email')

    @pytest.mark.parametrize('preset', ['oidc', 'keycloak', 'auth0', 'okta', 'entra'])
    def test_some_can_not_know_the_issuer(self, preset: str) -> None:
        write(preset=preset)
        assert problems().startswith('providers: "company" has no issuer; set it, for example to https://')

    @pytest.mark.parametrize('tenant', ['common', 'organizations', 'consumers', 'example.onmicrosoft.com', ''])
    def test_entra_must_name_one_tenant(self, tenant: str) -> None:
        write(preset='entra', issuer=f'https://login.microsoftonline.com/{tenant}/v2.0')
        assert 'must name one tenant by its id' in problems()

    def test_entra_with_a_tenant(self) -> None:
        issuer = f'https://login.microsoftonline.com/{TENANT}/v2.0'
        write(preset='entra', issuer=issuer, trust_email=True)
        assert (only().label, only().issuer, only().trusts_email) == ('Microsoft', issuer, True)

    @pytest.mark.parametrize('missing', OAUTH2)
    def test_oauth2_needs_all_three_addresses(self, missing: str) -> None:
        write(preset='oauth2', **{name: url for name, url in OAUTH2.items() if name != missing})
        assert problems() == f'providers: "company" has no {missing}; the preset oauth2 needs it.'

    @pytest.mark.parametrize(
        ('said', 'sentence'),
        [
            ({'authorize_url': OAUTH2['authorize_url']}, 'has authorize_url, which is for the preset oauth2 alone'),
            ({'subject_claim': 'email'}, 'has subject_claim, which is for the preset oauth2 alone'),
            ({'scopes': ['email']}, 'must ask for the scope "openid" too'),
            ({'preset': 'github', 'admin_groups': ['chat']}, 'has admin_groups, but GitHub tells no groups'),
            ({'preset': 'github', 'reader_groups': ['chat']}, 'name readers in WEBAPP_READERS'),
            ({'preset': 'myspace'}, 'providers.0.preset: '),
        ],
    )
    def test_what_would_have_no_effect_is_refused(self, said: dict[str, object], sentence: str) -> None:
        write(**{'preset': 'google'} | said)
        assert sentence in problems()


@pytest.mark.usefixtures('place')
class TestAddresses:
    @pytest.mark.parametrize(
        ('issuer', 'fault'),
        [
            ('http://id.example.com', 'is not https'),
            ('http://127.0.0.1.example.com', 'is not https'),
            ('id.example.com', 'is not an address'),
            ('ftp://id.example.com', 'is not an address'),
            ('https://', 'is not an address'),
            ('https://id.example.com:99999', 'is not an address'),
            ('https://id.example.com/a b', 'is not an address'),
            ('https://chat:word-of-mine@id.example.com', 'must not hold a user name, a password or a fragment'),
            ('https://id.example.com/#main', 'must not hold a user name, a password or a fragment'),
        ],
    )
    def test_secrets_go_nowhere_strange(self, issuer: str, fault: str) -> None:
        write(issuer=issuer)
        assert f'"company" has an issuer that {fault}' in problems()
        assert 'word-of-mine' not in problems()

    @pytest.mark.parametrize('name', OAUTH2)
    def test_nor_do_codes(self, name: str) -> None:
        write(preset='oauth2', **OAUTH2 | {name: 'http://forge.example.com'})
        assert problems().endswith(f' {name} that is not https.')
        assert '\n' not in problems()

    @pytest.mark.parametrize('issuer', ['http://127.0.0.1:9400', 'http://[::1]:9400', 'http://id.localhost:9400'])
    def test_this_computer_needs_no_tls(self, issuer: str) -> None:
        write(issuer=issuer)
        assert only().issuer == issuer


@pytest.mark.usefixtures('place')
class TestTables:
    def test_several_stand_side_by_side_in_their_order(self, env: pytest.MonkeyPatch) -> None:
        env.setenv('COMPANY_SECRET', 'hush-of-the-company')
        said = {'issuer': 'https://id.example.com', 'client_secret_env': 'COMPANY_SECRET'}
        write_all(
            {'name': 'company', 'client_id': 'a'} | said,
            {'name': 'git-hub', 'preset': 'github', 'client_id': 'b', 'client_secret': 'hush-of-github'},
        )
        company, github = settings.load().providers
        assert (company.name, company.client_secret) == ('company', 'hush-of-the-company')
        assert (github.name, github.client_secret) == ('git-hub', 'hush-of-github')

    @pytest.mark.parametrize(
        ('said', 'sentence'),
        [
            ({'name': 'guest'}, 'providers: the name "guest" is our own; choose another one.'),
            ({'name': 'local'}, 'providers: the name "local" is our own; choose another one.'),
            ({'name': 'My Company'}, 'providers.0.name: '),
            ({'name': '../x'}, 'providers.0.name: '),
            ({'client_id': ''}, 'providers.0.client_id: '),
            ({'client_secret_env': 'COMPANY_SECRET'}, '"company" has no secret; set COMPANY_SECRET.'),
            ({'client_secret': 'hush', 'client_secret_env': 'HOME'}, 'has client_secret and client_secret_env'),
            ({'allowed_domains': ['example..com']}, "has 'example..com' in allowed_domains, which is no domain."),
            ({'allowed_domains': ['ann@example.com']}, "has 'ann@example.com' in allowed_domains, which is no domain."),
            ({'allowed_domains': ['*.example.com']}, "has '*.example.com' in allowed_domains, which is no domain."),
            ({'allowed_domains': ['bücher.example']}, 'in allowed_domains, which DNS does not know; write it as DNS'),
            ({'allowed_domains': ['straße.de']}, "has 'straße.de' in allowed_domains, which DNS does not know"),
            ({'allowed_domains': ['\u212aelvin.example']}, 'write it as DNS has it, with xn--'),
            ({'allowed_domains': ['exa mple.com']}, "has 'exa mple.com' in allowed_domains, which is no domain."),
            ({'allowed_domains': 'example.com'}, 'providers.0.allowed_domains: '),
            ({'groups': ['a']}, 'providers.0.groups is not a setting'),
        ],
    )  # fmt: skip
    def test_are_checked(self, said: dict[str, object], sentence: str) -> None:
        write(**{'issuer': 'https://id.example.com'} | said)
        assert sentence in problems()

    def test_a_name_alone_is_not_enough(self) -> None:
        Path('webapp.toml').write_text('[[providers]]\nname = "company"')
        assert 'providers.0.client_id: Field required' in problems()

    def test_what_is_said_of_rights_arrives(self) -> None:
        write(
            issuer='https://id.example.com',
            groups_claim='realm_access.roles',
            admin_groups=['chat-admins'],
            admin_claim='roles',
            reader_groups=['auditors'],
            reader_claim='duties',
            allowed_domains=['Example.COM', '@xn--bcher-kva.example'],
        )
        provider = only()
        assert (provider.groups_claim, provider.admin_claim) == ('realm_access.roles', 'roles')
        assert provider.admin_groups == {'chat-admins'}
        assert (provider.reader_claim, provider.reader_groups) == ('duties', {'auditors'})
        assert provider.allowed_domains == {'example.com', 'xn--bcher-kva.example'}

    def test_admins_and_readers_are_listed_with_commas(self, env: pytest.MonkeyPatch) -> None:
        write(preset='google')
        env.setenv('WEBAPP_ADMINS', ' company:1234, ann@example.com ,, ')
        env.setenv('WEBAPP_READERS', 'bob@example.com,5678')
        assert settings.load().admins == {'company:1234', 'ann@example.com'}
        assert settings.load().readers == {'bob@example.com', '5678'}

    def test_a_subject_alone_is_an_admin_only_where_one_provider_can_call_somebody_that(
        self, env: pytest.MonkeyPatch
    ) -> None:
        env.setenv('WEBAPP_ADMINS', '1234,ann@example.com,company:5678')
        google, github = ({'name': name, 'preset': name, 'client_id': 'chat'} for name in ('google', 'github'))
        write_all(google)
        assert '1234' in settings.load().admins
        write_all(google, github)
        expected = (
            'WEBAPP_ADMINS has {0}, and each of the 2 providers may call somebody that; '
            'write which one is meant, for example google:{0}.'
        )
        assert problems() == '\n'.join(expected.format(admin) for admin in ('1234', 'company:5678'))
        env.setenv('WEBAPP_ADMINS', 'github:1234,ann@example.com,google:5678')
        assert len(settings.load().admins) == 3
        env.setenv('WEBAPP_READERS', '1234')
        assert problems().startswith('WEBAPP_READERS has 1234, and each of the 2 providers')

    @pytest.mark.parametrize('slash', ['', '/'])
    def test_two_with_one_issuer_would_make_one_person_of_two(self, slash: str) -> None:
        one = {'name': 'one', 'client_id': 'a', 'issuer': 'https://id.example.com'}
        two = {'name': 'two', 'client_id': 'b', 'issuer': f'https://id.example.com{slash}'}
        write_all(one, two)
        assert problems() == 'providers: "one" and "two" have one issuer, https://id.example.com; each needs its own.'

    def test_servers_of_plain_oauth_on_one_host_are_two(self) -> None:
        forge = {'client_id': 'chat', 'preset': 'oauth2'} | OAUTH2
        other = OAUTH2['authorize_url'].replace('/authorize', '/other/authorize')
        write_all({'name': 'one'} | forge, {'name': 'two'} | forge | {'authorize_url': other})
        one, two = settings.load().providers
        assert one.issuer != two.issuer
        write_all({'name': 'one'} | forge, {'name': 'two'} | forge)
        assert '"one" and "two" have one issuer' in problems()


def test_no_secret_is_shown_or_logged(env: pytest.MonkeyPatch, place: None, capsys: pytest.CaptureFixture[str]) -> None:
    set_all(env, QUICK)
    write(preset='google', client_secret='hush-of-the-company')
    chosen = settings.load()
    for secret in ('hush-of-the-chat', 'hush-of-the-company'):
        assert secret in set(chosen.secrets())
        assert secret not in f'{chosen} {chosen!r} {chosen.providers!r} {chosen.providers}'
        assert log.blotter(chosen.secrets()).sub(log.BLOT, f'the secret is {secret}') == f'the secret is {log.BLOT}'
    write(preset='oauth2', client_secret='hush-of-the-company')
    assert 'hush' not in problems()
