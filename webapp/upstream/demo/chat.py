"""The dialect of a basic chat app."""

from collections.abc import AsyncIterator

from webapp.upstream.demo import relay
from webapp.upstream.demo.state import Demo
from webapp.upstream.demo.turn import Frame, ModelFailed, Turn
from webapp.upstream.demo.usage import usage


async def frames(turn: Turn, demo: Demo) -> AsyncIterator[Frame]:
    """`message`s, then `message_end` or `error`."""
    name = turn.message.id
    event = 'message_file' if turn.scenario.mislabelled else 'message'
    try:
        async for said in relay.write(turn, turn.model, demo.records) if turn.model else turn.write():
            if 'replaced' in said:
                yield turn.frame('message_replace', answer=said['replaced'], reason='')
            else:
                yield turn.frame(event, id=name, answer=said['answer'], from_variable_selector=None)
    except ModelFailed as failed:
        yield turn.error(failed.failure)
        return
    if not turn.stopped:  # models that report their usage do so in a last, empty piece
        yield turn.frame(event, id=name, answer='', from_variable_selector=None)
    yield turn.end(usage(turn.spent()))
