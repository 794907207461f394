"""Spans of time as a person reads them."""

import math
from datetime import timedelta

from webapp.ui import i18n


def rough(span: timedelta) -> str:
    """Return such as `14 seconds`, `3 minutes`, `2 hours` or `9 days`: never less than it is."""
    seconds = max(1, math.ceil(span.total_seconds()))
    if seconds == 1:
        return i18n.t('span.second')
    if seconds <= 90:
        return i18n.t('span.seconds', count=seconds)
    minutes = math.ceil(seconds / 60)
    if minutes <= 90:
        return i18n.t('span.minutes', count=minutes)
    hours = math.ceil(minutes / 60)
    if hours <= 36:
        return i18n.t('span.hours', count=hours)
    return i18n.t('span.days', count=math.ceil(hours / 24))


def unit(span: timedelta) -> str:
    """Return such as `a minute`, for what limits are counted in; others in round numbers."""
    match span:
        case timedelta(days=0, seconds=60):
            return i18n.t('span.a_minute')
        case timedelta(days=0, seconds=3600):
            return i18n.t('span.an_hour')
        case timedelta(days=1, seconds=0):
            return i18n.t('span.a_day')
    return rough(span)
