"""The dialect of an agent app of the newer kind: thoughts, tools and words are rows of their own, and the answer comes
once more at the end, without what was said on the way to it."""

import json
from collections.abc import AsyncIterator

from webapp.upstream.demo.agent import LABELS, new_thought, shown
from webapp.upstream.demo.state import Demo
from webapp.upstream.demo.turn import Frame, ModelFailed, Turn
from webapp.upstream.demo.usage import usage

TOOL = 'handbook_search'
REMARK = 'Let me look that up in the handbook.\n\n'
TOGETHER = 8  # tokens in one frame: its words come in larger pieces than those of other kinds


async def frames(turn: Turn, demo: Demo) -> AsyncIterator[Frame]:
    """`agent_thought`s and `agent_message`s, one `message` with the whole answer, then `message_end`; or `error`."""
    wanted = turn.scenario.text or 'what is asked'
    try:
        if not turn.scenario.failure:  # a failing model does not get as far as its tools
            async for frame in _thinking(turn, f'The question is about “{wanted}”. The handbook should know.'):
                yield frame
            async for frame in _said(turn, turn.say(REMARK)):
                yield frame
            async for frame in _looked_up(turn, wanted):
                yield frame
        remarked = len(turn.text)
        async for frame in _said(turn, turn.write()):
            yield frame
    except ModelFailed as failed:
        yield turn.error(failed.failure)
        return
    if not turn.stopped:
        turn.pieces = [turn.text[remarked:]] if turn.thoughts else turn.pieces
        yield turn.frame('message', id=turn.message.id, answer=turn.text)
    yield turn.end(usage(turn.spent()))


async def _thinking(turn: Turn, words: str) -> AsyncIterator[Frame]:
    thought = _row(turn)
    for end in range(len(words) // 3, len(words) + 1, max(1, len(words) // 3)):
        await turn.pause(0.1)
        thought['thought'] = words[:end]
        yield shown(turn, thought)
    thought['thought'] = words
    yield shown(turn, thought)


async def _looked_up(turn: Turn, wanted: str) -> AsyncIterator[Frame]:
    if turn.stopped:
        return
    row = _row(turn)
    row |= {'tool': TOOL, 'tool_labels': {TOOL: LABELS[TOOL]}, 'tool_input': json.dumps({TOOL: {'query': wanted}})}
    yield shown(turn, row)
    await turn.pause(0.2)
    found = '; '.join(passage.section.heading for passage in turn.draft.passages) or 'nothing found'
    row['observation'] = json.dumps({TOOL: found}, ensure_ascii=False)
    yield shown(turn, row)


async def _said(turn: Turn, written: AsyncIterator[Frame]) -> AsyncIterator[Frame]:
    """Words, and the row that repeats them."""
    row, held = _row(turn), ''
    count = 0
    async for said in written:
        if 'replaced' in said:
            row['thought'], held = said['replaced'], ''
            yield turn.frame('message_replace', answer=said['replaced'], reason='')
            continue
        row['thought'] += said['answer']
        held += said['answer']
        count += 1
        if count % TOGETHER == 0:
            yield turn.frame('agent_message', id=turn.message.id, answer=held)
            held = ''
    if held:
        yield turn.frame('agent_message', id=turn.message.id, answer=held)
    if not turn.stopped:
        yield shown(turn, row)


def _row(turn: Turn) -> Frame:
    row = new_thought(turn)
    turn.thoughts.append(row)
    return row
