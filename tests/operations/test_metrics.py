"""`/metrics` of the real app: who may read it, and that it counts what has happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from support import direct
from support.live import live
from support.people import serving, sign_in
from support.server import Server, free_port, wait_for

import webapp
from webapp.chat.message import Status
from webapp.generations import Ended
from webapp.metrics import Metrics

TOKEN = 'a-token-for-prometheus-of-32-bytes-or-more'
BEARER = {'Authorization': f'Bearer {TOKEN}'}
PROXY = '127.0.0.2'  # trusted
NOWHERE = 'http://127.0.0.1:{port}/v1'


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp('metrics')
    (folder / 'webapp.toml').write_text(f'[network]\ntrusted_proxies = ["{PROXY}"]')
    with serving(folder, demo, WEBAPP_METRICS_TOKEN=TOKEN, WEBAPP_PUBLIC_URL='https://chat.example.com') as server:
        yield server


@pytest.fixture(scope='module')
def local(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    """Without a token, and with people who can be asked for by their own address."""
    with serving(tmp_path_factory.mktemp('local'), demo) as server:
        yield server


def get(server: Server, headers: dict[str, str] | None = None, *, by: str = '') -> httpx.Response:
    """:param by: address that the request comes from"""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=by or None), trust_env=False) as http:
        return http.get(f'{server.url}/metrics', headers=headers)


def read(server: Server) -> dict[str, float]:
    """Each series as it is written, such as `webapp_answers_total{app="default",outcome="complete"}`."""
    families = text_string_to_metric_families(get(server).text)
    samples = (sample for family in families for sample in family.samples)
    return {
        sample.name + ','.join(f'{{{name}={value}}}' for name, value in sorted(sample.labels.items())): sample.value
        for sample in samples
    }


def test_a_prometheus_on_this_computer_needs_no_token(server: Server) -> None:
    answer = get(server)
    assert answer.status_code == 200
    assert answer.headers['content-type'].startswith('text/plain; version=')
    assert answer.headers['cache-control'] == 'no-store'
    assert list(text_string_to_metric_families(answer.text))
    assert get(server, {'Host': f'localhost:{server.port}'}).status_code == 200


@pytest.mark.parametrize(
    'headers',
    [
        {'Host': 'chat.example.com'},  # a proxy here that says nothing of itself
        {'Host': 'evil.example'},  # a page in a browser here, of a name that leads here
        {'Host': '127.0.0.1.evil.example'},
        {'X-Forwarded-For': '127.0.0.1'},
        {'X-Forwarded-For': '192.0.2.1'},
        {'Forwarded': 'for=127.0.0.1'},
        {'X-Real-IP': '127.0.0.1'},
    ],
)
def test_nor_does_anybody_else_pass_for_one(server: Server, headers: dict[str, str]) -> None:
    assert get(server, headers).status_code == 404
    assert get(server, headers | {'Authorization': 'Bearer wrong'}).status_code == 401
    assert get(server, headers | {'Authorization': f'Basic {TOKEN}'}).status_code == 404
    assert get(server, headers | BEARER).status_code == 200


def test_a_trusted_proxy_is_nobody_on_this_computer(server: Server) -> None:
    assert get(server, by=PROXY).status_code == 404
    assert get(server, {'X-Forwarded-For': '127.0.0.1'}, by=PROXY).status_code == 404
    assert get(server, BEARER, by=PROXY).status_code == 200


def test_without_a_token_none_is_right(local: Server) -> None:
    assert get(local, {'X-Real-IP': '192.0.2.1', 'Authorization': 'Bearer x'}).status_code == 401
    assert get(local, {'X-Real-IP': '192.0.2.1', 'Authorization': 'Bearer'}).status_code == 401
    assert get(local, {'X-Real-IP': '192.0.2.1'}).status_code == 404


def test_whoever_asks_for_the_newer_format_gets_it(server: Server) -> None:
    answer = get(server, {'Accept': 'application/openmetrics-text; version=1.0.0'})
    assert answer.headers['content-type'].startswith('application/openmetrics-text; version=1.0.0')
    assert 'webapp_answers' in {family.name for family in openmetrics.text_string_to_metric_families(answer.text)}


def test_it_says_what_runs(server: Server) -> None:
    [build] = [name for name in read(server) if name.startswith('webapp_build_info')]
    assert f'version={webapp.__version__}' in build
    assert 'nicegui=' in build


@contextmanager
def asking(server: Server, app: str, query: str) -> Iterator[None]:
    """Ask something, and stay on the page."""
    with sign_in(server, 'ann').client() as http, live(http, f'/a/{app}') as page:
        page.fire('composer send', query, uuid4().hex, [], '')
        yield


def grows(server: Server, series: str, before: dict[str, float]) -> dict[str, float]:
    """Wait until there is more of it, and read."""
    wait_for(lambda: read(server).get(series, 0) > before.get(series, 0), f'more of {series}')
    return read(server)


ANSWERS = 'webapp_answers_total{{app=default}},{{outcome={}}}'


def test_answers_are_counted_when_they_end(local: Server) -> None:
    before = read(local)
    assert before[ANSWERS.format('complete')] == 0
    with asking(local, 'default', '/echo one two three'):
        after = grows(local, ANSWERS.format('complete'), before)
        assert after['webapp_open_pages'] == 1
    assert after['webapp_answer_seconds_count{app=default},{outcome=complete}'] == 1
    assert 0 < after['webapp_answer_seconds_sum{app=default},{outcome=complete}'] < 60
    assert after['webapp_answer_first_token_seconds_count{app=default}'] == 1
    for kind in ('read', 'write'):
        assert (
            after[f'webapp_database_seconds_count{{kind={kind}}}']
            > before[f'webapp_database_seconds_count{{kind={kind}}}']
        )
    wait_for(lambda: read(local)['webapp_open_pages'] == 0, 'the page to be closed')


def test_answers_under_way_are_seen(local: Server) -> None:
    with asking(local, 'default', '/rate 20 /long 60'):
        wait_for(lambda: read(local)['webapp_answers_running{app=default}'] == 1, 'a running answer')
        assert read(local)['webapp_answers_waiting{app=default}'] == 0
    wait_for(lambda: read(local)['webapp_answers_running{app=default}'] == 0, 'its end')


def test_what_fails_upstream_is_counted_by_its_code(local: Server) -> None:
    before = read(local)
    series = 'webapp_upstream_errors_total{app=default},{code=model_failed}'
    with asking(local, 'default', '/error first'):
        after = grows(local, ANSWERS.format('failed'), before)
    assert {name for name in after if name.startswith('webapp_upstream_errors_total{app=default}')} == {series}
    assert after[series] == before.get(series, 0) + 1


def test_an_upstream_that_is_away_is_counted_too(local: Server) -> None:
    """Nobody has asked it anything yet: it failed to say who it is."""
    folder = local.folder.parent / f'{local.folder.name}-away'
    settings = local.environment | {'DIFY_BASE_URL': NOWHERE.format(port=free_port())}
    away = Server(folder, settings)
    away.start()
    try:
        grows(away, 'webapp_upstream_errors_total{app=default},{code=upstream_unreachable}', {})
    finally:
        away.stop()


def test_there_are_never_more_series_than_apps_and_codes() -> None:
    """What is gone from the settings, or was never heard of, counts as one."""
    metrics = Metrics(['support'])
    for name in ('gone', 'gone too'):
        metrics.answer(Ended(name, Status.INTERRUPTED))
        metrics.upstream_error('support', f'a code that is {name}')
    text = metrics.written()[0].decode()
    assert 'webapp_answers_total{app="other",outcome="interrupted"} 2.0' in text
    assert 'webapp_upstream_errors_total{app="support",code="other"} 2.0' in text
    assert 'gone' not in text


def test_labels_name_nobody_and_repeat_nothing(local: Server) -> None:
    before = read(local)
    with asking(local, 'default', '/error first a-secret-word'):
        grows(local, ANSWERS.format('failed'), before)
    told = direct.get(f'{local.url}/metrics').text
    assert 'a-secret-word' not in told
    assert sign_in(local, 'ann').user_id not in told
