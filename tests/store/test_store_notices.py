"""Notices for everybody: what may be announced, until when it stands, and what the audit log tells of it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from store_support import NOW

from webapp.errors import Refused
from webapp.store import audit, notices
from webapp.store.audit import Party
from webapp.store.database import Store
from webapp.store.notices import Notice

ROOT = Party('root', 'Root')
TOMORROW = NOW + timedelta(days=1)
LATER = NOW + timedelta(minutes=5)


async def announce(store: Store, text: str = 'Back at noon', **changes: Any) -> Notice:
    given = {'level': 'info', 'ends_at': TOMORROW, 'actor': ROOT, 'now': NOW, 'address': '192.0.2.1'} | changes
    return await store.write(notices.announce, text=text, **given)


async def live(store: Store, now: datetime = LATER) -> list[str]:
    return [notice.text for notice in await store.read(notices.live, now=now)]


async def test_a_notice_stands_until_its_end(store: Store) -> None:
    notice = await announce(store, level='warning')
    assert await store.read(notices.live, now=LATER) == (notice,)
    assert notice == Notice(notice.id, 'Back at noon', 'warning', TOMORROW)
    await announce(store, 'A second one', now=LATER)
    assert await live(store, TOMORROW - timedelta(microseconds=1)) == ['Back at noon', 'A second one']
    assert await live(store, TOMORROW) == []


async def test_it_can_be_ended_before_and_only_once(store: Store) -> None:
    first, second = await announce(store), await announce(store, 'A second one')
    for _ in range(2):
        await store.write(notices.end, notice_id=first.id, actor=ROOT, now=LATER)
    await store.write(notices.end, notice_id='no such\0notice', actor=ROOT, now=LATER)
    await store.write(notices.end, notice_id=second.id, actor=ROOT, now=TOMORROW)  # it is over by itself
    assert await live(store) == ['A second one']
    ends = await store.read(audit.page, wanted=audit.Filter(action='notice_ended'))
    assert [entry.detail['text'] for entry in ends] == ['Back at noon']


async def test_who_announced_what_is_in_the_audit_log(store: Store) -> None:
    await announce(store)
    [entry] = await store.read(audit.page, wanted=audit.Filter())
    assert (entry.action, entry.actor, entry.at, entry.address) == ('notice_shown', ROOT, NOW, '192.0.2.1')
    assert entry.detail == {'text': 'Back at noon', 'level': 'info', 'until': '2026-03-02T12:00+00:00'}


async def test_it_is_one_line_of_plain_text(store: Store) -> None:
    notice = await announce(store, ' <b>Back</b>\n at\t\0 noon\u202e \ud800')
    assert notice.text == '<b>Back</b> at \ufffd noon \ufffd'
    assert await live(store) == [notice.text]
    assert (await announce(store, f'  {"x" * 300}  ')).text == 'x' * 300


@pytest.mark.parametrize(
    ('code', 'wrong'),
    [
        ('notice_unfit', {'text': ''}),
        ('notice_unfit', {'text': ' \n '}),
        ('notice_unfit', {'text': 'x' * 301}),
        ('notice_unfit', {'level': 'error'}),
        ('notice_end', {'ends_at': NOW}),
        ('notice_end', {'ends_at': NOW - timedelta(seconds=1)}),
        ('notice_end', {'ends_at': NOW + timedelta(days=367)}),
    ],
)
async def test_what_is_no_notice_is_refused(store: Store, code: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        await announce(store, **wrong)
    assert refused.value.code == code
    assert await live(store) == []
    assert await store.read(audit.page, wanted=audit.Filter()) == []


async def test_pressed_twice_it_is_one(store: Store) -> None:
    first, second = await asyncio.gather(announce(store), announce(store))
    assert first == second
    assert len(await live(store)) == len(await store.read(audit.page, wanted=audit.Filter())) == 1
    assert await announce(store, ends_at=TOMORROW + timedelta(minutes=1)) != first


async def test_there_is_room_for_a_few(store: Store) -> None:
    for number in range(notices.MOST):
        await announce(store, f'{number}')
    with pytest.raises(Refused, match='notices_full'):
        await announce(store, 'one more')
    await announce(store, 'when those are over', now=TOMORROW, ends_at=TOMORROW + timedelta(days=1))


async def test_what_is_over_is_deleted_and_stays_in_the_log(store: Store) -> None:
    await announce(store)
    assert await store.write(notices.purge, now=LATER) == 0
    assert await store.write(notices.purge, now=TOMORROW) == 1
    assert len(await store.read(audit.page, wanted=audit.Filter())) == 1
