"""How it goes, in the words of the overview."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import nicegui
from markupsafe import Markup

from webapp import __version__
from webapp.apps import App, Apps
from webapp.generations import Load
from webapp.store.notices import Notice
from webapp.store.pulse import Failures, Pulse
from webapp.ui import i18n, numbers

IDLE = Load(running=0, waiting=0)


@dataclass(frozen=True, slots=True)
class Here:
    """What this process alone knows."""

    apps: Apps
    loads: dict[str, Load]
    pages: int
    sessions: int


@dataclass(frozen=True, slots=True)
class AppRow:
    name: str
    state: str  # 'well', 'ill', 'unasked', or 'gone' from the settings
    code: str  # of its last failure, if it is ill
    words: str  # about that
    at: datetime | None  # when it was heard of last
    version: str  # of its Dify
    running: Markup
    waiting: Markup
    answers: Markup
    failed: Markup | None  # None: none


@dataclass(frozen=True, slots=True)
class ErrorRow:
    code: str
    words: str
    app: str
    answers: Markup
    last_at: datetime


def values(here: Here, pulse: Pulse | None, notices: Sequence[Notice]) -> dict[str, Any]:
    """What the template shows.

    :param pulse: None if the database can't be asked
    """
    waiting = sum(load.waiting for load in here.loads.values())
    running = sum(pulse.running.values()) if pulse else sum(load.running + load.waiting for load in here.loads.values())
    failures = pulse.failures if pulse else []
    failed = sum(each.answers for each in failures)
    return {
        'running': numbers.count(max(0, running - waiting)),
        'waiting': i18n.fill('admin.in_line', count=numbers.count(waiting)) if waiting else '',
        'pages': numbers.count(here.pages),
        'sessions': i18n.fill('admin.sessions', count=numbers.count(here.sessions)),
        'has_failed': failed > 0,
        'failed': numbers.count(failed),
        'answers': i18n.fill('admin.of_answers', count=numbers.count(sum(pulse.answers.values()) if pulse else 0)),
        'server': pulse.server if pulse else '',
        'tables': pulse.version if pulse else '',
        'size': numbers.size(pulse.size) if pulse else '',
        'deletions': i18n.fill('admin.deletions', count=numbers.count(pulse.deletions)) if pulse else '',
        'oldest_deletion': pulse.oldest_deletion if pulse else None,
        'apps': list(_apps(here, pulse)),
        'errors': [_error(each, here.apps) for each in failures],
        'notices': notices,
    }


def versions() -> list[tuple[str, str]]:
    """What runs; names that are no words of any language."""
    return [
        (i18n.t('admin.version_ours'), __version__),
        ('Python', platform.python_version()),
        ('NiceGUI', nicegui.__version__),
    ]


def _apps(here: Here, pulse: Pulse | None) -> Iterator[AppRow]:
    known = {app.slug for app in here.apps}
    for app in here.apps:
        yield _app(app.slug, app, here, pulse)
    for slug in sorted({*pulse.running, *pulse.answers} - known) if pulse else ():
        yield _app(slug, None, here, pulse)


def _app(slug: str, app: App | None, here: Here, pulse: Pulse | None) -> AppRow:
    load = here.loads.get(slug, IDLE)
    under_way = pulse.running.get(slug, 0) if pulse else load.running + load.waiting
    failed = sum(each.answers for each in pulse.failures if each.app == slug) if pulse else 0
    health = app.health if app else None
    code = health.code if health else ''
    state = 'gone' if health is None else 'unasked' if health.at is None else 'ill' if code else 'well'
    return AppRow(
        name=(app and app.name) or slug,
        state=state,
        code=code,
        words=i18n.error(code) if code else i18n.t('admin.state_' + state),
        at=health.at if health else None,
        version=health.version if health else '',
        running=numbers.count(max(0, under_way - load.waiting)),
        waiting=numbers.count(load.waiting),
        answers=numbers.count(pulse.answers.get(slug, 0) if pulse else 0),
        failed=numbers.count(failed) if failed else None,
    )


def _error(failures: Failures, apps: Apps) -> ErrorRow:
    names = {app.slug: app.name for app in apps}
    return ErrorRow(
        failures.code,
        i18n.error(failures.code),
        names.get(failures.app) or failures.app,
        numbers.count(failures.answers),
        failures.last_at,
    )
