"""What a chatflow does before it answers: a condition, an iteration over what was found, an agent that calls a tool.

Told as Dify tells it: an iteration is named by its node, what runs in it names that; an agent's node keeps a log.
"""

import time
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from webapp.upstream.demo.turn import Frame

if TYPE_CHECKING:
    from webapp.upstream.demo.chatflow import Flow

PAUSE = 0.2  # seconds of work for each; none where an answer is to come as fast as possible
MOST_ROUNDS = 3
ITERATION = 'chapters'


async def frames(flow: 'Flow') -> AsyncIterator[Frame]:
    """The nodes between the start and the model."""
    condition = _node('condition')
    yield flow.node_started(condition, 'if-else', 'Is there something to read?')
    found = [passage.section.heading for passage in flow.turn.draft.passages][:MOST_ROUNDS]
    outputs = {'result': bool(found), 'selected_case_id': 'true' if found else 'false'}
    yield flow.node_finished(condition, 'if-else', 'Is there something to read?', outputs=outputs)
    if found:
        async for frame in _iteration(flow, found):
            yield frame
        async for frame in _agent(flow, found):
            yield frame


async def _iteration(flow: 'Flow', items: list[str]) -> AsyncIterator[Frame]:
    began = time.monotonic()
    node = {'id': ITERATION, 'node_id': ITERATION, 'node_type': 'iteration', 'title': 'Read the chapters'}
    given = {'inputs': {'iterator_selector': items}, 'inputs_truncated': False}
    flow.run.steps += 1
    common = {**node, 'created_at': _now(), 'extras': {}}
    yield flow.event('iteration_started', **common, metadata={'iteration_length': len(items)}, **given)
    spans = {}
    for index, heading in enumerate(items):
        round_began = time.monotonic()
        yield flow.event('iteration_next', **node, index=index, created_at=_now(), extras={})
        inner = _node('passage')
        within = {'iteration_id': ITERATION}
        yield flow.node_started(inner, 'template-transform', 'Take out the passage', **within)
        await flow.turn.pause(PAUSE if flow.turn.rate else 0)
        spans[str(index)] = round(time.monotonic() - round_began, 6)
        yield flow.node_finished(
            inner,
            'template-transform',
            'Take out the passage',
            outputs={'output': heading},
            elapsed_time=spans[str(index)],
            execution_metadata={'iteration_id': ITERATION, 'iteration_index': index},
            **within,
        )
    yield flow.event(
        'iteration_completed',
        **node,
        outputs={'output': items},
        outputs_truncated=False,
        created_at=_now(),
        extras={},
        **given,
        status='succeeded',
        error=None,
        elapsed_time=round(time.monotonic() - began, 6),
        total_tokens=0,
        execution_metadata={
            'total_tokens': 0, 'total_price': '0', 'currency': 'USD', 'iteration_duration_map': spans,
        },
        finished_at=_now(),
        steps=len(items),
    )  # fmt: skip


async def _agent(flow: 'Flow', found: list[str]) -> AsyncIterator[Frame]:
    began = time.monotonic()
    node, title = _node('agent'), 'Compare them'
    yield flow.node_started(node, 'agent', title)
    round_, call = str(uuid.uuid4()), str(uuid.uuid4())
    yield _log(flow, node, round_, 'ROUND 1', 'start')
    yield _log(flow, node, call, 'CALL handbook_search', 'start', parent=round_)
    await flow.turn.pause(PAUSE if flow.turn.rate else 0)
    took = round(time.monotonic() - began, 6)
    yield _log(flow, node, call, 'CALL handbook_search', 'success', parent=round_, seconds=took, data={'found': found})
    yield _log(flow, node, round_, 'ROUND 1', 'success', seconds=took)
    yield flow.node_finished(node, 'agent', title, elapsed_time=took)


def _log(
    flow: 'Flow',
    node: Frame,
    id: str,
    label: str,
    status: str,
    *,
    parent: str | None = None,
    seconds: float | None = None,
    data: Frame | None = None,
) -> Frame:
    return flow.event(
        'agent_log',
        node_execution_id=node['id'],
        id=id,
        label=label,
        parent_id=parent,
        error=None,
        status=status,
        data=data or {},
        metadata={} if seconds is None else {'elapsed_time': seconds},
        node_id=node['node_id'],
    )


def _node(id: str) -> Frame:
    return {'id': str(uuid.uuid4()), 'node_id': id}


def _now() -> int:
    return int(time.time())
