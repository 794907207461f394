"""Every event that a page hears, sent by its owner and, with the owner's ids, by everybody else.

The events are those that the page itself names, so one without a row fails. They are sent by raw sockets: a browser of
ours would not send most of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest
from support.people import in_store, sign_in
from support.server import wait_for
from world import SECRET_WORD, STAFF, Live, World, live

from webapp.clock import now
from webapp.store import sessions

PROBE = 'xyzzy'  # searched for to see that everything before it has been heard
REFUSED = 'or it is not yours'  # words that a page shows
GONE = 'location.assign'  # a page is sent away
NOTHING = ''  # dropped without a word
OWN = 'own'  # it can be about nobody else's things, so everybody may


@dataclass(frozen=True)
class Row:
    """What an event holds, and what comes of it.

    :param values: of the event, with the owner's ids
    :param owner: what the owner's page is told, in part; '' if that is nothing
    :param others: what the pages of others are told in part, or `OWN`
    :param is_change: whether it changes what the owner has
    """

    event: str
    values: Callable[[World], list[object]]
    owner: str
    others: str
    is_change: bool = False


EVENTS = [
    Row('frame travel', lambda w: [f'/a/default/c/{w.conversation}'], SECRET_WORD, REFUSED),
    Row('frame apps', lambda w: [], NOTHING, OWN),
    Row('frame reload', lambda w: [], REFUSED, REFUSED),  # for admins, see tests/browser
    Row('conversations ready', lambda w: [], NOTHING, OWN),
    Row('conversations open', lambda w: [w.conversation], SECRET_WORD, REFUSED),
    Row('conversations new', lambda w: [], 'greeting', OWN),
    Row('conversations rename', lambda w: [w.conversation, 'another name'], NOTHING, REFUSED, is_change=True),
    Row('conversations delete', lambda w: [w.unwanted], 'discard', REFUSED, is_change=True),
    Row('conversations search', lambda w: [SECRET_WORD[1:]], SECRET_WORD, OWN),
    Row('conversations more', lambda w: [w.conversation, ''], 'extend', REFUSED),
    Row('thread ready', lambda w: [], NOTHING, OWN),
    Row('thread action', lambda w: ['retry', w.broken, w.new_key()], NOTHING, REFUSED, is_change=True),
    Row('thread action', lambda w: ['stop', w.waiting, w.new_key()], NOTHING, REFUSED, is_change=True),
    Row(
        'thread answer',
        lambda w: [w.asking, w.form, 'approve', '{"comment": "yes", "urgency": "low"}', w.new_key()],
        NOTHING,
        REFUSED,
        is_change=True,
    ),
    Row('thread action', lambda w: ['regenerate', w.broken, w.new_key()], NOTHING, REFUSED, is_change=True),
    Row('thread edit', lambda w: [w.broken, '/echo other words', w.new_key(), ''], NOTHING, REFUSED, is_change=True),
    Row('thread edit', lambda w: [w.broken, '', w.new_key(), w.held], NOTHING, REFUSED, is_change=True),
    Row('thread choose', lambda w: [w.broken], NOTHING, REFUSED, is_change=True),
    Row('thread ask', lambda w: ['/echo another question', w.new_key()], 'accepted', OWN, is_change=True),
    Row('thread copy', lambda w: [7, w.message], SECRET_WORD, REFUSED),
    Row('thread question', lambda w: [7, w.message], SECRET_WORD, REFUSED),
    Row('thread sources', lambda w: [7, w.message], 'give', REFUSED),
    Row('thread pieces', lambda w: [7, w.message], 'give', REFUSED),
    Row('thread feedback', lambda w: [w.message, 'like', 'a comment'], NOTHING, NOTHING, is_change=True),
    Row('thread earlier', lambda w: [10**6], SECRET_WORD, OWN),
    Row('thread lost', lambda w: [w.message], 'change', NOTHING),
    Row('composer send', lambda w: ['a question', w.new_key(), [w.unsent], ''], 'accepted', 'refused', is_change=True),
    Row('composer send', lambda w: ['a question', w.new_key(), [w.file], ''], 'refused', 'refused'),
    Row('composer send', lambda w: ['', w.new_key(), [], w.held], 'accepted', REFUSED, is_change=True),
    Row('composer send', lambda w: ['/echo', 'key-of-the-first', [], ''], 'accepted', OWN),
    Row('composer link', lambda w: [7, 'https://files.example.com/a.png'], 'linked', OWN),
    Row('composer stop', lambda w: [], NOTHING, OWN),
    Row('inputs fill', lambda w: ['{"name": "Ada"}', 1], NOTHING, OWN),
    Row('inputs again', lambda w: [], 'greeting', OWN),
    # the framework's own, of a kind of page that we have none of
    Row('layout sub_pages_open', lambda w: [f'/a/default/c/{w.conversation}'], NOTHING, OWN),
    Row('layout sub_pages_navigate', lambda w: [f'/a/default/c/{w.conversation}'], NOTHING, OWN),
]
NAMES = [f'{row.event} {number}' for number, row in enumerate(EVENTS)]


def test_every_event_has_a_row(world: World) -> None:
    with world.everybody() as people, live(people['owner'], f'/a/default/c/{world.conversation}') as page:
        assert page.names.keys() == {row.event for row in EVENTS}


@pytest.mark.parametrize('row', EVENTS, ids=NAMES)
def test_what_comes_of_it(world: World, row: Row) -> None:
    world.settle()
    with world.everybody() as people:
        before, asked = world.rows(), len(world.asked)
        for who in ('other', 'guest'):
            a_stranger(world, people[who], row)
        an_admin_no_more(world, people['ex_admin'], row)
        somebody_signed_out(world, row)
        assert world.rows() == before
        if row.others != OWN:
            assert world.asked[asked:] == []
        the_owner(world, people['owner'], row, before)


ABOUT_OWN = [row for row in EVENTS if row.others not in {OWN, NOTHING} and row.event != 'composer send']


@pytest.mark.parametrize('row', ABOUT_OWN, ids=[row.event for row in ABOUT_OWN])
def test_what_was_made_with_a_closed_app_is_hidden_from_its_owner_too(world: World, row: Row) -> None:
    world.settle()
    closed = world.behind_closed_doors()
    with sign_in(world.server, 'ann').client() as http, live(http, '/a/default') as page:
        before, asked = world.rows(), len(world.asked)
        page.fire(row.event, *row.values(closed))
        assert SECRET_WORD not in page.hears(REFUSED)
        assert http.get(f'/a/staff/c/{closed.conversation}').status_code == 404
        assert http.get(f'/files/{closed.file}').status_code == 404
    assert (world.rows(), world.asked[asked:]) == (before, [])
    with sign_in(world.server, 'ann', groups=STAFF).client() as http:
        assert http.get(f'/files/{closed.file}').status_code == 200


def a_stranger(world: World, http: httpx.Client, row: Row, path: str = '/a/default') -> None:
    """On a page of their own; what is the owner's is to them as what is not there at all."""
    with live(http, path) as page:
        page.fire(row.event, *row.values(world))
        if row.others in {OWN, NOTHING}:
            page.fire('conversations search', PROBE)
            heard = page.hears(PROBE)
        else:
            heard = page.hears(row.others)
    assert SECRET_WORD not in heard
    if row.others not in {OWN, NOTHING}:
        with live(http, path) as page:
            page.fire(row.event, *row.values(world.of_nothing()))
            page.hears(row.others)


