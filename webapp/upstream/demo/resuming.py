"""A run that waits for a person goes on: one has answered, here or elsewhere, or nobody has in time."""

import asyncio
import time
from collections.abc import AsyncIterator

from webapp.upstream.demo import chatflow, forms, saving, scenario, usage, writer
from webapp.upstream.demo.generation import Generation
from webapp.upstream.demo.records import Form, Run
from webapp.upstream.demo.responses import missing
from webapp.upstream.demo.state import Demo
from webapp.upstream.demo.turn import Frame, Turn


def answer(demo: Demo, asked: Form, inputs: dict[str, object], action: str, base: str) -> None:
    """Take the answer; the run goes on at once, listened to or not. :raises ApiError: it can't be taken"""
    forms.submit(asked, inputs, action)
    demo.records.forms.put(asked)
    go_on(demo, asked, base)


async def see_to(demo: Demo, asked: Form, elsewhere: float | None, base: str) -> None:
    """Answer a new form when it is time to, or let it expire.

    :param elsewhere: seconds until somebody else answers it; None for nobody
    """
    left = asked.expires_at - time.time()
    if elsewhere is not None and elsewhere < left:
        await asyncio.sleep(elsewhere)
        inputs: dict[str, object] = {forms.COMMENT: 'Fine with me.', forms.URGENCY: 'high'}
        answer(demo, asked, inputs, 'approve', base)
        return
    await asyncio.sleep(left)
    known = demo.records.forms.get(asked.id)
    if known and not known.submission:
        go_on(demo, known, base)


def go_on(demo: Demo, asked: Form, base: str) -> None:
    run = demo.records.runs.get(asked.run_id)
    turn = _turn(demo, run, base) if run else None
    if run is None or turn is None:
        raise missing('Form not found')
    run.status = 'running'
    demo.records.runs.put(run)
    generation = Generation(
        turn,
        _frames(demo, turn, run, asked),
        ping=demo.ping,
        save=lambda frame: saving.save(demo.records, turn, frame),
        detached=True,
    )
    demo.start(generation)
    demo.resumed[run.id] = generation


def _frames(demo: Demo, turn: Turn, run: Run, asked: Form) -> AsyncIterator[Frame]:
    if not asked.submission:
        return chatflow.timed_out(turn, demo, run, asked)
    return chatflow.resumed(turn, demo, run, asked)


def _turn(demo: Demo, run: Run, base: str) -> Turn | None:
    """The turn that the run belongs to, made again from what is on record; None if it was deleted."""
    message = demo.records.messages.get(run.message_id)
    conversation = message and demo.records.conversations.get(message.conversation_id)
    if not message or not conversation:
        return None
    asked = scenario.parse(message.query)
    return Turn(
        conversation,
        message,
        asked,
        writer.draft(asked, demo.handbook),
        rate=demo.rate if asked.rate is None else asked.rate,
        prompt=len(usage.tokens(message.query)),
        base_url=base,
        task_id=run.task_id,
        pieces=[message.answer],
    )
