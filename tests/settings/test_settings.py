"""What the operator may say, and what we refuse to start with. Real environment, real files."""

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr
from settings_support import GUESTS, SECRET, problems, set_all

from webapp import settings
from webapp.settings import AppSettings, RelaySettings, SettingsError


def test_without_any_setting_it_is_local_mode_with_the_demo(folder: Path) -> None:
    chosen = settings.load()
    assert (chosen.is_local, chosen.guests, chosen.apps) == (True, False, ())
    assert (chosen.public_url, chosen.is_https) == ('http://127.0.0.1:8080', False)
    assert (chosen.database_url, chosen.data) == ('sqlite:///data/webapp.db', Path('data'))


def test_the_local_secret_is_made_once_and_nobody_else_can_read_it(folder: Path) -> None:
    first, second = settings.load().secret, settings.load().secret
    file = folder / 'data' / 'secret'
    assert first == second == SecretStr(file.read_text().strip())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(first.get_secret_value()) == 64
    file.chmod(0o644)
    settings.load()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ['secret']


def test_a_damaged_secret_is_not_replaced_in_silence(folder: Path) -> None:
    (folder / 'data').mkdir()
    (folder / 'data' / 'secret').write_text('short\n')
    assert 'damaged' in problems()


def test_the_quick_start_is_two_variables(env: pytest.MonkeyPatch) -> None:
    set_all(env, {'DIFY_BASE_URL': 'https://dify.example.com/v1', 'DIFY_API_KEY': 'app-key'})
    assert settings.load().apps == (
        AppSettings('default', '', 'https://dify.example.com/v1', SecretStr('app-key'), running=8),
    )


@pytest.mark.parametrize(('one', 'other'), [('DIFY_BASE_URL', 'DIFY_API_KEY'), ('DIFY_API_KEY', 'DIFY_BASE_URL')])
def test_half_a_pair_is_of_no_use(env: pytest.MonkeyPatch, one: str, other: str) -> None:
    env.setenv(one, 'https://dify.example.com')
    assert problems().startswith(f'{other} is missing')


def test_dify_cloud_has_no_limit_of_ours(env: pytest.MonkeyPatch) -> None:
    set_all(env, {'DIFY_BASE_URL': 'https://api.dify.ai/v1', 'DIFY_API_KEY': 'app-key'})
    assert settings.load().apps[0].running == 0


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    env: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / '.env').write_text('WEBAPP_PORT=8001\nWEBAPP_HOST=localhost\nDIFY_BASE_URL=\n')
    assert settings.load().public_url == 'http://localhost:8001'
    env.setenv('WEBAPP_PORT', '8002')
    assert settings.load().public_url == 'http://localhost:8002'
    assert settings.load(host='::1', port=8003).public_url == 'http://[::1]:8003'


def test_several_apps_come_from_the_toml_file(env: pytest.MonkeyPatch, folder: Path) -> None:
    set_all(env, {'SUPPORT_KEY': 'app-support', 'DIFY_BASE_URL': 'dify.example.com', 'DIFY_API_KEY': 'app-key'})
    (folder / 'webapp.toml').write_text("""
        [[apps]]
        slug = "support"
        name = "Support"
        base_url = "https://dify.example.com/v1"
        api_key_env = "SUPPORT_KEY"
        running = 3
        [[apps]]
        slug = "sales"
        base_url = "https://dify.example.com/v1"
        api_key = "app-sales"
        [branding]
        name = "Helpdesk"
        [titles]
        mode = "upstream"
        [network]
        trusted_proxies = ["10.0.0.0/8", "2001:db8::1"]
        first_byte_seconds = 60
        [sessions]
        idle_hours = 0.5
        absolute_days = 1
    """)
    chosen = settings.load()
    assert [(app.slug, app.name, app.running) for app in chosen.apps] == [
        ('default', '', 8), ('support', 'Support', 3), ('sales', '', 8),
    ]  # fmt: skip
    assert chosen.apps[1].api_key == SecretStr('app-support')
    assert (chosen.name, chosen.titles, chosen.first_byte_seconds) == ('Helpdesk', 'upstream', 60)
    assert [str(network) for network in chosen.trusted_proxies] == ['10.0.0.0/8', '2001:db8::1/128']
    assert (chosen.session_idle.total_seconds(), chosen.session_absolute.days) == (1800, 1)


