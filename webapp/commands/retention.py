"""`webapp retention`: what has been kept for long enough by the settings, and lets it go."""

from collections.abc import AsyncIterator

from webapp import clock
from webapp.commands.database import explained, left_upstream, opened
from webapp.commands.terminal import DRY, CommandFailed, quietly, say
from webapp.errors import Refused
from webapp.retention import Retention
from webapp.settings import Settings
from webapp.store import files
from webapp.store.retention import Kind


def run(*, apply: bool) -> None:
    """:raises CommandFailed: wrong settings, or as `retention`"""
    chosen = quietly()
    with explained():
        say(retention(chosen, apply=apply))


async def retention(chosen: Settings, *, apply: bool) -> AsyncIterator[str]:
    """What is old enough to go, and with `apply`, that it has gone; line by line.

    :raises CommandFailed: there is no database, or another process is at it, or has taken it over
    """
    async with opened(chosen) as store:
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
        async for line in left_upstream(store):
            yield line


def _counted(counts: dict[str, int]) -> str:
    return ', '.join(f'{number} {name}' for name, number in counts.items() if number) or 'nothing'
