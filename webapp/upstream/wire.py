"""Dify's words. The one module that knows the names of events; everything else knows ours."""

import base64
import logging
from collections.abc import Callable, Iterable

from webapp.chat.events import (
    Event,
    FileAdded,
    Finished,
    FormChanged,
    ReasoningDelta,
    Reported,
    Started,
    StepChanged,
    TextCompleted,
    TextReplaced,
    Voiced,
)
from webapp.chat.message import FormPart, StepPart, StepState
from webapp.upstream import parts
from webapp.upstream.ending import Signal, Trouble
from webapp.upstream.faults import Faults
from webapp.upstream.limits import MAX_FILES, MAX_FORMS, MAX_STEPS
from webapp.upstream.payload import Payload, mapping, mappings, name, number, text
from webapp.upstream.thinking import Thinking, split, visible

logger = logging.getLogger(__name__)

Said = Event | Signal | Trouble

NAMES = {
    'conversation_id': 'conversation_id',
    'message_id': 'message_id',  # never `id`: that is the event's own
    'task_id': 'task_id',
    'run_id': 'workflow_run_id',
}
NEEDED = {'conversation_id', 'message_id', 'task_id'}
MAX_STRANGERS = 20


class Translator:
    """Turns the payloads of one stream into events, and into signals for `Ending`. Holds what the protocol needs.

    :param is_resumed: the stream goes on with a reply that holds text already
    """

    def __init__(self, faults: Faults, *, is_resumed: bool = False) -> None:
        self.size = 0  # characters of text and reasoning received
        self._faults = faults
        self._is_resumed = is_resumed
        self._thinking = Thinking()
        self._names: dict[str, str] = {}
        self._is_named = False
        self._thoughts: dict[str, str] = {}  # what an agent's rows without a tool say
        self._agent_spoke = False  # from then on a `message` repeats the whole answer
        self._steps: set[str] = set()
        self._files: set[str] = set()
        self._forms: set[str] = set()
        self._strangers: set[str] = set()

    def feed(self, payload: Payload) -> list[Said]:
        """What one payload says. Payloads of unknown names say nothing, once in the log."""
        said: list[Said] = []
        if not self._is_named or ('workflow_run_id' in payload and 'run_id' not in self._names):
            said += self._introduce(payload)
        event = payload.get('event')
        translate = TRANSLATIONS.get(event) if isinstance(event, str) else None
        if translate:
            said += translate(self, payload)
        elif not isinstance(event, str) or event not in IGNORED:
            self._meet(event)
        return said

    def flush(self) -> list[Event]:
        """What is still held back, once no more will come."""
        return self._thinking.flush()

    def _introduce(self, payload: Payload) -> list[Said]:
        found = {ours: name(payload, theirs) for ours, theirs in NAMES.items() if ours not in self._names}
        new = {ours: value for ours, value in found.items() if value}
        self._names |= new
        self._is_named = self._names.keys() >= NEEDED
        said: list[Said] = [Started(**new)] if new else []
        return [*said, Signal.RUN_STARTED] if 'run_id' in new else said

    def _meet(self, event: object) -> None:
        stranger = repr(event)[:60]
        if stranger not in self._strangers and len(self._strangers) < MAX_STRANGERS:
            self._strangers.add(stranger)
            logger.info('upstream sent an event of an unknown name: %s', stranger)

    def _say(self, words: str) -> list[Event]:
        self.size += len(words)
        return self._thinking.feed(words)

    def _replace(self, words: str, *, with_reasoning: bool = False) -> list[Event]:
        """All text becomes `words`; later deltas go on behind them."""
        self.size += len(words)
        self._thinking = Thinking()
        said, thought = split(self._thinking.feed(words))
        replaced = TextReplaced(said, with_reasoning)
        return [replaced, ReasoningDelta(thought)] if thought and with_reasoning else [replaced]

    def _step(self, step: StepPart) -> list[Event]:
        if not step.id or (step.id not in self._steps and len(self._steps) >= MAX_STEPS):
            return []
        self._steps.add(step.id)
        return [StepChanged(step)]

    def _form(self, form: FormPart) -> list[Event]:
        known_as = form.id or form.node
        if not known_as or (known_as not in self._forms and len(self._forms) >= MAX_FORMS):
            return []
        self._forms.add(known_as)
        return [FormChanged(form)]

    # one method for each thing that Dify says

    def _message(self, payload: Payload) -> list[Event]:
        answer = payload.get('answer')
        if not answer or not isinstance(answer, str):
            return []
        if self._agent_spoke:  # a New Agent's closing copy; its mode is not named in the stream
            self._agent_spoke = False
            return [*self._aside(answer), *self._replace(answer)]
        return self._say(answer)

    def _aside(self, answer: str) -> list[Event]:
        """What a New Agent thought and said on the way to its answer: all rows of words that the answer lacks."""
        said = [words for words in map(str.strip, self._thoughts.values()) if words and words not in answer]
        return [ReasoningDelta('\n\n'.join(said))] if said else []

    def _agent_message(self, payload: Payload) -> list[Event]:
        answer = payload.get('answer')
        if not answer or not isinstance(answer, str):
            return []
        self._agent_spoke = True
        return self._say(answer)

    def _message_file(self, payload: Payload) -> list[Event]:
        if isinstance(payload.get('answer'), str) and not payload.get('url'):  # text under a wrong name
            return self._message(payload)
        file = parts.file(payload)
        if name(payload, 'belongs_to') == 'user' or not file.id or len(self._files) >= MAX_FILES:
            return []
        self._files.add(file.id)
        return [FileAdded(file)]

    def _message_replace(self, payload: Payload) -> list[Event]:
        self._thoughts = {}
        return self._replace(text(payload, 'answer'), with_reasoning=True)

    def _message_end(self, payload: Payload) -> list[Said]:
        metadata = mapping(payload, 'metadata')
        usage = parts.usage(mapping(metadata, 'usage'))
        report = Reported(usage, parts.citations(metadata), parts.files(payload, 'files'))
        reported: list[Said] = [report] if report != Reported() else []
        return [*self.flush(), *reported, Signal.MESSAGE_ENDED]

    def _agent_thought(self, payload: Payload) -> list[Event]:
        id_ = name(payload, 'id')
        if not text(payload, 'tool') and (id_ in self._thoughts or len(self._thoughts) < MAX_STEPS):
            self._thoughts[id_] = text(payload, 'thought')
        return [event for step in parts.tool_steps(payload) for event in self._step(step)]

    def _reasoning_chunk(self, payload: Payload) -> list[Event]:
        thought = text(mapping(payload, 'data'), 'reasoning')
        self.size += len(thought)
        return [ReasoningDelta(thought)] if thought else []

    def _node_started(self, payload: Payload) -> list[Event]:
        return self._step(parts.node_step(mapping(payload, 'data'), state=StepState.RUNNING))

    def _node_retry(self, payload: Payload) -> list[Event]:
        return self._step(parts.node_step(mapping(payload, 'data'), state=StepState.RETRYING))

    def _node_finished(self, payload: Payload) -> list[Event]:
        return self._step(parts.node_step(mapping(payload, 'data')))

    def _iteration(self, payload: Payload) -> list[Event]:
        return self._step(parts.round_step(mapping(payload, 'data'), 'iteration'))

    def _loop(self, payload: Payload) -> list[Event]:
        return self._step(parts.round_step(mapping(payload, 'data'), 'loop'))

    def _agent_log(self, payload: Payload) -> list[Event]:
        return self._step(parts.log_step(mapping(payload, 'data')))

    def _workflow_started(self, _: Payload) -> list[Said]:
        return [Signal.RUN_STARTED]

    def _workflow_finished(self, payload: Payload) -> list[Said]:
        data = mapping(payload, 'data')
        # its files stand in `message_end` as well, which may not come
        report = Reported(files=parts.files(data, 'files'), seconds=number(data, 'elapsed_time'))
        said: list[Said] = [*self.flush(), *([report] if report != Reported() else [])]
        match name(data, 'status'):
            case 'failed':
                # worded as in the `error` that follows, or was cut off
                told = {'message': f'Run failed: {text(data, "error")}', 'code': 'invalid_param', 'status': 400}
                return [*said, Trouble(self._faults.failure(told), is_provisional=True)]
            case 'stopped':
                return [*said, Signal.RUN_STOPPED]
            case 'paused':
                return [*said, Signal.RUN_PAUSED]
        missing = self._missing(text(mapping(data, 'outputs'), 'answer'))
        return [*said, *missing, *self.flush(), Signal.RUN_SUCCEEDED]

    def _missing(self, answer: str) -> list[Event]:
        """The outcome of a run whose words this stream did not carry, or not all of them."""
        if answer and self._is_resumed:
            self.size += len(answer)
            return [TextCompleted(visible(answer))]
        return self._say(answer) if answer and not self.size else []

    def _workflow_paused(self, payload: Payload) -> list[Said]:
        """Whoever hears a run again is told here what it asks, and not in an event of its own."""
        reasons = mappings(mapping(payload, 'data'), 'reasons', MAX_FORMS)
        asked = [reason for reason in reasons if text(reason, 'form_content') or reason.get('actions')]
        return [*self.flush(), *(said for data in asked for said in self._form(parts.form(data))), Signal.RUN_PAUSED]

    def _human_input_required(self, payload: Payload) -> list[Event]:
        form = parts.form(mapping(payload, 'data'))
        return [*self.flush(), *self._form(form)]

    def _human_input_form_filled(self, payload: Payload) -> list[Event]:
        return self._form(parts.form_answer(mapping(payload, 'data')))

    def _human_input_form_timeout(self, payload: Payload) -> list[Event]:
        return self._form(parts.form_timeout(mapping(payload, 'data')))

    def _tts_message(self, payload: Payload) -> list[Said]:
        try:
            sound = base64.b64decode(text(payload, 'audio'), validate=True)
        except ValueError:
            return [Signal.SPEAKING]
        return [Voiced(sound), Signal.SPEAKING] if sound else [Signal.SPEAKING]

    def _tts_message_end(self, payload: Payload) -> list[Said]:
        return [Signal.SPOKEN]

    def _error(self, payload: Payload) -> list[Said]:
        return [*self.flush(), Trouble(self._faults.failure(payload))]


