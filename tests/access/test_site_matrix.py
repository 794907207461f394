"""The chat within a page of another site: everything it hears, from whoever is there, or was."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from support.embedding import Frame
from support.people import in_store
from support.server import wait_for
from test_event_matrix import EVENTS, NAMES, NOTHING, OWN, PROBE, REFUSED, Row, a_stranger
from world import SECRET_WORD, Live, World, live

from webapp.clock import now
from webapp.store import sessions

GONE = 'location.replace'


@dataclass(frozen=True)
class Wish:
    """What the page around may want, or who is there, and what the page is told of it; '' for nothing."""

    event: str
    values: Callable[[World], list[object]]
    told: str
    is_change: bool = False


WISHES = [
    Wish('host send', lambda w: ['/echo for the host'], 'accepted', is_change=True),
    Wish('host new', lambda w: [], 'greeting'),
    Wish('host inputs', lambda w: [json.dumps({'conversation': w.conversation})], 'inputs_unfit'),
    Wish('host pass', lambda w: [7, 'file', w.file], 'give'),
    Wish('host pass', lambda w: [7, 'upload', ''], 'give'),
    Wish('host pass', lambda w: [7, 'admin', w.user], REFUSED),
    Wish('host leave', lambda w: [], GONE),
    Wish('frame leave', lambda w: [], GONE),
]
ABOUT_WISHES = [f'{wish.event} {number}' for number, wish in enumerate(WISHES)]


@contextmanager
def within(world: World, subject: str, embed: str = 'helpdesk', **said: object) -> Iterator[Frame]:
    with Frame.at(world.server, embed) as frame:
        frame.come_in(subject, **said)
        yield frame


def test_every_event_has_a_row(world: World) -> None:
    with within(world, 'fay') as frame, live(frame.http, frame.chat()) as page:
        assert page.names.keys() == {row.event for row in EVENTS} | {wish.event for wish in WISHES}


@pytest.mark.parametrize('row', EVENTS, ids=NAMES)
def test_nothing_of_our_own_pages_can_be_reached_from_there(world: World, row: Row) -> None:
    """Be it by somebody whom the host calls what the provider calls the owner."""
    world.settle()
    before, asked = world.rows(), len(world.asked)
    with within(world, 'ann', groups=['staff']) as frame:
        a_stranger(world, frame.http, row, frame.chat())
    assert world.rows() == before
    if row.others != OWN:
        assert world.asked[asked:] == []


@pytest.mark.parametrize('wish', WISHES, ids=ABOUT_WISHES)
def test_a_wish_is_about_who_is_there(world: World, wish: Wish) -> None:
    world.settle()
    before = world.rows()
    with within(world, 'gus') as frame, live(frame.http, frame.chat()) as page:
        page.fire(wish.event, *wish.values(world))
        assert SECRET_WORD not in page.hears(wish.told)
        if wish.is_change:
            mine = "SELECT COUNT(*) FROM messages JOIN identities USING (user_id) WHERE subject = 'gus'"
            wait_for(lambda: world.value(mine), 'a message')
    assert world.rows() == before
    with world.ann.client() as http:
        assert http.get('/').status_code == 200


@pytest.mark.parametrize('wish', WISHES, ids=ABOUT_WISHES)
def test_nothing_is_done_for_somebody_who_has_gone(world: World, wish: Wish) -> None:
    with within(world, 'hal') as frame, live(frame.http, frame.chat()) as page:
        session = 'SELECT s.id FROM sessions s JOIN identities i ON i.id = s.identity_id'
        ended = world.value(f"{session} WHERE i.subject = 'hal' AND s.ended_at IS NULL")
        in_store(world.server, sessions.end, token_hash=ended, now=now())
        is_refused(world, page, wish, GONE)


@pytest.mark.parametrize('wish', WISHES[:-2], ids=ABOUT_WISHES[:-2])
def test_nor_for_somebody_who_is_not_in_the_group_any_more(world: World, wish: Wish) -> None:
    with within(world, 'ida', 'team', groups=['staff']) as frame, live(frame.http, frame.chat()) as page:
        frame.come_in('ida', groups=['others'])
        is_refused(world, page, wish, REFUSED, GONE)


def is_refused(world: World, page: Live, wish: Wish, *words: str) -> None:
    asked = len(world.asked)
    page.fire(wish.event, *wish.values(world))
    page.fire('conversations search', PROBE)
    heard = page.hears(*words)
    assert PROBE not in heard
    assert '&m=' not in heard
    assert world.asked[asked:] == []
    assert wish.told in {GONE, REFUSED, NOTHING} or wish.told not in heard
