"""A workflow asks a person in the middle of an answer, and the answer goes on when it has been told."""

import asyncio
import io
import json
from collections.abc import Mapping
from decimal import Decimal
from ipaddress import ip_address

import httpx
import pytest
from generations_support import ask, ended, row
from sqlmodel import Session, select

from webapp.apps import App, Apps
from webapp.budgets import Budgets
from webapp.changes import Changes
from webapp.chat.message import FormPart, Status
from webapp.errors import NotFound, Refused, UpstreamError
from webapp.files import Files, Links, address
from webapp.files.links import Address
from webapp.generations import Generations, waiting
from webapp.principal import Principal
from webapp.store import answers
from webapp.store.budgets import Budget, Scope
from webapp.store.database import Store
from webapp.store.messages import Message
from webapp.store.tables import ReservationRow, UsageRow
from webapp.upstream import demo
from webapp.upstream.client import DifyClient

YES = {'comment': 'Yes, a red one.', 'urgency': 'high'}


async def asked(generations: Generations, store: Store, who: Principal, query: str) -> tuple[Message, FormPart]:
    message = await ask(generations, who, query)
    await ended(generations, message)
    kept = await row(store, who, message)
    form = kept.reply.open_form
    assert (kept.reply.status, form is not None) == (Status.WAITING, True)
    assert form
    return kept, form


async def tell(
    generations: Generations,
    who: Principal,
    message: Message,
    form: FormPart,
    *,
    action: str = 'approve',
    key: str = 'a',
    values: Mapping[str, object] = YES,
) -> None:
    await generations.answer(who, message_id=message.id, form_id=form.id, action=action, values=values, key=key)


async def becomes(store: Store, changes: Changes, who: Principal, message: Message, status: Status) -> Message:
    """Wait until the answer stands like that."""
    counter = changes.of(who.user_id)
    async with asyncio.timeout(30):
        seen = counter.value
        while (kept := await row(store, who, message)).reply.status is not status:
            seen = await counter.after(seen)
    return kept


async def rows(store: Store, table: type[UsageRow] | type[ReservationRow]) -> list[UsageRow | ReservationRow]:
    def read(session: Session) -> list[UsageRow | ReservationRow]:
        return list(session.exec(select(table)))

    return await store.read(read)


async def test_what_is_answered_lets_the_answer_go_on(generations: Generations, store: Store, ann: Principal) -> None:
    message, form = await asked(generations, store, ann, '/human /echo a red one then')
    assert message.reply.text == 'I need a decision before I can answer.\n\n'
    await tell(generations, ann, message, form)
    await ended(generations, message)
    kept = await row(store, ann, message)
    [answered] = kept.reply.forms
    assert (kept.reply.status, kept.reply.repaired) == (Status.COMPLETE, False)
    assert kept.reply.text == 'I need a decision before I can answer.\n\na red one then'
    assert [section.text for section in kept.reply.sections] == [
        'I need a decision before I can answer.\n\n',
        'a red one then',
    ]
    assert 'Yes, a red one.' in answered.answer
    assert answered.answer.endswith('**Approve**')


async def test_its_cost_is_booked_once_and_reserved_until_then(
    store: Store, apps: Apps, changes: Changes, files: Files, ann: Principal
) -> None:
    budget = Budget(Scope.USER, '', 'month', Decimal(5), 'USD')
    generations = Generations(store, apps, changes, files, budgets=Budgets(store, [budget]))
    message, form = await asked(generations, store, ann, '/human What is this product?')
    assert await rows(store, UsageRow) == []
    assert len(await rows(store, ReservationRow)) == 1
    await tell(generations, ann, message, form)
    await ended(generations, message)
    [booked] = await rows(store, UsageRow)
    assert isinstance(booked, UsageRow)
    assert (booked.outcome, booked.pricing) == ('complete', 'priced')
    assert await rows(store, ReservationRow) == []
    await generations.shutdown(limit=0)


async def test_two_tabs_answer_at_once_and_one_counts(generations: Generations, store: Store, ann: Principal) -> None:
    message, form = await asked(generations, store, ann, '/human /echo done')
    outcomes = await asyncio.gather(
        tell(generations, ann, message, form, key='one'),
        tell(generations, ann, message, form, key='two', action='reject'),
        return_exceptions=True,
    )
    [refused] = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(refused, Refused)
    assert refused.code == 'form_answered'
    await ended(generations, message)
    kept = await row(store, ann, message)
    assert kept.reply.text.count('done') == 1
    await tell(generations, ann, message, form, key=kept.reply.forms[0].key)  # the same once more: nothing
    with pytest.raises(Refused, match='form_answered'):
        await tell(generations, ann, message, form, key='three')


