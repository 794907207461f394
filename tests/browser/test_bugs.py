"""What nobody expected: the person hears of it, and keeps what they wrote."""

import sqlite3
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Page, expect
from support.chat import ask, open_page, say, text_of
from support.server import Server


def test_a_bug_in_a_handler_leaves_the_draft_and_says_so(tmp_path: Path, demo: str, page: Page) -> None:
    """A date in the database that is none stands for all that no code foresees."""
    server = Server(tmp_path, {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'})
    server.start()
    try:
        open_page(page, server.url)
        ask(page, '/echo before')
        server.keeps_all()
        with closing(sqlite3.connect(tmp_path / 'data' / 'webapp.db', isolation_level=None)) as database:
            (good,) = database.execute('select created_at from conversations').fetchone()
            database.execute("update conversations set created_at = 'the day before yesterday'")
            say(page, '/echo after')
            expect(page.get_by_test_id('banner').filter(has_text='Something went wrong on our side')).to_be_visible()
            expect(page.get_by_test_id('composer-input')).to_have_value('/echo after')
            database.execute('update conversations set created_at = ?', (good,))
        page.get_by_test_id('composer-send').click()
        expect(page.get_by_test_id('message-assistant')).to_have_count(2)
        expect(page.get_by_test_id('message-text').last).to_have_text('after')
        assert text_of(page).strip() == 'after'
        assert 'Traceback' in server.log  # with its place, for whoever mends it
    finally:
        page.close()
        server.stop()
