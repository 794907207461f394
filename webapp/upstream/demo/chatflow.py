"""The dialect of a chatflow: start, model and answer nodes around the text; or one that asks a person first."""

import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

from webapp.upstream.demo import figures, forms, nested
from webapp.upstream.demo.records import Form, Run
from webapp.upstream.demo.state import WORKFLOW_ID, Demo, end_user_id
from webapp.upstream.demo.turn import Frame, ModelFailed, Turn
from webapp.upstream.demo.usage import empty_usage, usage


async def frames(turn: Turn, demo: Demo) -> AsyncIterator[Frame]:
    """`workflow_started`, nodes and `message`s, `workflow_finished`, then `message_end` or `error` (order of 1.12)."""
    flow = Flow(turn, demo, Run(str(uuid.uuid4()), turn.message.user, turn.message.id, turn.task_id, {}, _now()))
    yield flow.started()
    async for frame in flow.ask() if turn.scenario.human else flow.answer():
        yield frame


async def resumed(turn: Turn, demo: Demo, run: Run, form: Form) -> AsyncIterator[Frame]:
    """The same run after its question was answered: the form, then the answer; ends in the order of 1.13 and later."""
    flow = Flow(turn, demo, run)
    yield flow.event('human_input_form_filled', **forms.filled(form))
    yield flow.node_finished(form.node, 'human-input', 'Question')
    asks_again = turn.scenario.twice and len(demo.records.forms.find('run_id = ?', run.id)) < 2
    async for frame in flow.ask(again=True) if asks_again else flow.answer(newer=True):
        yield frame


async def timed_out(turn: Turn, demo: Demo, run: Run, form: Form) -> AsyncIterator[Frame]:
    """The same run after nobody has answered in time."""
    flow = Flow(turn, demo, run)
    yield flow.event('human_input_form_timeout', **forms.timed_out(form))
    yield flow.node_finished(form.node, 'human-input', 'Question')
    async for said in turn.say('Nobody has answered in time, so I leave it at that.'):
        yield flow.text(said['answer'])
    run.outputs = {'answer': turn.text, 'files': []}
    yield turn.end(usage(turn.spent()), files=[])
    yield flow.finished('succeeded', tokens=turn.written)


def paused_again(demo: Demo, run: Run) -> Frame:
    """`workflow_paused`, for those who have not heard it, or want to hear it again."""
    message = demo.records.messages.get(run.message_id)
    return {
        'event': 'workflow_paused',
        'conversation_id': message.conversation_id if message else None,
        'message_id': run.message_id,
        'created_at': run.created_at,
        'task_id': run.task_id,
        'workflow_run_id': run.id,
        'data': _pause(run, demo.records.forms.find('run_id = ?', run.id)[-1]),
    }


def _pause(run: Run, form: Form) -> Frame:
    return {
        'workflow_run_id': run.id,
        'paused_nodes': [form.node['node_id']],
        'outputs': {},
        'reasons': [forms.reason(form)],
        'status': 'paused',
        'created_at': run.created_at,
        'elapsed_time': run.elapsed,
        'total_tokens': 0,
        'total_steps': run.steps,
    }


