"""A stream breaks while the run behind it goes on."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest
from generations_support import ask, ended, row

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.chat.events import Event, TextCompleted, TextDelta
from webapp.chat.message import FilePart, Reply, Status, TextPart
from webapp.files import Files, address, made_id
from webapp.generations import Generations
from webapp.principal import Principal
from webapp.store.database import Store
from webapp.upstream import demo
from webapp.upstream.client import DifyClient
from webapp.upstream.history import HistoryMessage
from webapp.upstream.records import Page, Run

WHOLE = ' '.join(f'w{i}' for i in range(60))
PICTURE = '![sun](/files/tools/6d2f1f0e-0b1a-4c3d-8e9f-001122334455.png?nonce=1&sign=a)'


async def test_the_rest_of_a_run_is_heard_at_once_and_no_word_twice(
    generations: Generations, store: Store, ann: Principal
) -> None:
    message = await ask(generations, ann, f'/steps /rate 50 /cut 20 /echo {WHOLE}')
    generation = generations.of(message.id)
    assert generation
    seen = [progress.reply async for progress in generation.watch()]
    assert {reply.status for reply in seen} == {Status.RUNNING, Status.COMPLETE}, 'it never looked broken'
    kept = await row(store, ann, message)
    assert (kept.reply.text, kept.reply.status, kept.reply.repaired) == (WHOLE, Status.COMPLETE, True)
    assert {step.state for step in kept.reply.steps} == {'succeeded'}
    assert kept.reply.usage
    assert kept.reply.usage.total_price


async def test_a_picture_stays_though_history_lacks_it(
    generations: Generations, apps: Apps, store: Store, ann: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = apps.get('demo').client
    resume, run, history = client.resume, client.run, client.history

    async def silent(*args: Any, **named: Any) -> AsyncGenerator[Event, None]:
        async for event in resume(*args, **named):
            if not isinstance(event, TextDelta | TextCompleted):
                yield event

    async def unanswered(run_id: str) -> Run:
        return replace(await run(run_id), answer='')

    async def bare(*args: Any, **named: Any) -> Page[HistoryMessage]:
        page = await history(*args, **named)
        return replace(page, items=tuple(replace(each, reply=Reply(parts=(TextPart(WHOLE),))) for each in page.items))

    monkeypatch.setattr(client, 'resume', silent)
    monkeypatch.setattr(client, 'run', unanswered)
    monkeypatch.setattr(client, 'history', bare)
    message = await ask(generations, ann, f'/steps /rate 50 /cut 30 /echo {PICTURE} {WHOLE}')
    await ended(generations, message)
    reply = (await row(store, ann, message)).reply
    [sun] = [part for part in reply.parts if isinstance(part, FilePart)]
    assert reply.status is Status.COMPLETE
    assert reply.text == f'![sun]({address(made_id(message.id, sun))}) {WHOLE}'


async def test_one_that_comes_to_ask_while_nobody_hears_it_asks(
    generations: Generations, store: Store, ann: Principal
) -> None:
    message = await ask(generations, ann, '/human /rate 20 /cut 3 /echo done')
    await ended(generations, message)
    kept = await row(store, ann, message)
    form = kept.reply.open_form
    assert kept.reply.status is Status.WAITING
    assert form
    assert form.token
    values = {'comment': 'yes', 'urgency': 'low'}
    await generations.answer(ann, message_id=message.id, form_id=form.id, action='approve', values=values, key='k')
    await ended(generations, message)
    assert (await row(store, ann, message)).reply.text.endswith('done')


async def test_an_agents_answer_can_not_be_resumed(generations: Generations, store: Store, ann: Principal) -> None:
    message = await ask(generations, ann, f'/agent /cut 5 /echo {WHOLE}')
    await ended(generations, message)
    kept = await row(store, ann, message)
    assert kept.reply.status is Status.INTERRUPTED
    assert kept.reply.failure
    assert kept.reply.failure.code == 'stream_cut'


async def test_a_server_that_can_not_do_it_is_asked_once(
    store: Store, changes: Changes, ann: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with demo.serve(demo.build(rate=0, resumes=False)) as url:
        app = App('demo', DifyClient(url, 'demo'))
        resume, asked = app.client.resume, []

        def counted(run_id: str, *, user: str, catch_up: bool = False) -> AsyncGenerator[Event, None]:
            asked.append(run_id)
            return resume(run_id, user=user, catch_up=catch_up)

        monkeypatch.setattr(app.client, 'resume', counted)
        apps = Apps([app])
        files = Files(store, apps, changes)
        generations = Generations(store, apps, changes, files)
        assert app.can_resume
        for key in ('k1', 'k2'):
            message = await ask(generations, ann, f'/steps /cut 20 /echo {WHOLE}', key=key)
            await ended(generations, message)
            assert not app.can_resume
            counter = changes.of(ann.user_id)
            async with asyncio.timeout(30):
                seen = counter.value
                while not (kept := await row(store, ann, message)).reply.repaired:  # from the run's detail
                    seen = await counter.after(seen)
            assert kept.reply.text == WHOLE
        assert len(asked) == 1
        await generations.shutdown(limit=0)
        await files.close()
        await apps.close()
