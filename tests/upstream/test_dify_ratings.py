"""What an app's list of ratings says, as a real Dify wrote it, and as others might."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from stage import Stage, recording, whole

from webapp.chat.rating import ListedRating
from webapp.errors import Unreachable
from webapp.upstream.client import DifyClient


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv('TZ', 'Asia/Tokyo')
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures('in_tokyo')
async def test_the_list_of_ratings_has_its_times_in_utc(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('app-feedbacks').act())
    listed = await client.feedbacks(1, limit=20)
    assert theatre.requests[-1].target == '/v1/app/feedbacks?page=1&limit=20'
    [rating] = listed.items
    assert rating == ListedRating(
        id='47db93ce-b539-4bf4-9eba-444fd68f8e52',
        message_id='4b9415c1-10fe-4bcf-805c-e90d200f7e3a',
        conversation_id='8bf85b33-9650-44b4-87f5-6d06e720eb87',
        rating='dislike',
        comment='so-so',
        is_admin=False,
        rater='f2718feb-855d-486b-9a7a-ef5b846a7f4b',
        updated_at=datetime(2026, 11, 22, 0, 34, 51, tzinfo=UTC),
    )
    assert listed.has_more, 'there may be'


async def test_a_rating_may_be_an_admins(client: DifyClient, theatre: Stage) -> None:
    """Given in the console of Dify, by somebody who has an account there."""
    ids = {'from_end_user_id': 'ann', 'from_account_id': 'eve'}
    theatre.play(whole({'data': [RATED | ids | {'from_source': source} for source in ('admin', 'user')]}))
    assert [(each.is_admin, each.rater) for each in (await client.feedbacks()).items] == [(True, 'eve'), (False, 'ann')]


RATED = {'id': 'f', 'message_id': 'm', 'rating': 'like'}


@pytest.mark.parametrize(
    ('said', 'expected'),
    [
        ({}, None),
        ({'updated_at': '2026-03-01T12:00:00Z'}, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ({'updated_at': '2026-03-01T12:00:00.5+02:00'}, datetime(2026, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        ({'updated_at': 1772366400}, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ({'updated_at': None, 'created_at': '2026-03-01T12:00:00'}, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ({'updated_at': 'yesterday', 'created_at': 10**300}, None),
        ({'updated_at': '0001-01-01T00:00:00+14:00'}, None),
        ({'updated_at': ['2026'], 'created_at': {}}, None),
    ],
)
async def test_times_of_ratings_as_servers_write_them(
    said: dict[str, object], expected: datetime | None, client: DifyClient, theatre: Stage
) -> None:
    theatre.play(whole({'data': [RATED | said]}))
    [rating] = (await client.feedbacks()).items
    assert rating.updated_at == expected


async def test_of_a_list_of_ratings_what_is_none_is_left_out(client: DifyClient, theatre: Stage) -> None:
    strange = [{}, 7, None, [], RATED | {'id': ''}, RATED | {'message_id': None}, RATED | {'rating': 'love'}]
    odd = {'content': ['x'], 'from_source': None, 'from_end_user_id': 7, 'conversation_id': {}}
    theatre.play(whole({'data': [*strange, RATED | odd]}))
    page = await client.feedbacks()
    assert [(each.comment, each.is_admin, each.rater, each.conversation_id) for each in page.items] == [
        ('', False, '', '')
    ]
    theatre.play(whole({'data': strange}))
    page = await client.feedbacks()
    assert (page.items, page.has_more) == ((), True)
    theatre.play(whole({'data': []}))
    assert not (await client.feedbacks()).has_more


@pytest.mark.parametrize('body', [{}, {'data': None}, {'data': {'id': 'f'}}, {'result': 'success'}, ''])
async def test_an_answer_without_a_list_is_no_empty_list(body: object, client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole(body))
    with pytest.raises(Unreachable):
        await client.feedbacks()