@pytest.mark.parametrize(
    ('values', 'local'),
    [
        ({}, True),
        ({'WEBAPP_HOST': 'localhost'}, True),
        ({'WEBAPP_HOST': '127.0.0.53'}, True),
        ({'WEBAPP_HOST': '::1'}, True),
        ({'WEBAPP_PUBLIC_URL': 'http://localhost:9000'}, True),
        ({'WEBAPP_HOST': '0.0.0.0', 'WEBAPP_LOCAL': 'true'}, True),
        (GUESTS, False),
        (GUESTS | {'WEBAPP_HOST': '0.0.0.0'}, False),
        (GUESTS | {'WEBAPP_PUBLIC_URL': 'http://127.0.0.1:8080'}, False),
    ],
)
def test_local_mode_is_for_this_computer_alone(env: pytest.MonkeyPatch, values: dict[str, str], local: bool) -> None:
    set_all(env, values)
    assert settings.load().is_local is local


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'WEBAPP_HOST': '0.0.0.0', 'WEBAPP_PUBLIC_URL': 'http://127.0.0.1:8080'}, 'Nobody could get in'),
        ({'WEBAPP_PUBLIC_URL': 'https://chat.example.com'}, 'WEBAPP_PUBLIC_URL=https://chat.example.com is not a loop'),
        (GUESTS | {'WEBAPP_HOST': '192.168.1.5', 'WEBAPP_PUBLIC_URL': ''}, 'WEBAPP_PUBLIC_URL is missing'),
        ({'WEBAPP_LOCAL': 'true', 'WEBAPP_PUBLIC_URL': 'https://chat.example.com'}, 'while WEBAPP_LOCAL is on'),
        (GUESTS | {'WEBAPP_LOCAL': 'true'}, 'exclude each other'),
        (GUESTS | {'WEBAPP_SECRET': ''}, 'WEBAPP_SECRET is missing'),
        (GUESTS | {'WEBAPP_SECRET': 'x' * 31}, 'shorter than 32 bytes'),
        (GUESTS | {'WEBAPP_SECRET': 'ab' * 32}, 'too few characters'),
        ({'WEBAPP_SECRET': 'short'}, 'shorter than 32 bytes'),
        (GUESTS | {'WEBAPP_PUBLIC_URL': 'chat.example.com'}, 'not an http or https address'),
        (GUESTS | {'WEBAPP_PUBLIC_URL': 'ftp://chat.example.com'}, 'not an http or https address'),
        (GUESTS | {'WEBAPP_PUBLIC_URL': 'https://chat.example.com/app'}, 'must not have a path'),
        (GUESTS | {'WEBAPP_PUBLIC_URL': 'https://ann:pw@chat.example.com'}, 'must not hold a user name'),
        (GUESTS | {'WEBAPP_PUBLIC_URL': 'https://chat.example.com:99999'}, 'not an address'),
        ({'WEBAPP_PORT': 'eighty'}, 'WEBAPP_PORT: '),
        ({'WEBAPP_PORT': '70000'}, 'WEBAPP_PORT: '),
        ({'WEBAPP_GUESTS': 'perhaps'}, 'WEBAPP_GUESTS: '),
        ({'WEBAPP_GUEST': 'true'}, 'WEBAPP_GUEST is not a setting; did you mean WEBAPP_GUESTS?'),
        ({'WEBAPP_COLOUR': 'red'}, 'WEBAPP_COLOUR is not a setting; take it out.'),
        ({'webapp_port': '80'}, 'webapp_port is not a setting; did you mean WEBAPP_PORT?'),
        ({'WEBAPP_METRICS_TOKEN': 'x'}, 'WEBAPP_METRICS_TOKEN is shorter than 32 bytes'),
        ({'WEBAPP_CONFIG': 'other.toml'}, 'other.toml: No such file'),
        ({'DATABASE_URL': 'mysql://host/name'}, 'DATABASE_URL must be'),
        ({'DATABASE_URL': 'sqlite://'}, 'DATABASE_URL must be'),
        ({'DIFY_BASE_URL': 'javascript:alert(1)', 'DIFY_API_KEY': 'k'}, 'DIFY_BASE_URL: '),
        ({'DIFY_BASE_URL': 'https://', 'DIFY_API_KEY': 'k'}, 'DIFY_BASE_URL: '),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_plain_line(
    env: pytest.MonkeyPatch, values: dict[str, str], sentence: str
) -> None:
    set_all(env, values)
    found = problems()
    assert sentence in found
    assert '\n' not in found