TRANSLATIONS: dict[str, Callable[[Translator, Payload], Iterable[Said]]] = {
    'message': Translator._message,
    'agent_message': Translator._agent_message,
    'message_file': Translator._message_file,
    'message_replace': Translator._message_replace,
    'message_end': Translator._message_end,
    'agent_thought': Translator._agent_thought,
    'reasoning_chunk': Translator._reasoning_chunk,
    'node_started': Translator._node_started,
    'node_retry': Translator._node_retry,
    'node_finished': Translator._node_finished,
    'iteration_started': Translator._iteration,
    'iteration_next': Translator._iteration,
    'iteration_completed': Translator._iteration,
    'loop_started': Translator._loop,
    'loop_next': Translator._loop,
    'loop_completed': Translator._loop,
    'agent_log': Translator._agent_log,
    'workflow_started': Translator._workflow_started,
    'workflow_finished': Translator._workflow_finished,
    'workflow_paused': Translator._workflow_paused,
    'human_input_required': Translator._human_input_required,
    'human_input_form_filled': Translator._human_input_form_filled,
    'human_input_form_timeout': Translator._human_input_form_timeout,
    'tts_message': Translator._tts_message,
    'tts_message_end': Translator._tts_message_end,
    'error': Translator._error,
}
IGNORED = {
    'ping',
    'text_chunk',  # the same words come as `message`
    'text_replace',
    'parallel_branch_started',
    'parallel_branch_finished',
}


def whole(faults: Faults, body: Payload) -> list[Event]:
    """A blocking answer as the events that a stream would have brought."""
    translator = Translator(faults)
    said = [*translator.feed(body | {'event': 'message'}), *translator.feed(body | {'event': 'message_end'})]
    return [*(item for item in said if not isinstance(item, Signal | Trouble)), Finished()]
