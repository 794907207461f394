"""Steps: what a real Dify told of nodes and tools, and what newer and older servers tell besides."""

from collections.abc import Sequence

import pytest
from stage import Recording, frames, recorded, recording

from webapp.chat.message import FilePart, Reply, StepPart, StepState
from webapp.chat.reducer import replay
from webapp.upstream.faults import Faults
from webapp.upstream.limits import TimeLimits
from webapp.upstream.reading import Reading


def read(body: bytes) -> Reply:
    reading = Reading(Faults(), TimeLimits())
    return replay([*reading.take(body, now=0), *reading.close(None, now=0)])


def told(*payloads: dict) -> Reply:
    return read(b''.join(frames(*payloads)))


def event(name: str, **data: object) -> dict:
    return {'event': name, 'workflow_run_id': 'r', 'data': data}


def shape(steps: Sequence[StepPart]) -> list[tuple[str, str, str]]:
    return [(step.title, step.state.value, step.parent) for step in steps]


def expected_nodes(played: Recording) -> dict[str, tuple[str, str, float]]:
    """Of each node and iteration: title, status and time, as the last event of it says."""
    last: dict[str, tuple[str, str, float]] = {}
    for payload in played.payloads:
        data = payload.get('data') or {}
        if payload['event'] in {'node_finished', 'iteration_completed'}:
            last[data['id']] = (data['title'], data['status'], data['elapsed_time'])
    return last


def expected_tools(played: Recording) -> list[str]:
    thoughts = {payload['id']: payload for payload in played.payloads if payload['event'] == 'agent_thought'}
    return [tool for thought in thoughts.values() for tool in thought['tool'].split(';') if tool]


@pytest.mark.parametrize('name', recorded('sse'))
def test_every_recording_gives_its_nodes_and_tools_each_once(name: str) -> None:
    played = recording(name)

    reply = read(played.body)

    nodes = {step.id: (step.title, step.state.value, step.seconds) for step in reply.steps if step.is_node}
    expected = expected_nodes(played)
    assert {id_: node for id_, node in nodes.items() if node[1] != 'running'} == {
        id_: (title, 'failed' if status in {'failed', 'exception', 'stopped'} else status, seconds)
        for id_, (title, status, seconds) in expected.items()
    }
    assert [step.tool for step in reply.steps if not step.is_node] == expected_tools(played)
    assert not any(step.input or step.output for step in reply.steps if step.is_node)


def test_an_iteration_holds_its_nodes_and_counts_its_rounds() -> None:
    reply = read(recording('chatflow-rich-stream').body)
    group = next(step for step in reply.steps if step.type == 'iteration')
    within = [step for step in reply.steps if step.parent == group.id]
    assert (group.title, group.rounds, group.state) == ('Loop items', 2, StepState.SUCCEEDED)
    assert [(step.title, step.type, step.round) for step in within] == [('Item LLM', 'llm', 1), ('Item LLM', 'llm', 2)]
    assert reply.seconds == pytest.approx(1.304083)


def test_a_node_that_was_tried_again_says_how_often() -> None:
    reply = read(recording('chatflow-rich-node-retry').body)
    (failed,) = [step for step in reply.steps if step.state is StepState.FAILED]
    assert (failed.title, failed.retries, failed.type) == ('Final LLM', 2, 'llm')


def test_only_the_branch_that_was_taken_has_steps() -> None:
    reply = read(recording('chatflow-rich-other-branch').body)
    assert [step.type for step in reply.steps] == ['start', 'if-else', 'answer']


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('agent-stream-one-tool-continue', [('Current Time', 'current_time', StepState.SUCCEEDED)]),
        ('agent-stream-no-tool', []),
        (
            'agent-stream-tool-fails',
            [('draw', 'draw', StepState.SUCCEEDED), ('failing', 'failing', StepState.FAILED)],
        ),
        ('agent-stream-unknown-tool', [('no_such_tool', 'no_such_tool', StepState.FAILED)]),
    ],
)
def test_tools_of_agents(name: str, expected: list[tuple[str, str, StepState]]) -> None:
    reply = read(recording(name).body)
    assert [(step.title, step.tool, step.state) for step in reply.steps] == expected


def test_a_loop_counts_its_rounds_while_it_runs() -> None:
    loop = {'id': 'x', 'node_id': 'loop', 'title': 'Until good'}
    started = (event('loop_started', **loop), event('loop_next', **loop, index=0))
    node = event('node_started', id='e1', node_id='n', node_type='code', title='Try', loop_id='loop')
    done = event(
        'node_finished', id='e1', node_id='n', node_type='code', title='Try', loop_id='loop', status='succeeded',
        execution_metadata={'loop_index': 1},
    )  # fmt: skip

    running = told(*started, node, event('loop_next', **loop, index=1), done)
    ended = told(*started, node, done, event('loop_completed', **loop, status='succeeded', steps=3, elapsed_time=2))

    assert (running.steps[0].rounds, running.steps[0].state) == (2, StepState.RUNNING)
    assert (running.steps[1].parent, running.steps[1].round) == ('loop', 2)
    assert (ended.steps[0].rounds, ended.steps[0].state, ended.steps[0].seconds) == (3, StepState.SUCCEEDED, 2)


def test_an_iteration_that_is_told_of_as_a_node_too_is_one_step() -> None:
    node = {'id': 'execution', 'node_id': 'iter', 'node_type': 'iteration', 'title': 'Each item'}
    reply = told(
        event('node_started', **node),
        event('iteration_started', id='iter', node_id='iter', title='Each item'),
        event('node_started', id='e', node_id='n', node_type='llm', title='Model', iteration_id='iter'),
        event('node_finished', **node, status='succeeded', elapsed_time=1),
    )
    assert shape(reply.steps) == [('Each item', 'succeeded', ''), ('Model', 'running', 'iter')]