APP = '[[apps]]\nslug = "a"\nbase_url = "https://dify.example.com"\napi_key = "app-key-of-a"\n'


@pytest.mark.parametrize(
    ('content', 'sentence'),
    [
        ('[[budgets]]\nscope = "user"', 'give either amount, with a currency, or tokens'),
        ('[[budgets]]\nscope = "user"\namount = "5"', 'an amount needs a currency'),
        ('[[budgets]]\nscope = "user"\namount = "-5"\ncurrency = "USD"', 'budgets.0.amount: '),
        ('[[budgets]]\nscope = "everybody"\ntokens = 5', 'budgets.0.scope: '),
        ('[[budgets]]\nscope = "app:nothing"\ntokens = 5', 'there is no app "nothing"'),
        ('[[budgets]]\nscope = "all"\ntokens = 5\n[[budgets]]\nscope = "all"\ntokens = 9', 'there are two for all'),
        ('[usage]\nteams = ["a"]', 'usage.teams is not a setting'),
        ('[limits]\nmessages_per_minute = -1', 'limits.messages_per_minute: '),
        ('[branding]\nlogo = "none.svg"', 'branding.logo: none.svg No such file'),
        ('[branding]\nlogo = "webapp.toml"', 'branding.logo: webapp.toml is no PNG, WebP or SVG image'),
        ('[branding]\naccent = "green"', 'branding.accent: Value error, must be a colour like "#1f6658"'),
        (APP + 'branding = { accent = "#12345g" }', 'apps.0.branding.accent: '),
        (APP + 'embed = true', 'apps.0.embed is not supported yet'),
        ('[colours]\nred = 1', 'colours is not a setting'),
        (APP + 'colour = "red"', 'apps.0.colour is not a setting'),
        (APP.replace('"a"', '"A b"', 1), 'apps.0.slug: '),
        (APP + APP, 'the slug "a" is used twice'),
        (APP.replace('https', 'ftp'), 'base_url of "a"'),
        (APP + 'api_key_env = "A_KEY"', 'give either api_key or api_key_env'),
        (APP.replace('api_key = "app-key-of-a"', ''), 'give either api_key or api_key_env'),
        (APP.replace('api_key = "app-key-of-a"', 'api_key_env = "A_KEY"'), '"a" has no key; set A_KEY.'),
        (APP + 'running = -1', 'apps.0.running'),
        ('[titles]\nmode = "never"', 'titles.mode'),
        ('[network]\ntrusted_proxies = ["proxy"]', 'network.trusted_proxies.0'),
        ('[sessions]\nidle_hours = 0', 'sessions.idle_hours'),
        ('[[apps]', 'webapp.toml: '),
        (b'\xff\xfe', 'not UTF-8'),
    ],
)
def test_the_toml_file_is_checked_whole(folder: Path, content: str | bytes, sentence: str) -> None:
    (folder / 'webapp.toml').write_bytes(content if isinstance(content, bytes) else content.encode())
    found = problems()
    assert sentence in found
    assert 'app-key' not in found


def test_an_app_that_nobody_could_use_is_refused(env: pytest.MonkeyPatch, folder: Path) -> None:
    set_all(env, GUESTS)
    (folder / 'webapp.toml').write_text(APP)
    assert '"a" is closed to guests' in problems()
    (folder / 'webapp.toml').write_text(APP + 'guests = true')
    assert settings.load().apps[0].slug == 'a'


def test_all_problems_are_told_at_once(env: pytest.MonkeyPatch) -> None:
    set_all(env, {'WEBAPP_HOST': '0.0.0.0', 'WEBAPP_COLOUR': 'red', 'DIFY_API_KEY': 'app-key-of-mine'})
    found = problems().splitlines()
    assert [line.split()[0] for line in found] == ['WEBAPP_COLOUR', 'DIFY_BASE_URL', 'Nobody']
    assert 'app-key-of-mine' not in str(found)


