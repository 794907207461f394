"""The real browser of the tests: found on this machine, or installed (run this file)."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

# Without windows: to open a page takes it a fifth of the work. It has no profiles.
SHELL = 'chromium-headless-shell'
NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
MAC = Path('/Applications/Google Chrome.app/Contents/MacOS/Google Chrome')
ARGUMENTS = [
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--process-per-site',  # one process draws all pages of a test: to start one takes as long as many a test
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',  # a page must need no other host
]
HINT = 'no Chromium found; install one, or name it in the environment variable CHROMIUM'


def find(playwright: Playwright, *, whole: bool = True) -> str | None:
    """Path of a Chromium or Chrome: named by the environment, the system's, or Playwright's own.

    :param whole: with all that people have; else the one without windows comes first
    """
    if named := os.environ.get('CHROMIUM'):
        return shutil.which(named)
    system = next(filter(None, map(shutil.which, NAMES if whole else (SHELL, *NAMES))), None)
    own = [MAC, Path(playwright.chromium.executable_path)]
    return system or next((str(path) for path in own if path.exists()), None)


def launch(playwright: Playwright, more: Sequence[str] = (), *, whole: bool = False) -> Browser:
    """:raises FileNotFoundError: there is none"""
    return playwright.chromium.launch(**_options(find(playwright, whole=whole), more))


def profile(
    playwright: Playwright, folder: Path, preferences: Mapping[str, Any], more: Sequence[str] = (), **options: Any
) -> BrowserContext:
    """A browser with a profile of its own in `folder`, which says how it treats cookies, for example.

    :param preferences: of the profile, as in its file
    :raises FileNotFoundError: there is none
    """
    (folder / 'Default').mkdir(parents=True)
    (folder / 'Default' / 'Preferences').write_text(json.dumps({'profile': preferences}))
    return playwright.chromium.launch_persistent_context(folder, **_options(find(playwright), more), **options)


class Kept:
    """A browser for test after test, started when the first asks for it."""

    def __init__(self) -> None:
        self._ends = ExitStack()
        self._browser: Browser | None = None

    @cached_property
    def playwright(self) -> Playwright:
        return self._ends.enter_context(sync_playwright())

    def browser(self) -> Browser:
        """:raises FileNotFoundError: there is none"""
        if self._browser is None or not self._browser.is_connected():  # it may have crashed
            self._browser = self._ends.enter_context(launch(self.playwright))
        return self._browser

    def close(self) -> None:
        self._ends.close()


def _options(path: str | None, more: Sequence[str]) -> dict[str, Any]:
    if path is None:
        raise FileNotFoundError(HINT)
    sandbox = ['--no-sandbox'] if hasattr(os, 'geteuid') and os.geteuid() == 0 else []  # root has none
    return {'executable_path': path, 'args': [*ARGUMENTS, *sandbox, *more]}


def install() -> None:
    """By Debian's package manager where we may, else Playwright's own copy. Says what went wrong, and goes on."""
    if _may_use_apt():
        apt = ['apt-get', '-qq', '-o', 'Dpkg::Use-Pty=0', '-o', 'Acquire::http::Timeout=20']
        environment = os.environ | {'DEBIAN_FRONTEND': 'noninteractive'}
        for command in (['update'], ['install', '-y', NAMES[0]], ['install', '-y', SHELL]):
            subprocess.run([*apt, *command], env=environment, stdout=subprocess.DEVNULL, check=False)
    if not any(map(shutil.which, NAMES)):
        subprocess.run([sys.executable, '-m', 'playwright', 'install', 'chromium'], check=False)


def _may_use_apt() -> bool:
    return shutil.which('apt-get') is not None and os.geteuid() == 0


def main() -> None:
    with sync_playwright() as playwright:
        lacks = find(playwright) is None or (_may_use_apt() and shutil.which(SHELL) is None)
        if lacks and not os.environ.get('CHROMIUM'):
            print('Installing a browser ...', flush=True)
            install()
        print(f'Browser: {find(playwright, whole=False) or HINT}', flush=True)


if __name__ == '__main__':
    main()
