"""The database: whether it can be reached, may be written, and has the tables that this version needs."""

from datetime import timedelta
from pathlib import Path

from webapp import clock
from webapp.doctor.report import Finding, State
from webapp.errors import StoreUnavailable
from webapp.store import condition, deletions, engines, schema
from webapp.store.condition import Condition
from webapp.store.database import Store

CHECK = 'database'
LONG = timedelta(days=1)  # a server has tried several times by then


async def findings(url: str) -> list[Finding]:
    parsed = engines.parse(url)
    if not engines.is_sqlite(parsed):
        return await _examined(url, f'{parsed.host or "the local socket"}, database {parsed.database}')
    path = Path(parsed.database or '')
    if _is_missing(path):  # whether it can be made is the folder's affair
        return [Finding(CHECK, State.OK, f'{path} will be made at the first start')]
    return await _examined(url, str(path))


def _is_missing(path: Path) -> bool:
    try:
        return not path.exists() or path.stat().st_size == 0
    except PermissionError:  # the folder may not even be looked into
        return False


async def _examined(url: str, where: str) -> list[Finding]:
    try:
        store = Store(url)
        try:
            found = await store.read(condition.condition)
            await store.write(condition.write_nothing)
            is_ours = found.version and not found.complaint
            waiting = await _waiting(store) if is_ours else []
        finally:
            await store.close()
    except StoreUnavailable as error:
        remedy = (
            'Is the server up, and does DATABASE_URL have the right host, name, user and password? '
            'A file must belong to the user who runs this program.'
        )
        return [Finding(CHECK, State.WRONG, f'{where}: {error.detail}', remedy)]
    return [_judged(found, f'{found.server}, {where}'), *waiting]


async def _waiting(store: Store) -> list[Finding]:
    """What Dify has not deleted yet: nothing is lost, but it is kept there."""
    oldest, count = await store.read(deletions.oldest), await store.read(deletions.waiting)
    if oldest is None:
        return []
    since = f'the oldest since {oldest:%Y-%m-%d %H:%M} UTC'
    text = f'conversations that are deleted here wait for Dify to delete them: {count}, {since}'
    if clock.now() - oldest < LONG:
        return [Finding('deletions', State.OK, text)]
    remedy = (
        'A running server tells Dify again and again, and logs why it fails; apps must be in the settings for that.'
    )
    return [Finding('deletions', State.WARNING, text, remedy)]


def _judged(found: Condition, where: str) -> Finding:
    if not found.may_write:
        return Finding(
            CHECK,
            State.WRONG,
            f'{where}: it may be read, but not written',
            'Give the user of DATABASE_URL the right to make tables and to change them, on the main server.',
        )
    if found.version is None:
        return Finding(CHECK, State.OK, f'{where}: empty; its tables will be made at the first start')
    if found.complaint == schema.NEWER:
        return Finding(
            CHECK,
            State.WRONG,
            f'{where}: {found.complaint}',
            'Install the version that was here before, or give DATABASE_URL another database.',
        )
    if found.complaint:
        remedy = 'The next start does it; `webapp migrate` does it now.'
        return Finding(CHECK, State.WARNING, f'{where}: {found.complaint}', remedy)
    return Finding(CHECK, State.OK, f'{where}: version {found.version}, the newest')
