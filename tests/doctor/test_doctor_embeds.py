"""What `webapp doctor` says of pages of other sites that show the chat."""

from pathlib import Path

import pytest
from doctor_support import Diagnosis, examine

SECRETS = ('one-secret-of-the-tests-0123456789', 'another-secret-of-the-tests-012345')
APP = """
[[apps]]
slug = "support"
base_url = "{demo}"
api_key = "demo"
groups = {groups}
"""
EMBED = """
[[embeds]]
id = "{id}"
app = "{app}"
origins = ["https://www.example.com", "https://*.example.org"]
{more}
"""


@pytest.fixture(autouse=True)
def private(tmp_path: Path) -> None:
    """A file that holds secrets is nobody else's to read."""
    (tmp_path / 'webapp.toml').touch(mode=0o600)


def write(folder: Path, *parts: str) -> None:
    (folder / 'webapp.toml').write_text(''.join(parts))


def keys(*named: tuple[str, str]) -> str:
    tables = (f'{{ kid = "{kid}", secret = "{secret}" }}' for kid, secret in named)
    return f'keys = [{", ".join(tables)}]'


def test_each_has_a_line(tmp_path: Path) -> None:
    of_host = EMBED.format(id='helpdesk', app='demo', more=keys(('k1', SECRETS[0]), ('k2', SECRETS[1])))
    write(tmp_path, of_host, EMBED.format(id='open', app='demo', more='anonymous = true'))
    found = examine(tmp_path)
    assert (found.status, found.bad) == (0, {})
    where = 'shows the demo to https://www.example.com, https://*.example.org'
    assert found.texts('embed helpdesk') == [f'{where}; keys k1 (HS256), k2 (HS256); no visitors']
    assert found.texts('embed open') == [f'{where}; no keys; visitors may come in']
    assert not any(secret in found.output for secret in SECRETS)


def test_who_is_in_none_of_the_groups_of_the_app_does_not_get_in(tmp_path: Path, demo: str) -> None:
    embed = EMBED.format(id='helpdesk', app='support', more=keys(('k1', SECRETS[0])))
    write(tmp_path, APP.format(demo=demo, groups='["staff", "press"]'), embed)
    found = examine(tmp_path)
    assert found.texts('embed helpdesk')[0].startswith('shows the app support to https://www.example.com')
    assert (found.status, found.states['embed helpdesk']) == (0, 'warning')
    assert 'is for groups' in found.bad['embed helpdesk']
    assert 'one of staff, press' in found.remedies['embed helpdesk']
    write(tmp_path, APP.format(demo=demo, groups='[]'), embed)
    assert examine(tmp_path).bad == {}


def test_a_secret_of_two_keys_is_a_warning(tmp_path: Path) -> None:
    one, two = (EMBED.format(id=id_, app='demo', more=keys((f'of-{id_}', SECRETS[0]))) for id_ in ('one', 'two'))
    write(tmp_path, one, two)
    found = examine(tmp_path)
    assert found.bad == {'embeds': 'one secret is that of several keys: of-one of "one", of-two of "two"'}
    assert not any(secret in found.output for secret in SECRETS)


def test_an_app_that_is_not_there_is_a_problem_of_the_settings(tmp_path: Path) -> None:
    write(tmp_path, EMBED.format(id='helpdesk', app='nothing', more='anonymous = true'))
    found: Diagnosis = examine(tmp_path)
    assert (found.status, 'there is none; the apps are demo' in found['settings']) == (1, True)
