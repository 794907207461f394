"""The database, for commands that work on what is kept."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from webapp.commands.terminal import CommandFailed
from webapp.errors import AppError
from webapp.settings import Settings
from webapp.store import deletions, schema
from webapp.store.database import Store


@asynccontextmanager
async def opened(chosen: Settings) -> AsyncIterator[Store]:
    """:raises CommandFailed: it has another form than this program needs"""
    store = Store(chosen.database_url)
    try:
        if complaint := await store.read(schema.complaint):
            raise CommandFailed(complaint)
        yield store
    finally:
        await store.close()


@contextmanager
def explained(*before: str) -> Iterator[None]:
    """Says why the database can't be used, where it can't.

    :param before: lines to say first
    :raises CommandFailed: it can't
    """
    try:
        yield
    except AppError as error:
        raise CommandFailed(*before, *reasons(error)) from error


def reasons(error: AppError) -> tuple[str, str]:
    """What is the matter, and what to do."""
    if error.detail == schema.NEWER:
        return schema.NEWER, 'Install the version that was here before, or give DATABASE_URL another database.'
    return (
        f'The database cannot be used: {error.detail or error.code}.',
        'DATABASE_URL says where it is; `webapp doctor` tells more.',
    )


async def left_upstream(store: Store) -> AsyncIterator[str]:
    """What Dify has not heard yet of what has gone here."""
    if waiting := await store.read(deletions.waiting):
        yield f'In Dify, {waiting} conversations are still to be deleted: the server does it while it runs.'