def test_nothing_that_can_be_printed_shows_a_secret(env: pytest.MonkeyPatch) -> None:
    database = 'postgresql+psycopg://chat:db-password@db.example.com/chat'
    tokens = {f'WEBAPP_{name}_TOKEN': f'{name}-0123456789abcdefghijklmnopqrstuvwxyz' for name in ('USAGE', 'METRICS')}
    upstream = {'DIFY_BASE_URL': 'dify.example.com', 'DIFY_API_KEY': 'app-key'}
    set_all(env, GUESTS | upstream | tokens | {'DATABASE_URL': database})
    chosen = settings.load()
    for secret in (SECRET, 'app-key', 'db-password', *tokens.values()):
        assert secret in set(chosen.secrets())
        assert secret not in f'{chosen} {chosen!r} {chosen.apps}'


def test_public_urls_are_brought_into_one_form(env: pytest.MonkeyPatch) -> None:
    for written, meant in (
        ('https://Chat.Example.com/', 'https://chat.example.com'),
        ('https://chat.example.com:443', 'https://chat.example.com'),
        ('http://chat.example.com:8080', 'http://chat.example.com:8080'),
    ):
        set_all(env, GUESTS | {'WEBAPP_PUBLIC_URL': written})
        assert settings.load().public_url == meant


def test_everything_that_is_read_is_described() -> None:
    rows = {name: (default, meaning) for name, default, meaning in settings.described()}
    assert rows['WEBAPP_PORT'] == ('8080', 'port to listen on')
    assert {'DIFY_API_KEY', 'WEBAPP_SECRET', 'apps.slug', 'titles.mode', 'sessions.idle_hours'} <= rows.keys()
    assert all(meaning for _, meaning in rows.values())


def test_a_model_may_answer_in_the_demo(env: pytest.MonkeyPatch) -> None:
    set_all(env, {'OPENAI_BASE_URL': 'localhost:11434', 'OPENAI_MODEL': 'qwen3'})
    assert settings.load().relay == RelaySettings('http://localhost:11434/v1', 'qwen3', SecretStr(''))
    env.setenv('OPENAI_API_KEY', ' sk-0123456789 ')
    assert settings.load().relay == settings.load_relay()
    assert 'sk-0123456789' in settings.load().secrets()
    set_all(env, {'DIFY_BASE_URL': 'https://dify.example.com', 'DIFY_API_KEY': 'app-key'})
    assert settings.load().relay is None


@pytest.mark.parametrize(
    ('typed', 'address'),
    [
        ('https://api.example.com/v1/', 'https://api.example.com/v1'),
        ('https://api.example.com', 'https://api.example.com/v1'),
        ('http://127.0.0.1:11434/v1/chat/completions', 'http://127.0.0.1:11434/v1'),
        ('https://example.com/v1beta/openai/', 'https://example.com/v1beta/openai'),
        (' "example.com:8443/api" ', 'https://example.com:8443/api'),
    ],
)
def test_the_path_of_a_model_server_is_its_own(env: pytest.MonkeyPatch, typed: str, address: str) -> None:
    set_all(env, {'OPENAI_BASE_URL': typed, 'OPENAI_MODEL': 'qwen3'})
    relay = settings.load().relay
    assert relay
    assert relay.base_url == address


@pytest.mark.parametrize('alone', ['OPENAI_BASE_URL', 'OPENAI_MODEL', 'OPENAI_API_KEY'])
def test_what_other_programs_read_may_stand_alone(env: pytest.MonkeyPatch, alone: str) -> None:
    env.setenv(alone, 'ftp://nowhere')
    assert settings.load().relay is None


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('OPENAI_BASE_URL', 'ftp://example.com'),
        ('OPENAI_BASE_URL', 'https://me:word@example.com'),
        ('OPENAI_API_KEY', 'two words'),
    ],
)
def test_a_model_that_can_not_be_asked_is_a_problem(env: pytest.MonkeyPatch, name: str, value: str) -> None:
    set_all(env, {'OPENAI_BASE_URL': 'http://127.0.0.1:1', 'OPENAI_MODEL': 'qwen3'} | {name: value})
    assert problems().startswith(name)
    assert value not in problems()
    with pytest.raises(SettingsError, match=name):
        settings.load_relay()
