"""Keeps two commands from deciding at once about something that has no row yet to lock."""

import hashlib

from sqlalchemy import text
from sqlmodel import Session


def hold(session: Session, *names: str) -> None:
    """Let no other command that holds the same names run until this one has ended.

    SQLite has one writer in any case; PostgreSQL locks a number that the names give.
    """
    connection = session.connection()
    if connection.dialect.name == 'postgresql':
        digest = hashlib.sha256('\0'.join(names).encode()).digest()
        number = int.from_bytes(digest[:8], signed=True)
        connection.execute(text('SELECT pg_advisory_xact_lock(:number)'), {'number': number})
