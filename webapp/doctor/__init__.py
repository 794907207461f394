"""Looks at everything that an operator can get wrong, changes nothing, and says how to mend it."""

import asyncio
from collections.abc import Coroutine, Iterator
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from webapp import __version__, settings
from webapp.doctor import database, embeds, place, sign_in, upstream
from webapp.doctor.report import Finding, Report, State
from webapp.settings import SettingsError, config_file, environment
from webapp.settings.config_file import ConfigFileError

PATIENCE = 12.0  # seconds for any group of checks; each has shorter limits of its own
SECRET_NAMES = ('KEY', 'SECRET', 'TOKEN', 'PASS')  # in the names of variables

__all__ = ['Finding', 'Report', 'State', 'examine']


async def examine(host: str | None = None, port: int | None = None) -> Report:
    """All checks, at once where they wait for others. `host` and `port` win over the settings."""
    program = Finding(
        'program', State.OK, f'webapp {__version__}, Python {python_version()}, NiceGUI {version("nicegui")}'
    )
    try:
        chosen = settings.load(host=host, port=port, make_secret=False)
    except SettingsError as error:
        return Report.of((program, *_wrong_settings(error)), secrets=_suspected_secrets())
    groups = await asyncio.gather(
        _in_time('database', database.findings(chosen.database_url)),
        _in_time('address', place.address(chosen)),
        _in_time('apps', upstream.findings(chosen)),
        _in_time('sign-in', sign_in.findings(chosen)),
    )
    found = (
        program,
        *place.files(chosen),
        *(finding for group in groups for finding in group),
        *embeds.findings(chosen),
    )
    return Report.of(found, secrets=(*chosen.secrets(), *_suspected_secrets()))


async def _in_time(what: str, check: Coroutine[None, None, list[Finding]]) -> list[Finding]:
    try:
        async with asyncio.timeout(PATIENCE):
            return await check
    except TimeoutError:
        remedy = 'Is there a network, and does its name server answer?'
        return [Finding(what, State.WRONG, f'not to be found out within {PATIENCE:.0f} seconds', remedy)]


def _wrong_settings(error: SettingsError) -> Iterator[Finding]:
    """What is wrong in the file stands here too, even if the environment kept anybody from reading it."""
    for problem in dict.fromkeys((*error.problems, *_file_problems())):
        yield Finding('settings', State.WRONG, problem)
    yield Finding('everything else', State.SKIPPED, 'not looked at before the settings make sense')


def _file_problems() -> tuple[str, ...]:
    try:
        path = Path(environment.given().get('WEBAPP_CONFIG') or settings.CONFIG_FILE)
        if path.exists():
            config_file.read(path)
    except ConfigFileError as error:
        return error.problems
    except (OSError, UnicodeDecodeError):
        pass  # said already
    return ()


def _suspected_secrets() -> Iterator[str]:
    """Values that look like secrets by their names, whether or not the settings make sense."""
    try:
        given = environment.given()
    except (OSError, UnicodeDecodeError):
        return
    yield from (value for name, value in given.items() if any(part in name.upper() for part in SECRET_NAMES))