class Flow:
    """One run, and the frames that tell of it."""

    def __init__(self, turn: Turn, demo: Demo, run: Run) -> None:
        self.turn, self.demo, self.run = turn, demo, run
        run.inputs = run.inputs or {
            **turn.message.inputs,
            'sys.files': [],
            'sys.user_id': turn.message.user,
            'sys.app_id': self.demo.app_id,
            'sys.workflow_id': WORKFLOW_ID,
            'sys.workflow_run_id': run.id,
            'sys.query': turn.message.query,
            'sys.dialogue_count': turn.dialogue_count,
        }
        demo.records.runs.put(run)

    def started(self) -> Frame:
        run = self.run
        data = {'id': run.id, 'workflow_id': WORKFLOW_ID, 'inputs': run.inputs, 'created_at': run.created_at}
        return self.turn.frame('workflow_started', workflow_run_id=run.id, data=data)

    async def answer(self, *, newer: bool = False) -> AsyncIterator[Frame]:
        turn = self.turn
        if not newer:
            start = _node('start')
            yield self.node_started(start, 'start', 'Start')
            yield self.text('')  # the answer template's text before the model's
            yield self.node_finished(start, 'start', 'Start', outputs=self.run.inputs)
            if turn.scenario.content == 'handbook' and not turn.scenario.failure:
                async for frame in nested.frames(self):
                    yield frame
        model = _node('llm')
        yield self.node_started(model, 'llm', 'LLM')
        try:
            async for said in turn.write():
                if 'replaced' in said:
                    yield turn.frame('message_replace', answer=said['replaced'], reason='output_moderation')
                else:
                    yield self.text(said['answer'])
            made = figures.make(turn, self.demo) if turn.scenario.figure else []
            async for said in turn.say(figures.text(made)):
                yield self.text(said['answer'])
        except ModelFailed as failed:
            yield self.node_finished(model, 'llm', 'LLM', status='failed', error=failed.failure.message)
            yield self.finished('failed', failed.failure.message)
            yield turn.error(failed.as_run())
            return
        if turn.stopped:
            yield self.finished('stopped', 'Stopped by user.')
            yield turn.end(empty_usage(first=turn.first, elapsed=turn.elapsed), files=[])
            return
        spent = usage(turn.spent())
        outputs = {'text': turn.text, 'reasoning_content': '', 'usage': spent, 'finish_reason': 'stop'}
        costs = {name: spent[name] for name in ('total_tokens', 'total_price', 'currency')}
        yield self.node_finished(model, 'llm', 'LLM', outputs=outputs, execution_metadata=costs)
        last = _node('answer')
        yield self.node_started(last, 'answer', 'Answer')
        files = [figure.as_output for figure in made]
        self.run.outputs = {'answer': turn.text, 'files': files}
        yield self.node_finished(last, 'answer', 'Answer', outputs=self.run.outputs)
        finished, end = self.finished('succeeded', tokens=spent['total_tokens']), turn.end(spent, files=files)
        for frame in [finished] if turn.scenario.no_end else [end, finished] if newer else [finished, end]:
            yield frame

    async def ask(self, *, again: bool = False) -> AsyncIterator[Frame]:
        """Ask a person; the stream ends, the run waits."""
        turn, node = self.turn, _node('human')
        yield self.node_started(node, 'human-input', 'Question')
        async for said in turn.say('One more thing.\n\n' if again else 'I need a decision before I can answer.\n\n'):
            yield self.text(said['answer'])
        if turn.stopped:
            yield self.finished('stopped', 'Stopped by user.')
            yield turn.end(empty_usage(first=turn.first, elapsed=turn.elapsed), files=[])
            return
        form = forms.ask(self.run, node, turn.scenario, again=again)
        self.demo.records.forms.put(form)
        yield self.event('human_input_required', **form.definition)
        self.run.status, self.run.elapsed = 'paused', round(turn.elapsed, 6)
        self.demo.records.runs.put(self.run)
        self.demo.spawn(self.demo.see_to(self.demo, form, turn.scenario.elsewhere, turn.base_url))
        yield self.event('workflow_paused', **_pause(self.run, form))

    def event(self, name: str, **data: Any) -> Frame:
        return self.turn.frame(name, workflow_run_id=self.run.id, data=data)

    def node_started(self, node: Frame, type: str, title: str, *, iteration_id: str | None = None) -> Frame:
        self.run.steps += 1
        return self.event(
            'node_started',
            **node,
            node_type=type,
            title=title,
            index=1,
            predecessor_node_id=None,
            inputs=None,
            inputs_truncated=False,
            created_at=_now(),
            extras={},
            iteration_id=iteration_id,
            loop_id=None,
            agent_strategy=None,
        )

    def node_finished(self, node: Frame, type: str, title: str, *, status: str = 'succeeded', **more: Any) -> Frame:
        data = {
            **node,
            'node_type': type,
            'title': title,
            'index': 1,
            'predecessor_node_id': None,
            'inputs': {},
            'inputs_truncated': False,
            'process_data': {},
            'process_data_truncated': False,
            'outputs': {},
            'outputs_truncated': False,
            'status': status,
            'error': None,
            'elapsed_time': round(self.turn.elapsed, 6),
            'execution_metadata': None,
            'created_at': _now(),
            'finished_at': _now(),
            'files': [],
            'iteration_id': None,
            'loop_id': None,
        }
        return self.event('node_finished', **(data | more))

    def finished(self, status: str, error: str | None = None, tokens: int = 0) -> Frame:
        """The run's last word; put on record here, so that it can be read though nobody read the stream."""
        run = self.run
        run.status, run.error, run.tokens = status, error, tokens
        run.elapsed, run.finished_at = round(self.turn.elapsed, 6), _now()
        self.demo.records.runs.put(run)
        return self.event(
            'workflow_finished',
            id=run.id,
            workflow_id=WORKFLOW_ID,
            status=status,
            outputs=run.outputs,
            error=error,
            elapsed_time=run.elapsed,
            total_tokens=tokens,
            total_steps=run.steps,
            created_by={'id': end_user_id(run.user), 'user': run.user},
            created_at=run.created_at,
            finished_at=run.finished_at,
            exceptions_count=int(status == 'failed'),
            files=run.outputs.get('files', []),
        )

    def text(self, delta: str) -> Frame:
        selector = ['llm', 'text'] if delta else ['answer', 'answer']
        return self.turn.frame('message', id=self.turn.message.id, answer=delta, from_variable_selector=selector)


def _node(id: str) -> Frame:
    return {'id': str(uuid.uuid4()), 'node_id': id}


def _now() -> int:
    return int(time.time())