async def test_two_processes_let_it_go_on_once(
    generations: Generations, store: Store, apps: Apps, changes: Changes, files: Files, ann: Principal
) -> None:
    message, form = await asked(generations, store, ann, '/human /echo done')
    other = Generations(store, apps, changes, files)
    await asyncio.gather(
        tell(generations, ann, message, form, key='one'),
        tell(other, ann, message, form, key='two', action='reject'),
        return_exceptions=True,
    )
    writers = [each for each in (generations, other) if each.of(message.id)]
    assert len(writers) == 1
    await ended(writers[0], message)
    kept = await row(store, ann, message)
    assert (kept.reply.status, kept.reply.text.count('done')) == (Status.COMPLETE, 1)
    with pytest.raises(NotFound):
        await store.write(answers.go_on, message_id=message.id, was=Status.WAITING)
    await other.shutdown(limit=0)


async def test_it_asks_again_and_is_told_again(generations: Generations, store: Store, ann: Principal) -> None:
    message, first = await asked(generations, store, ann, '/twice /echo done')
    await tell(generations, ann, message, first)
    await ended(generations, message)
    kept = await row(store, ann, message)
    second = kept.reply.open_form
    assert second
    assert (kept.reply.status, second.id == first.id) == (Status.WAITING, False)
    await tell(generations, ann, message, second, key='b')
    await ended(generations, message)
    kept = await row(store, ann, message)
    assert kept.reply.status is Status.COMPLETE
    assert [section.text.strip() for section in kept.reply.sections] == [
        'I need a decision before I can answer.',
        'One more thing.',
        'done',
    ]


async def test_nobody_else_answers_or_stops_it(
    generations: Generations, store: Store, ann: Principal, bob: Principal
) -> None:
    message, form = await asked(generations, store, ann, '/human /echo done')
    with pytest.raises(NotFound):
        await tell(generations, bob, message, form)
    with pytest.raises(NotFound):
        await generations.stop(bob, message.id)
    assert (await row(store, ann, message)).reply.status is Status.WAITING


async def test_a_file_is_given_if_it_is_theirs(
    generations: Generations, files: Files, store: Store, ann: Principal, bob: Principal
) -> None:
    message, form = await asked(generations, store, ann, '/proof /echo done')
    theirs = await files.upload(bob, app='demo', name='notes.txt', stream=io.BytesIO(b'Hello'))
    mine = await files.upload(ann, app='demo', name='notes.txt', stream=io.BytesIO(b'Hello'))

    async def give(*ids: str) -> None:
        values = {**YES, 'proof': list(ids)}
        await generations.answer(ann, message_id=message.id, form_id=form.id, action='approve', values=values, key='k')

    for wrong, code in (((theirs.id,), 'file_gone'), ((), 'form_unfit'), ((mine.id, mine.id), 'form_unfit')):
        with pytest.raises(Refused, match=code):
            await give(*wrong)
    await give(mine.id)
    await ended(generations, message)
    assert (await row(store, ann, message)).reply.status is Status.COMPLETE
    assert (await files.find(ann, mine.id)).conversation_id == message.conversation_id
    [answered] = (await row(store, ann, message)).reply.forms
    assert f'[notes.txt]({address(mine.id)})' in answered.answer


async def test_a_field_that_is_asked_takes_its_own_kinds_and_addresses(
    generations: Generations, store: Store, apps: Apps, changes: Changes, ann: Principal, bob: Principal
) -> None:
    message, form = await asked(generations, store, ann, '/proof /echo done')
    web = httpx.MockTransport(lambda _: httpx.Response(200, headers={'content-type': 'image/png'}))
    leads = [ip_address('8.8.8.8')]

    async def resolve(host: str, port: int) -> list[Address]:
        return leads

    files = Files(store, apps, changes, links=Links(resolve, web))
    place = {'app': 'demo', 'message': message.id, 'form': form.id, 'field': 'proof'}
    with pytest.raises(Refused, match='file_kind'):
        await files.upload(ann, name='a.mp3', stream=io.BytesIO(b'ID3'), **place)
    for other in ({'field': 'comment'}, {'form': 'other'}):
        with pytest.raises(Refused, match='upload_off'):
            await files.upload(ann, name='a.txt', stream=io.BytesIO(b'words'), **(place | other))
    with pytest.raises(NotFound):
        await files.upload(bob, name='a.txt', stream=io.BytesIO(b'words'), **place)
    two = Apps([apps.get('demo'), App('other', apps.get('demo').client)])
    elsewhere = Files(store, two, changes)
    with pytest.raises(Refused, match='upload_off'):  # the question is another app's
        await elsewhere.upload(ann, name='a.txt', stream=io.BytesIO(b'words'), **(place | {'app': 'other'}))
    link = await files.link(ann, url='https://files.example.com/a.png', **place)
    other = Generations(store, apps, changes, files)
    leads[:] = [ip_address('10.0.0.1')]
    with pytest.raises(Refused, match='link_refused'):
        await tell(other, ann, message, form, values={**YES, 'proof': [link.id]})
    assert (await row(store, ann, message)).reply.status is Status.WAITING
    leads[:] = [ip_address('8.8.8.8')]
    await tell(other, ann, message, form, values={**YES, 'proof': [link.id]})
    await ended(other, message)
    kept = await row(store, ann, message)
    assert kept.reply.status is Status.COMPLETE
    assert '[a.png](https://files.example.com/a.png)' in kept.reply.forms[0].answer
    await other.shutdown(limit=0)


