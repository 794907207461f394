"""What the writing of answers tells those who count: each end once, what is under way, and how upstream is doing."""

from collections.abc import AsyncIterator

import pytest
from generations_support import ask, ended, text_begins

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.chat.message import Status
from webapp.clock import now
from webapp.errors import UpstreamError
from webapp.files import Files
from webapp.generations import Ended, Generations, Load
from webapp.principal import Principal
from webapp.store import turns
from webapp.store.database import Store
from webapp.upstream.client import DifyClient
from webapp.upstream.health import Health


@pytest.fixture
def told() -> list[Ended]:
    return []


@pytest.fixture
async def generations(
    store: Store, apps: Apps, changes: Changes, files: Files, told: list[Ended]
) -> AsyncIterator[Generations]:
    generations = Generations(store, apps, changes, files, on_end=told.append)
    yield generations
    await generations.shutdown(limit=0)


@pytest.fixture
def health(apps: Apps) -> Health:
    return apps.get('demo').health


async def test_each_answer_is_told_once_with_how_long_it_took(
    generations: Generations, told: list[Ended], ann: Principal
) -> None:
    for number, query in enumerate(['/echo a', '/error 401', '/cut 10']):
        await ended(generations, await ask(generations, ann, query, key=f'k{number}'))
    assert [(each.app, each.outcome) for each in told] == [
        ('demo', Status.COMPLETE), ('demo', Status.FAILED), ('demo', Status.INTERRUPTED),
    ]  # fmt: skip
    whole, refused, _ = told
    assert whole.first_token_seconds
    assert whole.seconds
    assert 0 < whole.first_token_seconds <= whole.seconds < 60
    assert refused.first_token_seconds is None


async def test_an_answer_whose_process_died_is_told_by_the_next(
    generations: Generations, store: Store, told: list[Ended], ann: Principal
) -> None:
    given = {'user_id': ann.user_id, 'app': 'demo', 'conversation_id': None, 'query': 'q', 'key': 'k', 'now': now()}
    await store.write(turns.begin, **given)
    await generations.repair_leftovers()
    assert told == [Ended('demo', Status.INTERRUPTED)]


async def test_what_is_under_way_is_writing_or_in_line(generations: Generations, ann: Principal) -> None:
    assert generations.loads == {'demo': Load(running=0, waiting=0)}
    sent = [await ask(generations, ann, '/rate 20 /long 500', key=f'k{number}') for number in range(3)]
    for message in sent[:2]:  # as many as the app may write at once
        generation = generations.of(message.id)
        assert generation
        await text_begins(generation)
    assert generations.loads == {'demo': Load(running=2, waiting=1)}
    for message in sent[::-1]:
        await generations.stop(ann, message.id)
        await ended(generations, message)
    assert generations.loads == {'demo': Load(running=0, waiting=0)}


async def test_answers_and_calls_tell_how_upstream_is_doing(
    generations: Generations, health: Health, apps: Apps, ann: Principal
) -> None:
    assert (health.at, health.code, health.version) == (None, '', '')
    await ended(generations, await ask(generations, ann, '/error 401', key='k1'))
    assert (health.code, health.version) == ('upstream_unauthorized', '1.12.1')
    assert health.at
    await ended(generations, await ask(generations, ann, '/echo well again', key='k2'))
    assert health.code == ''
    await ended(generations, await ask(generations, ann, '/error first', key='k3'))
    assert health.code == 'model_failed'
    await apps.get('demo').client.info()
    assert health.code == ''


async def test_who_refuses_one_thing_is_well(health: Health, apps: Apps) -> None:
    with pytest.raises(UpstreamError):
        await apps.get('demo').client.rename('no such conversation', user='u', name='a name')
    assert health.at
    assert health.code == ''


async def test_a_server_that_is_away_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[str] = []
    away = DifyClient('http://127.0.0.1:9', 'key-of-nobody', health=Health(errors.append))
    with pytest.raises(UpstreamError):
        await App('away', away).about()
    assert (errors, away.health.code, away.health.version) == (['upstream_unreachable'], 'upstream_unreachable', '')
    await away.aclose()


@pytest.mark.parametrize('version', ['', 'one', '<script>', '1.12.1 and more', '1.' + '2' * 60])
def test_only_a_version_is_taken_for_one(version: str) -> None:
    health = Health()
    health.note_version('1.12.1')
    health.note_version(version)
    assert health.version == '1.12.1'
