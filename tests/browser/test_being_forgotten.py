"""An admin takes out what is held of a person, and forgets them, in a real browser; what has gone says so."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import Session, col, select
from support.axe import faults
from support.chat import CONNECTED, answers, ask, conversation_id, open_page, say, wait_for_text
from support.people import Other, in_store, serving, sign_in
from support.server import Server

from webapp import clock
from webapp.store import files
from webapp.store.tables import FileRow


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp('forgetting'), demo) as server:
        yield server


def test_an_admin_forgets_somebody_who_is_just_asking(
    server: Server, context: BrowserContext, page: Page, other: Other
) -> None:
    bob = sign_in(server, 'bob', name='Bob Stone', email='bob@example.com', email_verified=True)
    bobs = other(bob)
    open_page(bobs, server.url)
    ask(bobs, 'A secret question')
    say(bobs, '/long 4000')
    expect(answers(bobs)).to_have_count(2)
    wait_for_text(bobs, 200)

    sign_in(server, 'admin', name='Admin', claims_reader=True).open_in(context)
    page.goto(f'{server.url}/admin/users/{bob.user_id}')
    page.wait_for_function(CONNECTED)
    data = page.get_by_test_id('person-data')
    expect(data).to_contain_text('Conversations: 1 · Messages: 2')
    with page.expect_download() as download:
        page.get_by_test_id('person-export').click()
    with ZipFile(download.value.path()) as archive:
        assert 'A secret question' in archive.read('messages.jsonl').decode()

    page.get_by_test_id('person-forget').press('Enter')
    dialog, yes = page.get_by_role('dialog'), page.get_by_test_id('confirm')
    expect(dialog).to_contain_text('To go on, write bob@example.com')
    expect(yes).to_be_disabled()
    typed = page.get_by_role('textbox', name='To go on, write bob@example.com')
    expect(typed).to_be_focused()
    typed.fill('bob@example.co')
    typed.press('Enter')
    expect(dialog).to_be_visible()
    assert faults(page) == []
    page.get_by_role('button', name='Cancel').click()
    page.get_by_test_id('person-forget').click()
    expect(typed).to_have_value('')
    typed.fill('bob@example.com')
    typed.press('Enter')

    expect(page).to_have_url(f'{server.url}/admin/users')
    expect(bobs).to_have_url(re.compile('/login'))
    expect(page.get_by_test_id('person')).to_have_count(1)
    page.goto(f'{server.url}/admin/audit')
    expect(page.get_by_test_id('audit-row').first).to_contain_text('Person forgotten')
    expect(page.get_by_test_id('audit-row').first).to_contain_text('Deleted person (')
    expect(page.get_by_test_id('audit-table')).not_to_contain_text('Bob')


def test_people_take_away_what_is_held_of_them(server: Server, context: BrowserContext, page: Page) -> None:
    sign_in(server, 'carl', name='Carl').open_in(context)
    page.goto(f'{server.url}/me')
    with page.expect_download() as download:
        page.get_by_role('link', name='Download as ZIP').click()
    with ZipFile(download.value.path()) as archive:
        assert '"name": "Carl"' in archive.read('person.json').decode()


def fade(session: Session, name: str) -> None:
    ids = session.exec(select(FileRow.id).where(col(FileRow.name) == name)).all()
    assert files.fade(session, ids=ids, before=clock.now() + timedelta(days=1)) == [9]


def test_a_message_says_that_its_file_is_not_kept_any_more(
    server: Server, context: BrowserContext, page: Page, tmp_path: Path
) -> None:
    note = tmp_path / 'a note.txt'
    note.write_text('something')
    sign_in(server, 'dora').open_in(context)
    open_page(page, server.url)
    page.get_by_test_id('composer-file').set_input_files(note)
    expect(page.get_by_test_id('attachment')).to_have_attribute('data-state', 'ready')
    ask(page, '/echo with a file')
    conversation_id(page)
    in_store(server, fade, 'a note.txt')
    page.reload()
    gone = page.get_by_test_id('message-file-gone')
    expect(gone).to_contain_text('a note.txt')
    expect(gone).to_contain_text('no longer kept')
    expect(gone.get_by_role('link')).to_have_count(0)
    expect(page.get_by_test_id('message-user')).to_contain_text('with a file')
    assert faults(page) == []
