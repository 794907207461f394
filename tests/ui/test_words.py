"""Every sentence has a user, every use has a sentence, and every expected failure has words of its own."""

import re
from pathlib import Path

import pytest

import webapp
from webapp import errors
from webapp.edge import assets
from webapp.ui import i18n
from webapp.upstream import faults

PACKAGE = Path(webapp.__file__).parent
PYTHON = sorted((PACKAGE / 'ui').rglob('*.py'))
SCRIPTS = {'thread.js': 'thread', 'composer.js': 'composer', 'conversations.js': 'conversations', 'frame.js': 'frame'}
OURS = {
    'already_running', 'internal_error', 'not_found', 'process_ended', 'refused', 'shutting_down', 'signed_out',
    'store_unavailable', 'too_long',
}  # fmt: skip


def used() -> set[str]:
    """Keys that scripts, templates and pages name; one that ends with `_` stands for a family."""
    keys = set()
    for script, area in SCRIPTS.items():
        text = (assets.static_dir() / script).read_text()
        keys |= {f'{area}.{name}' for name in re.findall(r'\bwords\.(\w+)', text)}
        keys |= {f'{area}.{name}' for name in re.findall(r"words\[['\"](\w+_)['\"]", text)}
    for file in [*PACKAGE.rglob('*.html'), *PYTHON]:
        keys |= set(re.findall(r"\bt\('([a-z_]+\.[a-z_]+)'", file.read_text()))
    return keys


def test_every_word_that_is_used_is_there() -> None:
    catalogue = i18n.catalogue()
    missing = {key for key in used() if key not in catalogue and not any(known.startswith(key) for known in catalogue)}
    assert not missing


def test_every_word_that_is_there_is_used() -> None:
    named = used() | {key for file in PYTHON for key in re.findall(r"'([a-z_]+\.[a-z_]+)'", file.read_text())}
    families = (*(key for key in used() if key.endswith('_')), 'error.', 'thread.done', 'thread.open')
    idle = {key for key in i18n.catalogue() if key not in named and not key.startswith(families)}
    assert not idle


@pytest.mark.parametrize('code', sorted(OURS | set(faults.CODES)))
def test_every_expected_failure_has_a_sentence(code: str) -> None:
    words = i18n.catalogue().get(f'error.{code}', '')
    assert re.search(r'[.;:] ?\w.*\.$', words), f'what happened, then what to do: {words!r}'


def test_codes_of_our_own_errors_are_known() -> None:
    tree = [errors.AppError, *_below(errors.AppError)]
    assert {each.code for each in tree} <= OURS | set(faults.CODES)


def _below(kind: type[errors.AppError]) -> list[type[errors.AppError]]:
    return [each for child in kind.__subclasses__() for each in (child, *_below(child))]


def test_an_unknown_failure_gets_the_general_sentence() -> None:
    assert i18n.error('never_heard_of') == i18n.t('error.internal_error')


def test_values_are_words_not_templates() -> None:
    assert i18n.t('thread.queued', place='{0}') == 'Waiting in line, place {0}'
