"""Every sentence has a user, every use has a sentence, and every expected failure has words of its own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markupsafe import Markup

import webapp
from webapp import errors
from webapp.edge import assets
from webapp.store.limits import Scope
from webapp.ui import i18n
from webapp.upstream import faults

PACKAGE = Path(webapp.__file__).parent
PYTHON = sorted((PACKAGE / 'ui').rglob('*.py'))
SCRIPTS = {
    'clipboard.js': 'prose',
    'diagram_view.js': 'prose',
    'diagrams.js': 'prose',
    'prose.js': 'prose',
    'thread.js': 'thread',
    'dates.js': 'thread',
    'editing.js': 'thread',
    'lightbox.js': 'thread',
    'mending.js': 'thread',
    'questions.js': 'thread',
    'sources.js': 'thread',
    'feedback.js': 'feedback',
    'composer.js': 'composer',
    'inputs.js': 'inputs',
    'file_field.js': 'inputs',
    'conversations.js': 'conversations',
    'frame.js': 'frame',
    'sheet.js': 'sheet',
    'attachments.js': 'composer',
    'links.js': 'composer',
    'dictation.js': 'composer',
    'speaker.js': 'thread',
    'entry.js': 'entry',
    'sign_in.js': 'pairing',
    'popup.js': 'popup',
}
OURS = {
    'already_running', 'blocked', 'budget_of_all', 'budget_of_app', 'budget_of_group', 'budget_of_user',
    'app_closed', 'embed_identity_needed', 'embed_refused', 'inputs_unfit', 'no_way_in',
    'form_changed', 'form_unfit',
    'feedback_changed', 'from_elsewhere', 'identity_taken', 'internal_error', 'last_way', 'not_admitted',
    'not_found', 'notice_end', 'notice_unfit', 'notices_full', 'pairing_over',
    'hearing_failed', 'hearing_off', 'recording_too_long', 'recording_unfit', 'speech_failed', 'speech_off',
    'process_ended', 'provider_misconfigured', 'provider_unavailable', 'refused', 'shutting_down',
    'sign_in_denied', 'sign_in_failed', 'sign_in_over', 'sign_in_stale', 'sign_in_unproven', 'signed_out',
    'store_unavailable', 'too_long', 'too_many_pages', 'too_many_pages_of_guests', 'too_many_running',
}  # fmt: skip


LIMITED = (
    {f'too_many_{scope}{of_guests}' for scope in Scope for of_guests in ('', '_of_guests')}
    - {
        f'too_many_{scope}_of_guests'
        for scope in (
            Scope.LOGIN_STARTS,
            Scope.LOGIN_ENDS,
            Scope.GUESTS,
            Scope.ENDINGS,
            Scope.REFUSALS,
            Scope.EMBED_ENTRIES,
        )
    }
    - {'too_many_refusals'}
)  # for these nobody has a session yet; and that one keeps the log short, and refuses nothing


def used() -> set[str]:
    """Keys that scripts, templates and pages name; one that ends with `_` stands for a family."""
    keys = set()
    for script, area in SCRIPTS.items():
        text = (assets.static_dir() / script).read_text()
        keys |= {f'{area}.{name}' for name in re.findall(r'\bwords\.(\w+)', text)}
        keys |= {f'{area}.{name}' for name in re.findall(r"words\[['\"](\w+_)['\"]", text)}
    for file in [*PACKAGE.rglob('*.html'), *PYTHON]:
        keys |= set(re.findall(r"\b(?:t|fill)\('([a-z_]+\.[a-z_]+)'", file.read_text()))
    return keys


def test_every_word_that_is_used_is_there() -> None:
    catalogue = i18n.catalogue()
    missing = {key for key in used() if key not in catalogue and not any(known.startswith(key) for known in catalogue)}
    assert not missing


def test_every_word_that_is_there_is_used() -> None:
    named = used() | {key for file in PYTHON for key in re.findall(r"'([a-z_]+\.[a-z_]+)'", file.read_text())}
    families = (*(key for key in used() if key.endswith('_')), 'error.', 'shortcuts.', 'thread.done', 'thread.open')
    idle = {key for key in i18n.catalogue() if key not in named and not key.startswith(families)}
    assert not idle


@pytest.mark.parametrize('code', sorted(OURS | LIMITED | set(faults.CODES)))
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


def test_only_elements_come_into_words_as_they_are() -> None:
    line, answers = '<i>all</i>', Markup('<b>2</b>')
    filled = i18n.fill('usage.sum', line=line, answers=answers)
    assert filled == 'This conversation: &lt;i&gt;all&lt;/i&gt;, <b>2</b> answers'


# no sentences of their own

TEMPLATES = sorted((PACKAGE / 'ui' / 'templates').rglob('*.html'))
NOT_WORDS = re.compile(r'{{.*?}}|{%.*?%}|{#.*?#}|\$\{[^}]*\}|<script.*?</script>|&\w+;', re.DOTALL)
BETWEEN_TAGS = re.compile(r'>([^<>]*[^\W\d_]{2}[^<>]*)<')
ATTRIBUTE = re.compile(r'(?<![:\w-])(?:aria-label|title|placeholder|alt)="([^"]*[^\W\d_]{2}[^"]*)"')
ASSIGNED = re.compile(
    r"""(?:textContent|innerText|title|ariaLabel|placeholder|alt) = ["'`]([^"'`]*[^\W\d_]{2}[^"'`]*)["'`]"""
)
MARKUP = re.compile(r'`\s*<[^`]*`')
SENTENCE = re.compile(r'[A-Z][a-z]+(?: [\w’\']+){1,}')
SILENT = {
    'debug',
    'info',
    'warning',
    'error',
    'exception',
    'compile',
    'RuntimeError',
    'ValueError',
}  # for nobody's eyes


def written(markup: str) -> list[str]:
    """What a reader would see of `markup`, apart from what is put in."""
    bare = NOT_WORDS.sub('', markup)
    return [text.strip() for text in (*BETWEEN_TAGS.findall(bare), *ATTRIBUTE.findall(bare))]


@pytest.mark.parametrize('template', TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_words_of_their_own(template: Path) -> None:
    assert written(f'>{template.read_text()}<') == []


@pytest.mark.parametrize('script', sorted(assets.static_dir().glob('*.js')), ids=lambda path: path.name)
def test_scripts_have_no_words_of_their_own(script: Path) -> None:
    text = script.read_text()
    assert [words for markup in MARKUP.findall(text) for words in written(markup)] == []
    assert ASSIGNED.findall(text) == []


@pytest.mark.parametrize('file', PYTHON, ids=lambda path: path.name)
def test_pages_have_no_words_of_their_own(file: Path) -> None:
    assert [text for text in sentences(ast.parse(file.read_text())) if SENTENCE.match(text)] == []


def sentences(node: ast.AST) -> Iterator[str]:
    """Texts in a program, without docstrings and what is only logged or raised."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.Call) and getattr(child.func, 'attr', getattr(child.func, 'id', '')) in SILENT:
            continue
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
        yield from sentences(child)


def test_a_word_of_its_own_would_be_found() -> None:
    assert written('<p>{{ t("a.b") }}, and more</p><i title="Not translated" :title="words.x"></i>') == [
        ', and more', 'Not translated',
    ]  # fmt: skip
    assert list(sentences(ast.parse('"""Doc."""\nlog.info("Not read")\nshow("Read by all")'))) == ['Read by all']