@pytest.mark.parametrize(
    ('action', 'values'),
    [
        ('approve', {'comment': 'yes'}),
        ('approve', {'comment': 'yes', 'urgency': 'extreme'}),
        ('approve', {'comment': 7, 'urgency': 'low'}),
        ('destroy', YES),
    ],
)
async def test_what_the_form_does_not_take_is_refused_and_it_waits_on(
    generations: Generations, store: Store, ann: Principal, action: str, values: dict[str, object]
) -> None:
    message, form = await asked(generations, store, ann, '/human /echo done')
    with pytest.raises(Refused, match='form_unfit'):
        await generations.answer(ann, message_id=message.id, form_id=form.id, action=action, values=values, key='k')
    await tell(generations, ann, message, form)
    await ended(generations, message)
    assert (await row(store, ann, message)).reply.status is Status.COMPLETE


class Refusing(httpx.AsyncHTTPTransport):
    """The way to an upstream that refuses what a form is answered with."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__()
        self.refusal = {'code': code, 'message': 'No.', 'status': status}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith('/v1/form/'):
            return httpx.Response(self.refusal['status'], stream=httpx.ByteStream(json.dumps(self.refusal).encode()))
        return await super().handle_async_request(request)


@pytest.mark.parametrize(
    ('status', 'code', 'said'),
    [
        (412, 'human_input_form_submitted', 'form_answered'),
        (412, 'human_input_form_expired', 'form_expired'),
        (400, 'invalid_form_data', 'form_unfit'),
        (400, 'bad_request', 'form_unfit'),
        (404, 'not_found', 'form_gone'),
    ],
)
async def test_why_an_answer_to_a_question_was_not_taken(
    status: int, code: str, said: str, upstream: str, store: Store, changes: Changes, ann: Principal
) -> None:
    apps = Apps([App('demo', DifyClient(upstream, 'demo', transport=Refusing(status, code)))])
    files = Files(store, apps, changes)
    generations = Generations(store, apps, changes, files)
    message, form = await asked(generations, store, ann, '/human /echo done')
    with pytest.raises(Refused) as refused:
        await tell(generations, ann, message, form)
    assert refused.value.code == said
    kept = await row(store, ann, message)
    assert (kept.reply.status, kept.reply.forms[0].expired) == (Status.WAITING, said == 'form_expired')
    await generations.shutdown(limit=0)
    await files.close()
    await apps.close()


async def test_stopped_while_it_waits_it_ends(generations: Generations, store: Store, ann: Principal) -> None:
    message, form = await asked(generations, store, ann, '/human /echo done')
    await generations.stop(ann, message.id)
    kept = await row(store, ann, message)
    assert (kept.reply.status, kept.reply.text.strip()) == (Status.STOPPED, 'I need a decision before I can answer.')
    [booked] = await rows(store, UsageRow)
    assert isinstance(booked, UsageRow)
    assert booked.outcome == 'stopped'
    with pytest.raises(Refused, match='form_answered'):
        await tell(generations, ann, message, form)


async def test_something_else_may_be_asked_meanwhile_but_both_are_not_written_at_once(
    generations: Generations, store: Store, ann: Principal
) -> None:
    message, form = await asked(generations, store, ann, '/human /echo done')
    other = await ask(generations, ann, '/rate 20 /long 100', conversation_id=message.conversation_id, key='other')
    with pytest.raises(Refused, match='already_running'):
        await tell(generations, ann, message, form)
    await generations.stop(ann, other.id)
    await ended(generations, other)
    await tell(generations, ann, message, form)
    await ended(generations, message)
    assert (await row(store, ann, message)).reply.text.endswith('done')


async def test_it_waits_through_a_restart_and_is_told_then(
    generations: Generations, store: Store, apps: Apps, changes: Changes, files: Files, ann: Principal
) -> None:
    message, form = await asked(generations, store, ann, '/human /echo done')
    await generations.shutdown(limit=0)
    restarted = Generations(store, apps, changes, files)
    await restarted.repair_leftovers()
    assert (await row(store, ann, message)).reply.status is Status.WAITING
    await tell(restarted, ann, message, form)
    await ended(restarted, message)
    assert (await row(store, ann, message)).reply.text.endswith('done')
    await restarted.shutdown(limit=0)


async def test_a_restart_in_the_middle_of_an_answer_to_it_loses_nothing(
    generations: Generations, store: Store, apps: Apps, changes: Changes, files: Files, ann: Principal
) -> None:
    message, form = await asked(generations, store, ann, '/human /rate 100 /long 150')
    await tell(generations, ann, message, form)
    generation = generations.of(message.id)
    assert generation
    async for progress in generation.watch():
        if progress.reply.sections[-1].text:
            break
    await generations.shutdown(limit=0)
    assert (await row(store, ann, message)).reply.status is Status.INTERRUPTED
    restarted = Generations(store, apps, changes, files)
    await restarted.repair_leftovers()
    kept = await becomes(store, changes, ann, message, Status.COMPLETE)
    assert kept.reply.repaired
    [section, rest] = kept.reply.sections
    assert section.text == 'I need a decision before I can answer.\n\n'
    assert len(rest.text) > 300
    [booked] = await rows(store, UsageRow)
    assert isinstance(booked, UsageRow)
    assert booked.outcome == 'complete'
    await restarted.shutdown(limit=0)


async def test_one_that_died_before_it_could_be_kept_as_waiting_waits(
    generations: Generations, store: Store, apps: Apps, changes: Changes, files: Files, ann: Principal
) -> None:
    message, form = await asked(generations, store, ann, '/human /echo done')
    await store.write(answers.go_on, message_id=message.id, was=Status.WAITING)  # and then the power went
    await generations.shutdown(limit=0)
    restarted = Generations(store, apps, changes, files)
    await restarted.repair_leftovers()
    assert (await row(store, ann, message)).reply.status is Status.WAITING
    await tell(restarted, ann, message, form)
    await ended(restarted, message)
    await restarted.shutdown(limit=0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks soon and often."""
    for name in ('ELSEWHERE', 'HERE', 'SOON', 'LONGEST', 'AFTER_EXPIRY'):
        monkeypatch.setattr(waiting, name, 0.2)
    monkeypatch.setattr(waiting, 'GRACE', 1.0)


