"""Databases with the newest tables and nothing in them, without the tenth of a second that all migrations take."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

from sqlalchemy import URL, create_engine, text

schemas = count(1)


def place(path: Path) -> str:
    """Make an SQLite file as the store would; its address."""
    from webapp.store import engines

    url = f'sqlite:///{path}'
    engines.prepare_file(engines.parse(url))
    path.write_bytes(_migrated())
    return url


@cache
def _migrated() -> bytes:
    from webapp.store import engines, migration

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'webapp.db'
        migration.migrate(engines.parse(f'sqlite:///{path}'))
        return path.read_bytes()


def schema(postgres: URL) -> str:
    """The address of a new schema without tables, which serves as a database."""
    name = f'test_{next(schemas)}'
    engine = create_engine(postgres)
    with engine.begin() as connection:
        connection.execute(text(f'CREATE SCHEMA {name}'))
    engine.dispose()
    return postgres.update_query_dict({'options': f'-c search_path={name}'}).render_as_string(hide_password=False)


class Reused:
    """A database in PostgreSQL for one test after the other: 140 files for each would take longer than most tests.

    :param url: of one without tables
    """

    def __init__(self, url: str) -> None:
        from webapp.store import engines, migration
        from webapp.store.tables import Table

        self.url = url
        migration.migrate(engines.parse(url))
        self._engine = engines.writing(engines.parse(url), 1)
        self._which_hold = ' UNION ALL '.join(
            f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in Table.metadata.tables
        )

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Its address; who has borrowed it may leave rows, but no other tables."""
        yield self.url
        with self._engine.begin() as connection:
            if names := connection.execute(text(self._which_hold)).scalars().all():
                connection.execute(text(f'TRUNCATE {", ".join(names)} CASCADE'))

    def close(self) -> None:
        self._engine.dispose()
