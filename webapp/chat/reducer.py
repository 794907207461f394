"""The one place where events change a reply. Live streams, repair, the demo and the tests all go through it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby
from typing import TypeVar, assert_never

from webapp.chat.events import (
    Event,
    Failed,
    FileAdded,
    Finished,
    FormChanged,
    Interrupted,
    Paused,
    ReasoningDelta,
    Repaired,
    Reported,
    Resumed,
    Started,
    StepChanged,
    Stopped,
    TextCompleted,
    TextDelta,
    TextReplaced,
    Thought,
    Voiced,
)
from webapp.chat.message import FilePart, FormPart, Part, ReasoningPart, Reply, Status, StepPart, StepState, TextPart


def apply(reply: Reply, event: Event) -> Reply:  # noqa: PLR0911, PLR0912  one case for each event, and no more
    """Return `reply` as it stands after `event`. Pure.

    The first ending wins: an ended reply takes what is reported late (names, usage, sources, repair) and what is
    withdrawn, no more words.
    """
    match event:
        case Started():
            return _name(reply, event)
        case Reported():
            return _report(reply, event)
        case Repaired():
            return _repair(reply, event.text)
        case TextReplaced():
            return _withdraw(reply, event)
        case TextCompleted():
            return _complete(reply, event.text)
        case Voiced():
            return reply
    if reply.status.is_final:
        return reply
    match event:
        case TextDelta():
            return replace(reply, status=Status.RUNNING, parts=_append(reply.parts, TextPart(event.text)))
        case ReasoningDelta():
            return replace(reply, status=Status.RUNNING, parts=_append(reply.parts, ReasoningPart(event.text)))
        case Thought():
            return replace(reply, parts=_thought(reply.parts, event.seconds))
        case StepChanged():
            return replace(reply, parts=_upsert(reply.parts, event.step, _merge_steps))
        case FileAdded():
            return replace(reply, parts=_upsert(reply.parts, event.file, lambda _, new: new))
        case FormChanged():
            return replace(reply, parts=_ask(reply.parts, event.form))
        case Paused():
            return replace(reply, status=Status.WAITING)
        case Resumed():
            return replace(reply, status=Status.RUNNING, failure=None, repaired=True)
        case Finished():
            return replace(reply, status=Status.COMPLETE)
        case Stopped():
            return replace(reply, status=Status.STOPPED)
        case Failed():
            return replace(reply, status=Status.FAILED, failure=event.failure, repaired=False)
        case Interrupted():
            return replace(reply, status=Status.INTERRUPTED, failure=event.failure, repaired=False)
        case _:
            assert_never(event)


def replay(events: Iterable[Event], reply: Reply | None = None) -> Reply:
    """Apply all `events` in order, to an empty reply unless one is given."""
    reply = reply or Reply()
    for event in events:
        reply = apply(reply, event)
    return reply


def joined(events: Iterable[Event]) -> list[Event]:
    """The same events with neighbouring deltas made one: adding them is linear then, however many tokens there are."""
    result: list[Event] = []
    for kind, run in groupby(events, key=type):
        if kind is TextDelta or kind is ReasoningDelta:
            result.append(kind(''.join(event.text for event in run if isinstance(event, kind))))
        else:
            result.extend(run)
    return result


def _name(reply: Reply, event: Started) -> Reply:
    return replace(
        reply,
        conversation_id=event.conversation_id or reply.conversation_id,
        message_id=event.message_id or reply.message_id,
        task_id=event.task_id or reply.task_id,
        run_id=event.run_id or reply.run_id,
    )


def _withdraw(reply: Reply, event: TextReplaced) -> Reply:
    parts = reply.parts
    if event.with_reasoning:
        parts = tuple(part for part in parts if not isinstance(part, ReasoningPart))
    return replace(reply, parts=_with_text(parts, event.text))


def _append(parts: tuple[Part, ...], part: TextPart | ReasoningPart) -> tuple[Part, ...]:
    """Words go on where the last part is of their kind; else they begin a part of their own."""
    last = parts[-1] if parts else None
    if isinstance(last, TextPart | ReasoningPart) and last.kind == part.kind:
        grown = replace(last, text=last.text + part.text)
        return (*parts[:-1], replace(grown, seconds=None) if isinstance(grown, ReasoningPart) else grown)
    return (*parts, part) if part.text else parts


def _thought(parts: tuple[Part, ...], seconds: float) -> tuple[Part, ...]:
    """The time belongs to what was thought last."""
    for index in reversed(range(len(parts))):
        part = parts[index]
        if isinstance(part, ReasoningPart):
            return (*parts[:index], replace(part, seconds=seconds), *parts[index + 1 :])
    return parts


def _complete(reply: Reply, text: str) -> Reply:
    if reply.status not in {Status.RUNNING, Status.WAITING, Status.COMPLETE} or len(text) < len(reply.text):
        return reply
    return replace(reply, parts=_with_text(reply.parts, text))


def _with_text(parts: tuple[Part, ...], text: str) -> tuple[Part, ...]:
    """The parts with `text` in place of all texts. Those that it begins with stay where they are, in front of forms;
    the rest of it stands where the next one stood, or at the end.
    """
    kept: list[Part] = []
    place = None
    for part in parts:
        if not isinstance(part, TextPart):
            kept.append(part)
        elif place is None and text.startswith(part.text):
            kept.append(part)
            text = text[len(part.text) :]
        elif place is None:
            place = len(kept)
    rest = (TextPart(text),) if text else ()
    if place is None:
        return _append(tuple(kept), *rest) if rest else tuple(kept)
    if rest and place and isinstance(kept[place - 1], TextPart):
        return (*_append(tuple(kept[:place]), *rest), *kept[place:])
    return (*kept[:place], *rest, *kept[place:])


P = TypeVar('P', bound=StepPart | FilePart)


def _upsert(parts: tuple[Part, ...], new: P, merge: Callable[[P, P], P]) -> tuple[Part, ...]:
    for index, part in enumerate(parts):
        if isinstance(part, type(new)) and part.id == new.id:
            return (*parts[:index], merge(part, new), *parts[index + 1 :])
    return (*parts, new)


def _merge_steps(old: StepPart, new: StepPart) -> StepPart:
    """Repeated copies may come shorter or late: keep the longer words, and never go back to running."""
    ended = old.state in {StepState.SUCCEEDED, StepState.FAILED}
    return replace(
        new,
        title=new.title or old.title,
        type=new.type or old.type,
        state=old.state if ended and new.state is StepState.RUNNING else new.state,
        seconds=old.seconds if new.seconds is None else new.seconds,
        input=max(new.input, old.input, key=len),
        output=max(new.output, old.output, key=len),
        parent=new.parent or old.parent,
        model=new.model or old.model,
        tool=new.tool or old.tool,
        rounds=new.rounds or old.rounds,
        round=old.round if new.round is None else new.round,
        branch=new.branch or old.branch,
        retries=max(new.retries, old.retries),
    )


def _ask(parts: tuple[Part, ...], new: FormPart) -> tuple[Part, ...]:
    """A form of another id is another form, unless it has none: then it is news of the one that its node left open."""
    for index, part in reversed([*enumerate(parts)]):
        if isinstance(part, FormPart) and _is_same(part, new):
            return (*parts[:index], _merge_forms(part, new), *parts[index + 1 :])
    return (*parts, new) if new.id else parts


def _is_same(old: FormPart, new: FormPart) -> bool:
    if new.id:
        return old.id == new.id
    return new.node in {old.node, old.id} and (old.is_open or bool(old.key))


def _merge_forms(old: FormPart, new: FormPart) -> FormPart:
    """News repeat neither the question nor its fields, and some versions tell the question bit by bit."""
    has_inputs, has_actions = old.inputs.strip('[] '), old.actions.strip('[] ')
    return replace(
        old,
        token=new.token or old.token,
        title=old.title or new.title,
        content=old.content or new.content,
        inputs=old.inputs if has_inputs else new.inputs or old.inputs,
        actions=old.actions if has_actions else new.actions or old.actions,
        expires_at=old.expires_at or new.expires_at,
        answer=(old.answer if old.key else '') or new.answer or old.answer,  # what was given here, we know best
        expired=new.expired or old.expired,
        key=new.key or old.key,
    )


def _report(reply: Reply, event: Reported) -> Reply:
    parts = reply.parts
    for file in event.files:
        parts = _upsert(parts, file, lambda _, new: new)
    return replace(
        reply,
        parts=parts,
        usage=event.usage or reply.usage,
        citations=event.citations or reply.citations,
        seconds=reply.seconds if event.seconds is None else event.seconds,
    )


def _repair(reply: Reply, text: str) -> Reply:
    if reply.status is not Status.INTERRUPTED or len(text) < len(reply.text):
        return reply
    return replace(reply, status=Status.COMPLETE, parts=_with_text(reply.parts, text), failure=None, repaired=True)
