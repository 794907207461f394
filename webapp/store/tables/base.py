"""What all tables have in common."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    MetaData,
    Text,
    TypeDecorator,
    literal_column,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import UpdateBase
from sqlmodel import Session, SQLModel

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware `datetime` in Python, microseconds since 1970 in the database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


# a literal, since neither database matches a bound value with the condition of a partial index
RUNNING: ColumnElement[str] = literal_column("'running'", Text)
WAITING: ColumnElement[str] = literal_column("'waiting'", Text)


def changed(session: Session, statement: UpdateBase) -> int:
    """Run an UPDATE or a DELETE; how many rows it met. Rows that the session holds already are not refreshed."""
    return session.exec(statement, execution_options={'synchronize_session': False}).rowcount


class Table(SQLModel):
    """Names its constraints, so that later migrations can speak of them on every database."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            'ix': 'ix_%(table_name)s_%(column_0_N_name)s',
            'uq': 'uq_%(table_name)s_%(column_0_N_name)s',
            'fk': 'fk_%(table_name)s_%(column_0_name)s',
            'pk': 'pk_%(table_name)s',
        }
    )


def only_where(condition: str) -> dict[str, Any]:
    """Makes an index cover only rows that meet `condition`."""
    return {'sqlite_where': text(condition), 'postgresql_where': text(condition)}


def owner() -> Column[str]:
    return Column(Text, ForeignKey('users.id', ondelete='CASCADE'), nullable=False)
