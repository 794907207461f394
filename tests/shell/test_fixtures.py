"""The floor that the other tests stand on."""

import psycopg
import pytest
from playwright.sync_api import Page
from sqlalchemy import URL

pytest_plugins = ['pytester']


def test_the_browser_shows_a_page(page: Page) -> None:
    page.set_content('<h1>hello</h1>')
    assert page.inner_text('h1') == 'hello'


def test_the_database_is_a_real_postgresql(postgres: URL) -> None:
    with psycopg.connect(postgres.set(drivername='postgresql').render_as_string(hide_password=False)) as connection:
        (version,) = connection.execute('select version()').fetchone() or ('',)
    assert version.startswith('PostgreSQL')


def test_what_cannot_run_is_said_aloud_before_the_closing_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.parametrize('n', [1, 2])
        def test_page(n):
            pytest.skip('browser: no Chromium found')

        @pytest.mark.skip(reason='not on this machine')
        def test_other():
            pass
    """)
    lines = pytester.runpytest('-p', 'support.not_run', '-p', 'no:asyncio').outlines
    assert 'NOT RUN: browser: no Chromium found (2 tests)' in lines
    assert 'NOT RUN: tests: not on this machine (1 tests)' in lines
    assert '3 skipped' in lines[-1]
