"""`webapp person`: gives out all that is held of somebody, or forgets them."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

from webapp import clock
from webapp.auth.admission import Admission
from webapp.commands.database import explained, left_upstream, opened
from webapp.commands.terminal import DRY, CommandFailed, quietly, say
from webapp.errors import Refused, StoreUnavailable
from webapp.exports import person_archive
from webapp.forgetting import Forgetting
from webapp.principal import Role
from webapp.settings import Settings
from webapp.store import audit, forgetting, people, users
from webapp.store.audit import Action, Party
from webapp.store.database import Store
from webapp.store.users import User


def run(what: Literal['export', 'forget'], who: str, *, output: Path = Path(), apply: bool = False) -> None:
    """:raises CommandFailed: wrong settings, or as `export` and `forget`"""
    chosen = quietly()
    with explained():
        say(export(chosen, who, output) if what == 'export' else forget(chosen, who, apply=apply))


async def export(chosen: Settings, who: str, output: Path) -> AsyncIterator[str]:
    """Write all that is held of a person.

    :raises CommandFailed: nobody is called so, or several are, or the file can't be written
    """
    async with opened(chosen) as store:
        user, moment = await _person(store, who), clock.now()
        target = await store.read(users.named, user.id)
        told = {'by': 'command'}
        try:
            with _new_file(output) as file:
                await store.write(audit.record, Action.PERSON_EXPORTED, now=moment, target=target, detail=told)
                async for piece in person_archive.pieces(store, user.id, moment=moment):
                    file.write(piece)
                size = file.tell()
        except OSError as error:
            raise CommandFailed(f'{output}: {error.strerror}') from error
        yield f'{output}: {size} bytes, all that is held of {_called(user)}.'


async def forget(chosen: Settings, who: str, *, apply: bool) -> AsyncIterator[str]:
    """What there is of a person, and with `apply`, that it has gone.

    :raises CommandFailed: nobody is called so, or several are; or they are the last admin; or not all has gone
    """
    async with opened(chosen) as store:
        user = await _person(store, who)
        held = await store.read(forgetting.preview, user_id=user.id)
        yield f'{_called(user)}, first seen {user.created_at:%Y-%m-%d}, last seen {user.last_seen_at:%Y-%m-%d}'
        yield (
            f'goes: {held.conversations} conversations with {held.messages} messages, here and in Dify; '
            f'{held.files} files of {held.bytes} bytes; {held.feedback} ratings; {held.sessions} sessions'
        )
        yield (
            f'stays without a name: {held.answers} answers in the ledger, to the last digit; '
            f'{held.entries} entries of the audit log'
        )
        if not apply:
            yield DRY
            return
        admission = Admission(
            is_local=chosen.is_local, guests=chosen.guests, providers=chosen.providers, admins=chosen.admins
        )
        work = Forgetting(
            store,
            is_admin=lambda identity: admission.role(identity) is Role.ADMIN,
            stop=_nothing_runs_here,
            on_end=lambda session_id: None,  # the server looks every few seconds whose pages are open
            on_work=lambda: None,
        )
        try:
            await work.forget(user.id, actor=Party(), now=clock.now())
        except Refused as error:
            if error.code != 'last_admin':
                raise
            raise CommandFailed('This is the last admin; nobody could manage this any more.') from error
        try:
            await work.finish(user.id)  # what it has had to leave for later: nobody comes by here later
        except StoreUnavailable as error:
            raise CommandFailed(
                f'Not all of it has gone: {error.detail or error.code}.',
                'Run it again; a server that runs, or is started, goes on with it, too.',
            ) from error
        yield 'Forgotten.'
        async for line in left_upstream(store):
            yield line


async def _nothing_runs_here(_: str) -> None:
    """An answer that a server is writing is stopped there, as soon as it finds that its row is gone."""


async def _person(store: Store, who: str) -> User:
    found = await store.read(people.find, who=who)
    if not found:
        raise CommandFailed(f'There is nobody with the id or the e-mail address {who}.')
    if len(found) > 1:
        lines = (f'- {user.id} {user.name} {user.email}, last seen {user.last_seen_at:%Y-%m-%d}' for user in found)
        raise CommandFailed(f'{who} may be several people; say which by id:', *lines)
    return found[0]


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A file of the owner's alone; gone again if it was not written to its end, since no part is the whole."""
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(opened, 'wb') as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _called(user: User) -> str:
    return ', '.join(filter(None, (user.name, user.email, user.id)))
