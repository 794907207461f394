"""The pages beside the chat: everything they hear, from whoever has such a page open, or had."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from support.people import ISSUER, SignedIn, in_store, sign_in
from world import World, live

from webapp.clock import now
from webapp.principal import Identity
from webapp.store import links, sessions

ORIGIN = '["helpdesk", "origin", "https://www.example.com"]'
REFUSED = 'or it is not yours'
GONE = 'location.assign'


@dataclass(frozen=True)
class Row:
    """Something that the owner's page of that name would do, which is about somebody else where others say it.

    :param told: what a page is told that may do it
    """

    path: str
    event: str
    values: Callable[[World], list[object]]
    told: str


MINE = [
    Row('/me', 'sheet act', lambda w: ['end', w.ann.session_id], 'show'),
    Row('/me', 'sheet act', lambda w: ['end_others', ''], 'show'),
    Row('/me', 'sheet act', lambda w: ['block', w.ann.user_id], REFUSED),
    Row('/me', 'sheet act', lambda w: ['forget', w.ann.user_id], REFUSED),
    Row('/me', 'sheet act', lambda w: ['unlink', way(w, w.ann)], REFUSED),
    Row('/me', 'sheet act', lambda w: ['link', offered(w, w.ann)], 'took too long'),
    Row('/me', 'sheet act', lambda w: ['unoffer', offered(w, w.ann)], 'show'),
]
ADMINS = [
    Row('/admin', 'sheet act', lambda w: ['announce', announcement()], 'Everybody sees it now'),
    Row('/admin', 'sheet act', lambda w: ['end', w.user], 'Ended.'),
    Row('/admin/users', 'sheet filter', lambda w: ['q=ann'], '/admin/users/'),
    Row('/admin/audit', 'sheet filter', lambda w: [''], 'audit'),
    Row('/admin/feedback', 'sheet filter', lambda w: [''], 'feedback-list'),
    Row('/admin/feedback', 'sheet act', lambda w: ['seen', rating(w)], 'show'),
    Row('/admin/feedback/{message}', 'sheet act', lambda w: ['seen', rating(w)], 'show'),
    Row('/admin/usage', 'sheet filter', lambda w: ['by=answer'], 'usage-table'),
    *(
        Row('/admin/users/{user}', 'sheet act', lambda w, act=act: [act, w.ann.session_id], 'show')  # type: ignore[misc]
        for act in ('end', 'end_all', 'block', 'unblock')
    ),
    Row('/admin/users/{user}', 'sheet act', lambda w: ['forget', 'ann'], 'leave'),
    Row('/admin/usage', 'sheet act', lambda w: ['compare', 'range=7d'], 'Dify is being asked'),
    Row(
        '/admin/budgets',
        'sheet act',
        lambda w: ['save', 'scope=user&period=day&limit=1000000&unit=tokens'],
        'budget-row',
    ),
    Row('/admin/embeds', 'sheet act', lambda w: ['revoke', ORIGIN], 'embed-allow'),
    Row('/admin/embeds', 'sheet act', lambda w: ['allow', ORIGIN], 'It is allowed again'),
    Row('/admin/embeds', 'sheet act', lambda w: ['end_all', 'helpdesk'], 'Sessions ended'),
    Row('/admin/embeds', 'sheet act', lambda w: ['preview', 'helpdesk'], '/embed/helpdesk/chat?t='),
]
# Every sheet hears both; these have nothing to do, or nothing to filter.
IDLE = {
    *((path, 'sheet act') for path in ('/admin/users', '/admin/audit')),
    *((path, 'sheet filter') for path in ('/me', '/admin', '/admin/budgets', '/admin/embeds', '/admin/users/{user}')),
    ('/admin/feedback/{message}', 'sheet filter'),
}
PAGES = (
    *('/me', '/admin', '/admin/usage', '/admin/budgets', '/admin/users', '/admin/users/{user}', '/admin/audit'),
    *('/admin/embeds', '/admin/feedback', '/admin/feedback/{message}'),
)
EVERYTHING = {'claims_admin': True, 'claims_reader': True}


def test_every_event_has_a_row(world: World) -> None:
    heard = set()
    with sign_in(world.server, 'eve', **EVERYTHING).client() as http:
        for path in PAGES:
            with live(http, path.format(**world.ids)) as page:
                heard |= {(path, name) for name in page.names if not name.startswith('layout ')}
    assert heard == {(row.path, row.event) for row in [*MINE, *ADMINS]} | IDLE


@pytest.mark.parametrize('row', MINE, ids=lambda row: row.values.__code__.co_consts[1])
def test_what_is_mine_touches_nobody_else(world: World, row: Row) -> None:
    ann, bob = sign_in(world.server, 'ann'), sign_in(world.server, 'bob')
    with bob.client() as http, live(http, '/me') as page:
        page.fire(row.event, *row.values(world))
        page.hears(row.told)
    assert lives(world, ann)
    assert lives(world, world.ann)


@pytest.mark.parametrize('row', ADMINS, ids=lambda row: row.path)
def test_who_is_an_admin_no_more_can_do_nothing_on_an_open_page(world: World, row: Row) -> None:
    with sign_in(world.server, 'eve', **EVERYTHING).client() as http:
        with live(http, row.path.format(**world.ids)) as page:
            world.demote()
            page.fire(row.event, *row.values(world))
            heard = page.hears(REFUSED, GONE)
        assert row.told not in heard.replace(GONE, '')
        assert http.get(row.path.format(**world.ids)).status_code == 404
    assert lives(world, world.ann)
    assert world.value('SELECT count(*) FROM notices') == 0
    assert world.value('SELECT blocked_at FROM users WHERE id = ?', world.user) is None
    assert world.value('SELECT count(*) FROM forgettings') == 0
    assert world.value('SELECT count(*) FROM embed_revocations') == 0
    assert world.value("SELECT count(*) FROM audit WHERE action = 'embed_ended'") == 0
    assert world.value("SELECT count(*) FROM identities WHERE issuer = 'preview:helpdesk'") == 0
    assert world.value('SELECT state FROM feedback WHERE id = ?', world.message) == 'new'


def test_nor_can_one_who_has_been_signed_out(world: World) -> None:
    eve = sign_in(world.server, 'eve', claims_admin=True)
    with eve.client() as http, live(http, f'/admin/users/{world.user}') as page:
        in_store(world.server, sessions.end, token_hash=eve.session_id, now=now())
        page.fire('sheet act', 'block', '')
        page.hears(GONE)
    assert lives(world, world.ann)


def test_what_an_admin_does_is_done_and_written_down(world: World) -> None:
    dora = sign_in(world.server, 'dora')
    eve = sign_in(world.server, 'eve', claims_admin=True)
    with eve.client() as http, live(http, f'/admin/users/{dora.user_id}') as page:
        page.fire('sheet act', 'block', '')
        page.hears('show')
    assert not lives(world, dora)
    assert world.value("SELECT target_id FROM audit WHERE action = 'blocked'") == dora.user_id


def test_an_admin_forgets_somebody_whose_name_they_have_written_and_nobody_by_mistake(world: World) -> None:
    gina, eve = sign_in(world.server, 'gina', name='Gina'), sign_in(world.server, 'eve', claims_admin=True)
    with eve.client() as http, gina.client() as hers:
        with live(hers, '/me') as open_page, live(http, f'/admin/users/{gina.user_id}') as page:
            for wrong in ('', 'Gin', gina.user_id):
                page.fire('sheet act', 'forget', wrong)
            page.hears('not the name')
            assert lives(world, gina)
            page.fire('sheet act', 'forget', 'Gina')
            page.hears('leave')
            open_page.hears(GONE)
        assert world.value('SELECT 1 FROM users WHERE id = ?', gina.user_id) is None
        assert http.get(f'/admin/users/{gina.user_id}').status_code == 404
        assert http.get(f'/admin/users/{gina.user_id}/export.zip').status_code == 404
        assert hers.get('/me/export.zip').status_code == 303
        log = http.get('/admin/audit').text
        assert 'Deleted person (' in log
        assert 'Gina' not in log


def test_nobody_forgets_themselves(world: World) -> None:
    eve = sign_in(world.server, 'eve', claims_admin=True)
    with eve.client() as http, live(http, f'/admin/users/{eve.user_id}') as page:
        page.fire('sheet act', 'forget', 'eve')
        page.hears('your own account')
    assert lives(world, eve)


def test_a_way_in_is_taken_and_given_up_by_its_person_alone(world: World) -> None:
    fred, phone = sign_in(world.server, 'fred'), sign_in(world.server, 'fred')
    with fred.client() as http, live(http, '/me') as page:
        page.fire('sheet act', 'link', offered(world, fred))
        page.hears('Added.')
        added = world.value('SELECT user_id FROM identities WHERE subject = ?', f'more {fred.user_id}')
        assert added == fred.user_id
        page.fire('sheet act', 'unlink', way(world, fred, f'more {fred.user_id}'))
        page.hears('Removed.')
        page.fire('sheet act', 'unlink', way(world, fred))
        page.hears('your last way')
    assert lives(world, phone)


def rating(world: World) -> str:
    """What a button says that is about the owner's."""
    query = "SELECT updated_at || '.' || id || '.' || state FROM feedback WHERE id = ?"
    return str(world.value(query, world.message))


def announcement() -> str:
    return urlencode({'text': 'Hear, hear', 'level': 'info', 'until': (now() + timedelta(hours=1)).isoformat()})


def way(world: World, who: SignedIn, subject: str = '%') -> str:
    query = 'SELECT id FROM identities WHERE user_id = ? AND subject LIKE ? ORDER BY created_at'
    return str(world.value(query, who.user_id, subject))


def offered(world: World, who: SignedIn) -> str:
    """The id of a way in that has been proven in somebody's browser."""
    more = Identity(ISSUER, f'more {who.user_id}', 'oidc')
    until = now() + timedelta(minutes=9)
    given = {'user_id': who.user_id, 'session_id': who.session_id, 'identity': more, 'expires_at': until}
    in_store(world.server, links.offer, **given)
    return str(world.value('SELECT id FROM offers WHERE session_id = ?', who.session_id))


def lives(world: World, who: SignedIn) -> bool:
    return world.value('SELECT 1 FROM sessions WHERE id = ? AND ended_at IS NULL', who.session_id) == 1
