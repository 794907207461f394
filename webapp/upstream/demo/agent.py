"""The dialect of an agent app: a round in which it calls its tools, then a round in which it answers."""

import json
import uuid
from collections.abc import AsyncIterator

from webapp.upstream.demo import pictures
from webapp.upstream.demo.attachments import row
from webapp.upstream.demo.state import Demo
from webapp.upstream.demo.turn import Frame, ModelFailed, Turn
from webapp.upstream.demo.usage import usage

LABELS = {
    'handbook_search': {'en_US': 'Search the handbook', 'zh_Hans': 'Search the handbook'},
    'draw': {'en_US': 'Draw a picture', 'zh_Hans': 'Draw a picture'},
}


async def frames(turn: Turn, demo: Demo) -> AsyncIterator[Frame]:
    """Two rounds, each with several copies of its `agent_thought` under one id; then `message_end` or `error`."""
    try:
        if not turn.scenario.failure:  # a failing model does not get as far as its tools
            async for frame in _tool_round(turn, demo):
                yield frame
        async for frame in _round(turn, turn.write()):
            yield frame
    except ModelFailed as failed:
        yield turn.error(failed.failure)
        return
    yield turn.end(usage(turn.spent()))


async def _tool_round(turn: Turn, demo: Demo) -> AsyncIterator[Frame]:
    remark = 'Let me draw that. ' if turn.scenario.image else 'Let me look that up in the handbook. '
    async for frame in _round(turn, turn.say(remark)):
        yield frame
    if turn.stopped:
        return
    thought = turn.thoughts[-1]
    name = 'draw' if turn.scenario.image else 'handbook_search'
    wanted = turn.scenario.text or 'a surprise'
    given = {'prompt': wanted} if turn.scenario.image else {'query': wanted}
    thought |= {'tool': name, 'tool_labels': {name: LABELS[name]}, 'tool_input': json.dumps({name: given})}
    yield shown(turn, thought)
    await turn.pause(0.2)
    if turn.scenario.image:
        made = pictures.draw(demo.records, wanted, turn.message.user)
        file = row(made, 'assistant')
        turn.made.append(file)
        thought['files'] = [file['id']]
        url = f'{turn.base_url}{demo.tool_url(made.id, made.extension)}'
        yield turn.frame('message_file', id=file['id'], type='image', belongs_to='assistant', url=url)
        observed = f'drawn: {wanted}. The picture was sent to the user.'
    else:
        observed = '; '.join(passage.section.heading for passage in turn.draft.passages) or 'nothing found'
    thought['observation'] = json.dumps({name: observed}, ensure_ascii=False)
    yield shown(turn, thought)


async def _round(turn: Turn, written: AsyncIterator[Frame]) -> AsyncIterator[Frame]:
    """One round's text between two copies of its thought; the first comes with the first words."""
    thought, text = new_thought(turn), ['']
    async for said in written:
        if not turn.thoughts or turn.thoughts[-1] is not thought:
            turn.thoughts.append(thought)
            yield shown(turn, thought)
        if 'replaced' in said:
            text = [said['replaced']]
            yield turn.frame('message_replace', answer=said['replaced'], reason='')
        else:
            text.append(said['answer'])
            yield turn.frame('agent_message', id=turn.message.id, answer=said['answer'])
    if turn.stopped:
        return
    thought['thought'] = ''.join(text)
    yield turn.frame('agent_message', id=turn.message.id, answer='')
    if len(turn.thoughts) > 1:
        yield shown(turn, thought)


def new_thought(turn: Turn) -> Frame:
    return {
        'id': str(uuid.uuid4()),
        'chain_id': None,
        'message_id': turn.message.id,
        'position': len(turn.thoughts) + 1,
        'thought': '',
        'tool': '',
        'tool_labels': {},
        'tool_input': '',
        'created_at': turn.message.created_at,
        'observation': '',
        'files': [],
    }


def shown(turn: Turn, thought: Frame) -> Frame:
    names = ('id', 'position', 'thought', 'observation', 'tool', 'tool_labels', 'tool_input')
    return turn.frame('agent_thought', **{name: thought[name] for name in names}, message_files=list(thought['files']))