@pytest.mark.usefixtures('impatient')
async def test_what_is_answered_elsewhere_is_shown_to_its_end(
    generations: Generations, store: Store, changes: Changes, ann: Principal
) -> None:
    message, form = await asked(generations, store, ann, '/elsewhere 1 /echo done')
    assert not form.token
    with pytest.raises(Refused, match='form_elsewhere'):
        await tell(generations, ann, message, form)
    kept = await becomes(store, changes, ann, message, Status.COMPLETE)
    assert 'Fine with me.' in kept.reply.forms[0].answer
    assert kept.reply.text.endswith('done')
    assert not kept.reply.repaired


@pytest.mark.usefixtures('impatient')
async def test_what_nobody_answers_in_time_goes_on_without(
    generations: Generations, store: Store, changes: Changes, ann: Principal
) -> None:
    message, form = await asked(generations, store, ann, '/human 2 /echo done')
    assert form.expires_at
    kept = await becomes(store, changes, ann, message, Status.COMPLETE)
    [expired] = kept.reply.forms
    assert expired.expired
    assert kept.reply.text.endswith('Nobody has answered in time, so I leave it at that.')
    with pytest.raises(Refused, match='form_expired'):
        await tell(generations, ann, message, form)


@pytest.mark.usefixtures('impatient')
async def test_one_whose_upstream_never_notices_ends_with_a_sentence(
    generations: Generations, store: Store, changes: Changes, ann: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo.app.resuming, 'go_on', lambda *_: None)
    message, _ = await asked(generations, store, ann, '/human 2 /echo done')
    kept = await becomes(store, changes, ann, message, Status.FAILED)
    assert kept.reply.failure
    assert (kept.reply.failure.code, kept.reply.forms[0].expired) == ('form_expired', True)


async def test_an_upstream_that_is_away_leaves_the_question_open(
    generations: Generations, store: Store, apps: Apps, ann: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, form = await asked(generations, store, ann, '/human /echo done')
    client = apps.get('demo').client
    whole = client.answer_form

    async def away(*_: object, **__: object) -> None:
        raise UpstreamError('upstream_unreachable')

    monkeypatch.setattr(client, 'answer_form', away)
    with pytest.raises(UpstreamError):
        await tell(generations, ann, message, form)
    kept = await row(store, ann, message)
    assert (kept.reply.status, kept.reply.open_form) == (Status.WAITING, form)
    monkeypatch.setattr(client, 'answer_form', whole)
    await tell(generations, ann, message, form)
    await ended(generations, message)
