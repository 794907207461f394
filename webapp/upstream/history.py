"""Messages as Dify kept them, made into the same replies that a live stream makes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from webapp.chat.events import (
    Event,
    Failed,
    Finished,
    FormChanged,
    Interrupted,
    Paused,
    Reported,
    Started,
    StepChanged,
)
from webapp.chat.message import Failure, FilePart, Reply
from webapp.chat.reducer import replay
from webapp.upstream import parts
from webapp.upstream.faults import Faults
from webapp.upstream.limits import MAX_FILES, MAX_STEPS
from webapp.upstream.payload import Payload, count, flag, mapping, mappings, name, number, text
from webapp.upstream.thinking import Thinking


@dataclass(frozen=True, slots=True)
class HistoryMessage:
    """One question and its answer. The ids of `files` are those that a preview takes."""

    id: str
    query: str
    reply: Reply
    created_at: int  # epoch seconds
    feedback: str = ''  # 'like', 'dislike' or ''
    error: str = ''
    files: tuple[FilePart, ...] = ()  # sent along by the person


def message(row: Payload, faults: Faults) -> HistoryMessage:
    feedback = name(mapping(row, 'feedback'), 'rating')
    return HistoryMessage(
        id=name(row, 'id'),
        query=text(row, 'query'),
        reply=replay(_events(row, faults)),
        created_at=count(row, 'created_at') or 0,
        feedback=feedback if feedback in {'like', 'dislike'} else '',
        error=faults.detail(text(row, 'error')),
        files=tuple(
            parts.file(item | {'id': item.get('upload_file_id') or item.get('id')})
            for item in mappings(row, 'message_files', MAX_FILES)
            if item.get('belongs_to') == 'user'
        ),
    )


def _events(row: Payload, faults: Faults) -> Iterator[Event]:
    forms = [item for item in mappings(row, 'extra_contents', MAX_FILES) if name(item, 'type') == 'human_input']
    run_id = next((name(item, 'workflow_run_id') for item in forms), '')
    yield Started(name(row, 'conversation_id'), name(row, 'id'), run_id=run_id)
    yield from _answer(row)
    for item in forms:
        yield from _form(item)
    report = Reported(parts.history_usage(row), parts.citations(row), parts.files(row, 'message_files'))
    if report != Reported():
        yield report
    if name(row, 'status') == 'error' or text(row, 'error'):
        yield Failed(faults.failure({'message': row.get('error'), 'code': 'completion_request_error'}))
    elif any(not flag(item, 'submitted') for item in forms):
        yield Paused()
    elif text(row, 'answer') or report.files:
        yield Finished()
    else:  # still running, or its stream was dropped: history does not tell which
        yield Interrupted(Failure('stream_cut'))


def _answer(row: Payload) -> Iterator[Event]:
    """Text and tool calls. An agent's rounds stand between its tools, as they did while it wrote."""
    answer = text(row, 'answer')
    thoughts = sorted(mappings(row, 'agent_thoughts', MAX_STEPS), key=lambda thought: number(thought, 'position') or 0)
    rounds = [text(thought, 'thought') for thought in thoughts]
    has_rounds = _letters(''.join(rounds)) == _letters(answer)
    thinking = Thinking()
    for thought, words in zip(thoughts, rounds, strict=True):
        if has_rounds:
            yield from thinking.feed(words)
        for step in parts.tool_steps(thought, is_over=True):
            yield StepChanged(step)
    if not has_rounds:
        yield from thinking.feed(answer)
    yield from thinking.flush()


def _form(item: Payload) -> Iterator[Event]:
    form = parts.form(mapping(item, 'form_definition'))
    if form.id:
        yield FormChanged(form)
    if flag(item, 'submitted'):
        answer = parts.form_answer(mapping(item, 'form_submission_data'))
        # those of newer servers are without the question; nothing else tells which of its node's it was
        yield FormChanged(replace(answer, id=form.id or answer.node, node=form.node or answer.node))


def _letters(words: str) -> str:
    """History joins rounds with line ends that were not in the stream, and strips the answer."""
    return ''.join(words.split())
