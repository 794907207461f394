"""How commands begin and end: with settings that make sense, and with words and an exit status."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator

from webapp import log, settings
from webapp.settings import Settings, SettingsError

FAILED, WRONG_SETTINGS, INTERRUPTED = 1, 2, 130  # exit status
DRY = 'Nothing has been changed: this is what --apply would do.'


class CommandFailed(Exception):
    """What to tell, a line each."""

    def __init__(self, *lines: str, status: int = FAILED) -> None:
        self.lines = lines
        self.status = status
        super().__init__('\n'.join(lines))


def chosen_settings(host: str | None = None, port: int | None = None) -> Settings:
    """:raises CommandFailed: they make no sense"""
    try:
        return settings.load(host=host, port=port)
    except SettingsError as error:
        raise senseless(error) from error


def quietly() -> Settings:
    """The settings, for a command whose own words are enough. :raises CommandFailed: they make no sense"""
    chosen = chosen_settings()
    log.configure(level=logging.ERROR, secrets=chosen.secrets())
    return chosen


def senseless(error: SettingsError) -> CommandFailed:
    problems = (f'- {problem}' for problem in error.problems)
    return CommandFailed('These settings make no sense:', *problems, status=WRONG_SETTINGS)


def say(lines: AsyncIterator[str]) -> None:
    """Print what a command says, as soon as it says it."""
    any_text()

    async def run() -> None:
        async for line in lines:
            print(line, flush=True)

    asyncio.run(run())


def any_text() -> None:
    """Names of people and the like may have letters that a terminal does not know."""
    sys.stdout.reconfigure(errors='backslashreplace')  # type: ignore[union-attr]