def an_admin_no_more(world: World, http: httpx.Client, row: Row) -> None:
    """On a page that was for them as long as they were one."""
    with live(http, '/a/staff') as page:
        world.demote()
        heard = refused(page, row, world)
    assert SECRET_WORD not in heard
    sign_in(world.server, 'eve', claims_admin=True)


def somebody_signed_out(world: World, row: Row) -> None:
    """On a page that has stayed open."""
    carol = sign_in(world.server, 'carol')
    with carol.client() as http, live(http, '/a/default') as page:
        in_store(world.server, sessions.end, token_hash=carol.session_id, now=now())
        heard = refused(page, row, world)
    assert SECRET_WORD not in heard


def refused(page: Live, row: Row, world: World) -> str:
    """Nothing is done for them, and the page says so or goes."""
    page.fire(row.event, *row.values(world))
    page.fire('conversations search', PROBE)
    heard = page.hears(REFUSED, GONE)
    assert PROBE not in heard
    return heard


def the_owner(world: World, http: httpx.Client, row: Row, before: object) -> None:
    with live(http, f'/a/default/c/{world.conversation}') as page:
        page.fire(row.event, *row.values(world))
        if row.owner:
            page.hears(row.owner)
        else:
            page.fire('conversations search', PROBE)
            page.hears(PROBE)
        if row.is_change:
            wait_for(lambda: world.rows() != before, 'a change')
        else:
            assert world.rows() == before
