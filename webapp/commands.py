"""The commands about what is kept, and one to try an embed with: what they print, and what they do. They work beside a
server, and without one.
"""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from webapp import clock
from webapp.auth.admission import Admission
from webapp.embedding import host_tokens
from webapp.embeds import Embed, Embeds, Key
from webapp.errors import Refused, StoreUnavailable
from webapp.exports import person_archive
from webapp.forgetting import Forgetting
from webapp.principal import Role
from webapp.retention import Retention
from webapp.settings import Settings
from webapp.store import audit, deletions, files, forgetting, people, schema, users
from webapp.store.audit import Action, Party
from webapp.store.database import Store
from webapp.store.retention import Kind
from webapp.store.users import User

NO_EMBEDS = 'There are none: each is a table [[embeds]] in webapp.toml.'
DRY = 'Nothing has been changed: this is what --apply would do.'


class CommandFailed(Exception):
    """What to tell, a line each."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__('\n'.join(lines))


async def retention(chosen: Settings, *, apply: bool) -> AsyncIterator[str]:
    """What is old enough to go, and with `apply`, that it has gone; line by line.

    :raises CommandFailed: there is no database, or another process is at it, or has taken it over
    """
    async with _store(chosen) as store:
        work = Retention(store, chosen.retention)
        for kind in Kind:
            if kind not in chosen.retention.before(clock.now()):
                yield f'{kind}: kept for ever'
        for due in await work.preview():
            found = f'; the oldest of {due.oldest:%Y-%m-%d}, the newest of {due.newest:%Y-%m-%d}' if due.oldest else ''
            yield f'{due.kind}: before {due.before:%Y-%m-%d %H:%M} UTC: {_counted(due.counts)}{found}'
        if not apply:
            yield DRY
            return
        try:
            counts = await work.work()
        except Refused as error:
            if error.code != 'chore_lost':
                raise
            raise CommandFailed('Another process has taken it over, and goes on with it.') from error
        if counts is None:
            raise CommandFailed('Another process is at it; look again when it is done.')
        while await store.write(files.remove_some):
            pass
        yield f'Gone: {_counted(counts)}.'
        async for line in _upstream(store):
            yield line


async def export(chosen: Settings, who: str, output: Path) -> AsyncIterator[str]:
    """Write all that is held of a person.

    :raises CommandFailed: nobody is called so, or several are, or the file can't be written
    """
    async with _store(chosen) as store:
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
    async with _store(chosen) as store:
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
        async for line in _upstream(store):
            yield line


async def embed_ticket(
    chosen: Settings, id_: str, *, kid: str | None, claims: Mapping[str, object], minutes: int
) -> AsyncIterator[str]:
    """A host's token for trying an embed, and the address to open it with.

    :param kid: of the key to sign with; else the first that can
    :param claims: who is there, as `host_tokens.sign` takes them
    :raises CommandFailed: there is no such embed, or no such key, or only the host can sign with it
    """
    embed = Embeds(chosen.embeds).find(id_)
    if embed is None:
        known = ', '.join(sorted(each.id for each in chosen.embeds))
        raise CommandFailed(f'There is no embed "{id_}".', f'The embeds are {known}.' if known else NO_EMBEDS)
    key, address, lifetime = _key(embed, kid), chosen.public_url + embed.path, timedelta(minutes=minutes)
    try:
        token = host_tokens.sign(key, claims, audience=address, now=clock.now(), lifetime=lifetime)
    except ValueError as error:
        raise CommandFailed(
            f'"{key.kid}" is a public key: only whoever has its private half can sign.',
            'Sign there, as docs/embedding.md shows under "With a key pair".',
        ) from error
    yield token
    yield f'{address}?token={token}'


def _key(embed: Embed, kid: str | None) -> Key:
    """The one to sign with. :raises CommandFailed: there is none"""
    if not embed.keys:
        raise CommandFailed(f'The embed "{embed.id}" has no keys: nobody vouches for anybody there.')
    key = embed.key(kid) if kid else next((each for each in embed.keys if each.algorithm == 'HS256'), embed.keys[0])
    if key is None:
        known = ', '.join(each.kid for each in embed.keys)
        raise CommandFailed(f'The embed "{embed.id}" has no key "{kid}".', f'Its keys are {known}.')
    return key


async def _nothing_runs_here(_: str) -> None:
    """An answer that a server is writing is stopped there, as soon as it finds that its row is gone."""


async def _upstream(store: Store) -> AsyncIterator[str]:
    if waiting := await store.read(deletions.waiting):
        yield f'In Dify, {waiting} conversations are still to be deleted: the server does it while it runs.'


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


@asynccontextmanager
async def _store(chosen: Settings) -> AsyncIterator[Store]:
    store = Store(chosen.database_url)
    try:
        if complaint := await store.read(schema.complaint):
            raise CommandFailed(complaint)
        yield store
    finally:
        await store.close()


def _called(user: User) -> str:
    return ', '.join(filter(None, (user.name, user.email, user.id)))


def _counted(counts: dict[str, int]) -> str:
    return ', '.join(f'{number} {name}' for name, number in counts.items() if number) or 'nothing'
