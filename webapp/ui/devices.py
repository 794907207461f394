"""What a browser calls itself, in words."""

import re

from webapp.ui import i18n

# Most of them also claim to be those below them.
BROWSERS = {
    'EdgA?|EdgiOS|Edge': 'Edge',
    'OPR|OPT|OPiOS': 'Opera',
    'SamsungBrowser': 'Samsung',
    'Vivaldi': 'Vivaldi',
    'YaBrowser': 'Yandex',
    'Firefox|FxiOS': 'Firefox',
    'Chrome|CriOS|Chromium': 'Chrome',
    'Version/[^ ]+ .*Safari': 'Safari',
}
SYSTEMS = {
    'iPhone|iPod': 'iPhone',
    'iPad': 'iPad',
    'Android': 'Android',
    'Windows': 'Windows',
    'CrOS': 'ChromeOS',
    'Macintosh|Mac OS X': 'macOS',
    'Linux|X11': 'Linux',
}
PROGRAM = re.compile(r'([\w.-]{1,40})(?:/|$)')


def described(user_agent: str) -> str:
    """Browser and system by name, as far as they are known; of a program, what it calls itself."""
    browser, system = _name(user_agent, BROWSERS, r'(?:{})[/ ]'), _name(user_agent, SYSTEMS, r'\b(?:{})\b')
    if browser and system:
        return i18n.t('me.device', browser=browser, system=system)
    program = PROGRAM.match(user_agent)
    known = browser or system or (program[1] if program and program[1] != 'Mozilla' else '')
    return known or i18n.t('me.unknown_device')


def _name(user_agent: str, names: dict[str, str], pattern: str) -> str:
    return next((name for marks, name in names.items() if re.search(pattern.format(marks), user_agent)), '')