def test_the_log_of_an_agents_node_stands_under_it_without_its_data() -> None:
    secret = {'output': 'a prompt that nobody may see', 'tool_input': {'key': 'sk-1'}}
    node = {'id': 'execution', 'node_id': 'n', 'node_type': 'agent', 'title': 'Agent'}
    log = {'node_execution_id': 'execution', 'node_id': 'n', 'data': secret}
    reply = told(
        event('node_started', **node, inputs=secret, process_data=secret),
        event('agent_log', **log, id='l1', label='ROUND 1', status='start'),
        event('agent_log', **log, id='l2', parent_id='l1', label='CALL weather', status='error', error='sk-1 denied'),
        event('agent_log', **log, id='l1', label='ROUND 1', status='success', metadata={'elapsed_time': 1.5}),
        event('node_finished', **node, status='succeeded', outputs=secret),
    )
    assert shape(reply.steps) == [
        ('Agent', 'succeeded', ''), ('ROUND 1', 'succeeded', 'execution'), ('CALL weather', 'failed', 'l1'),
    ]  # fmt: skip
    assert reply.steps[1].seconds == 1.5
    assert 'sk-1' not in repr(reply)
    assert 'a prompt' not in repr(reply)


def test_branches_that_run_side_by_side_are_told_apart_where_upstream_names_them() -> None:
    def node(id_: str, branch: str, **more: object) -> dict:
        return {'id': id_, 'node_id': id_, 'node_type': 'tool', 'title': id_, 'parallel_start_node_id': branch, **more}

    reply = told(
        event('parallel_branch_started', parallel_id='p', parallel_branch_id='a'),
        event('node_started', **node('a', 'a')),
        event('node_started', **node('b', 'b')),
        event('node_finished', **node('b', 'b', status='succeeded')),
    )
    assert [(step.id, step.branch, step.state.value) for step in reply.steps] == [
        ('a', 'a', 'running'), ('b', 'b', 'succeeded'),
    ]  # fmt: skip


def test_several_tools_of_one_round_have_each_their_own() -> None:
    """Texts that hold an object by tool most of the time, and words of any kind else."""
    thought = {'event': 'agent_thought', 'id': 'a', 'tool': 'weather;search', 'observation': ''}
    labels = {'weather': {'en_US': 'Weather', 'zh_Hans': '天气'}}
    asked = thought | {'tool_labels': labels, 'tool_input': '{"weather": {"city": "Kyoto"}, "search": "trains"}'}
    said = thought | {'tool_labels': labels, 'observation': '{"weather": "18C", "search": "tool invoke error: no"}'}
    assert [(step.title, step.state.value, step.input, step.output) for step in told(asked, said).steps] == [
        ('Weather', 'succeeded', '{\n "city": "Kyoto"\n}', '18C'),
        ('search', 'failed', 'trains', 'tool invoke error: no'),
    ]
    (step,) = told(thought | {'tool': 'search', 'tool_input': 'trains', 'observation': 'none {today}'}).steps
    assert (step.input, step.output) == ('trains', 'none {today}')


def test_a_node_names_its_model_and_nothing_else_of_its_work() -> None:
    work = {'model_name': 'gpt-4o-mini', 'model_provider': 'openai', 'prompts': [{'text': 'You are a secret agent.'}]}
    node = event('node_finished', id='e', node_type='llm', title='LLM', status='succeeded', process_data=work)
    (step,) = told(node).steps
    assert step.model == 'gpt-4o-mini'
    assert 'secret' not in repr(step)


def test_a_branch_may_be_named_with_what_the_work_took() -> None:
    ended = {'status': 'succeeded', 'execution_metadata': {'parallel_start_node_id': 'left', 'total_tokens': 5}}
    (step,) = told(event('node_finished', id='e', node_type='code', title='Count', **ended)).steps
    assert step.branch == 'left'


@pytest.mark.parametrize(
    ('status', 'state'),
    [
        ('succeeded', StepState.SUCCEEDED),
        ('partial-succeeded', StepState.SUCCEEDED),
        ('failed', StepState.FAILED),
        ('exception', StepState.FAILED),
        ('stopped', StepState.FAILED),
        ('retry', StepState.RETRYING),
        ('running', StepState.RUNNING),
        ('of another time', StepState.RUNNING),
    ],
)
def test_every_state_of_a_node_is_one_of_ours(status: str, state: StepState) -> None:
    (step,) = told(event('node_finished', id='e', node_type='code', title='Count', status=status)).steps
    assert step.state is state


def test_a_group_without_a_node_is_known_by_its_id() -> None:
    group = {'id': 'each', 'node_id': None, 'title': 'Each item'}
    reply = told(event('iteration_started', **group), event('iteration_completed', **group, status='succeeded'))
    assert [(step.id, step.state) for step in reply.steps] == [('each', StepState.SUCCEEDED)]


def test_reasoning_of_its_own_channel_is_no_text() -> None:
    reply = told(event('reasoning_chunk', reasoning='Hm.'), {'event': 'message', 'answer': 'Yes.'})
    assert (reply.reasoning, reply.text) == ('Hm.', 'Yes.')


def test_files_of_a_run_are_there_though_its_message_never_ends() -> None:
    file = {
        'related_id': 'f1',
        'type': 'image',
        'filename': 'chart.png',
        'url': 'http://files.invalid/files/tools/f1.png',
    }
    finished = event('workflow_finished', status='succeeded', files=[file], outputs={'answer': 'Here.'})
    for stream in ([finished], [finished, {'event': 'message_end', 'files': [file]}]):
        reply = told(*stream)
        assert [(part.id, part.name) for part in reply.parts if isinstance(part, FilePart)] == [('f1', 'chart.png')]
