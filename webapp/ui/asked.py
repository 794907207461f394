"""What an answer has come to before its last words: the pieces of its text, and what a person was asked after each."""

import functools
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from enum import StrEnum

from webapp import markdown
from webapp.chat import form as forms
from webapp.chat.message import FormPart, Reply, Status
from webapp.ui.components.composer import UploadRules
from webapp.ui.components.turn import AskedView, FieldView, FormView
from webapp.ui.live import scope

Rules = Callable[[forms.Field], UploadRules]


class Standing(StrEnum):
    """What can be done about a form."""

    OPEN = 'open'
    BUSY = 'busy'  # it is being answered
    ELSEWHERE = 'elsewhere'  # others can answer it
    ANSWERED = 'answered'
    EXPIRED = 'expired'
    CLOSED = 'closed'  # the answer has ended without


def asked_views(message_id: str, reply: Reply, *, app: str, rules: Rules) -> tuple[AskedView, ...]:
    """Everything but the last piece of the text, which is shown while it is being written.

    :param app: slug of the one that asks
    :param rules: tells which files a field takes
    """
    *sections, _ = reply.sections
    return tuple(
        AskedView(
            _rendered(section.text, f'{scope(message_id)}{index}-'),
            replace(_form(section.form, reply, message_id, index, rules), app=app),
        )
        for index, section in enumerate(sections)
        if section.form
    )


def _form(form: FormPart, reply: Reply, message_id: str, index: int, rules: Rules) -> FormView:
    standing = _standing(form, reply)
    prefix = f'{scope(message_id)}{index}-'
    pieces: list[str | FieldView] = []
    for number, piece in enumerate(forms.pieces(form)):
        if isinstance(piece, str):
            pieces.append(_rendered(piece, f'{prefix}{number}-'))
        else:
            taken = json.dumps(asdict(rules(piece))) if piece.is_file and standing is Standing.OPEN else ''
            pieces.append(FieldView(piece, f'{prefix}field{number}', taken))
    return FormView(
        id=form.id,
        place=f'{prefix}form',
        title=form.title,
        standing=standing.value,
        pieces=tuple(pieces),
        actions=forms.actions(form),
        answer=_rendered(form.answer, f'{prefix}answer-'),
        expires_at=form.expires_at if standing in {Standing.OPEN, Standing.ELSEWHERE} else None,
    )


def _standing(form: FormPart, reply: Reply) -> Standing:
    if form.answer:
        return Standing.ANSWERED
    if form.expired:
        return Standing.EXPIRED
    if reply.status.is_final:
        return Standing.CLOSED
    if not form.token:
        return Standing.ELSEWHERE
    return Standing.OPEN if reply.status is Status.WAITING else Standing.BUSY


@functools.lru_cache(maxsize=256)
def _rendered(text: str, prefix: str) -> str:
    """Pages ask for it at every step of an answer that goes on."""
    return markdown.render(text, scope=prefix) if text.strip() else ''
