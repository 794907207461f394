"""What stays of an answer. As in 1.12.1 it is saved by whoever reads the stream: a dropped one leaves it empty."""

import asyncio
import time

from webapp.upstream.demo import figures, titles
from webapp.upstream.demo.records import Records
from webapp.upstream.demo.responses import ConnectionCut
from webapp.upstream.demo.state import Demo
from webapp.upstream.demo.turn import Frame, Turn


def save(records: Records, turn: Turn, frame: Frame) -> None:
    """Save what `frame`, about to be sent, makes final.

    :raises ConnectionCut: the conversation was deleted meanwhile; no end is sent then
    """
    ends = {'message_end', 'workflow_paused', 'error'} | ({'workflow_finished'} if turn.scenario.no_end else set())
    if frame['event'] not in ends:
        return
    message = records.messages.get(turn.message.id)
    conversation = records.conversations.get(turn.conversation.id)
    if message is None or conversation is None:
        raise ConnectionCut
    if frame['event'] == 'error':  # the text so far is lost, as on a real server
        message.status, message.error = 'error', frame['message']
    else:
        message.answer = figures.saved(turn.saved_text) if turn.scenario.figure else turn.saved_text
        metadata = frame.get('metadata', {})
        message.resources, message.usage = metadata.get('retriever_resources', []), metadata.get('usage') or {}
        message.thoughts = turn.thoughts
        message.files += turn.made
    records.messages.put(message)
    conversation.updated_at = int(time.time())
    records.conversations.put(conversation)


async def make_title(demo: Demo, conversation_id: str, query: str) -> None:
    """Name a new conversation in the background, and so possibly over a name that a person gave it meanwhile."""
    await asyncio.sleep(demo.title_seconds)
    title = await titles.make(demo, query)
    conversation = demo.records.conversations.get(conversation_id)
    if conversation:
        conversation.name = titles.fallback(query) if title is None else title
        demo.records.conversations.put(conversation)
