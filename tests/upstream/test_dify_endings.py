"""When an answer is over, and when its stream is: by time and order of what upstream says."""

import asyncio

import pytest
from stage import Stage, frames, stream

from webapp.chat.events import Failed, Finished, Interrupted, Paused, Reported, Stopped, TextDelta
from webapp.chat.message import Failure, Status
from webapp.chat.reducer import replay
from webapp.upstream.ending import Ending, Signal, Trouble
from webapp.upstream.limits import TimeLimits

LIMITS = TimeLimits()
CUT = Failure('stream_cut')
BAD, BETTER = Failure('model_failed', 'bad'), Failure('model_failed', 'better')
PATIENT = {'after_end': 0.05, 'after_half_end': 0.1, 'after_error': 0.05}

HELLO = {'event': 'message', 'answer': 'Hello', 'conversation_id': 'c', 'message_id': 'm', 'task_id': 't'}
MESSAGE_END = {'event': 'message_end', 'metadata': {'usage': {'total_tokens': 3, 'total_price': '0.1'}}}
RUN = {'event': 'workflow_started', 'workflow_run_id': 'r', 'data': {'id': 'r'}}
ERROR = {'event': 'error', 'code': 'completion_request_error', 'status': 400, 'message': 'no more'}
TTS = {'event': 'tts_message', 'audio': '//uQ'}
PING = 'event: ping\n\n'


def run_finished(status: str, **data: object) -> dict:
    return {'event': 'workflow_finished', 'workflow_run_id': 'r', 'data': {'status': status} | data}


def test_chat_ends_at_message_end_and_closes_soon() -> None:
    ending = Ending(LIMITS)
    assert ending.take(Signal.MESSAGE_ENDED, 100) == [Finished()]
    assert ending.deadline == 100 + LIMITS.after_end


@pytest.mark.parametrize(
    'order', [(Signal.MESSAGE_ENDED, Signal.RUN_SUCCEEDED), (Signal.RUN_SUCCEEDED, Signal.MESSAGE_ENDED)]
)
def test_chatflow_ends_at_the_first_of_two_ends_and_waits_for_the_second(order: tuple[Signal, Signal]) -> None:
    ending = Ending(LIMITS)
    ending.take(Signal.RUN_STARTED, 0)
    assert ending.take(order[0], 100) == [Finished()]
    assert ending.deadline == 100 + LIMITS.after_half_end
    assert ending.take(order[1], 101) == []
    assert ending.deadline == 101 + LIMITS.after_end


def test_a_voice_may_begin_long_after_the_end_and_keeps_the_stream_open_until_its_last_piece() -> None:
    ending = Ending(LIMITS, expects_speech=True)
    assert ending.take(Signal.MESSAGE_ENDED, 100) == [Finished()]
    assert ending.deadline == 100 + LIMITS.speech
    ending.take(Signal.SPEAKING, 105)
    assert ending.deadline == 105 + LIMITS.speech
    ending.take(Signal.SPOKEN, 106)
    assert ending.deadline == 100 + LIMITS.after_end


def test_a_voice_that_nobody_expected_is_heard_to_its_end_too_and_one_before_the_end_ends_nothing() -> None:
    ending = Ending(LIMITS)
    ending.take(Signal.SPEAKING, 90)
    assert ending.deadline == float('inf')
    ending.take(Signal.MESSAGE_ENDED, 100)
    assert ending.deadline == 100 + LIMITS.speech


@pytest.mark.parametrize('said', [Trouble(BAD), Signal.RUN_PAUSED], ids=['failure', 'pause'])
def test_no_voice_is_waited_for_after(said: Trouble | Signal) -> None:
    ending = Ending(LIMITS, expects_speech=True)
    ending.take(said, 100)
    assert ending.deadline <= 100 + LIMITS.after_error


def test_failure_of_a_run_waits_for_better_words() -> None:
    ending = Ending(LIMITS)
    assert ending.take(Trouble(BAD, is_provisional=True), 0) == []
    assert ending.take(Trouble(BETTER), 0.1) == [Failed(BETTER)]
    assert ending.give_up(CUT) == []


def test_failure_of_a_run_stands_when_nothing_better_comes() -> None:
    ending = Ending(LIMITS)
    ending.take(Signal.RUN_STARTED, 0)
    ending.take(Trouble(BAD, is_provisional=True), 0)
    assert ending.take(Signal.MESSAGE_ENDED, 0.1) == []
    assert ending.deadline == LIMITS.after_error
    assert ending.give_up(CUT) == [Failed(BAD)]


def test_message_end_does_not_clear_an_error() -> None:
    ending = Ending(LIMITS)
    assert ending.take(Trouble(BAD), 0) == [Failed(BAD)]
    assert ending.take(Signal.MESSAGE_ENDED, 0) == []


def test_stopped_and_paused_runs() -> None:
    stopped, paused = Ending(LIMITS), Ending(LIMITS)
    assert stopped.take(Signal.RUN_STOPPED, 0) == [Stopped()]
    assert stopped.take(Signal.MESSAGE_ENDED, 0) == []
    assert paused.take(Signal.RUN_PAUSED, 7) == [Paused()]
    assert paused.deadline == 7


def test_end_without_a_word_of_it_is_an_interruption() -> None:
    assert Ending(LIMITS).give_up(CUT) == [Interrupted(CUT)]


async def events_of(theatre: Stage, make_client, *payloads, **how) -> list:
    theatre.play(stream(frames(*payloads), **how))
    return [event async for event in make_client(**PATIENT).send('hello', user='ann')]


@pytest.mark.parametrize(
    ('payloads', 'status', 'code'),
    [
        ([HELLO, MESSAGE_END], Status.COMPLETE, None),
        ([HELLO, TTS, MESSAGE_END, TTS, {'event': 'tts_message_end', 'audio': ''}], Status.COMPLETE, None),
        ([RUN, HELLO, MESSAGE_END, run_finished('succeeded')], Status.COMPLETE, None),
        ([RUN, HELLO, run_finished('succeeded'), MESSAGE_END], Status.COMPLETE, None),
        ([RUN, HELLO, run_finished('partial-succeeded')], Status.COMPLETE, None),
        ([RUN, HELLO, run_finished('stopped', error='Stopped by user.'), MESSAGE_END], Status.STOPPED, None),
        ([RUN, HELLO, run_finished('failed', error='x'), ERROR], Status.FAILED, 'model_failed'),
        ([RUN, HELLO, run_finished('failed', error='x')], Status.FAILED, 'model_failed'),
        ([HELLO, ERROR, MESSAGE_END], Status.FAILED, 'model_failed'),
        ([HELLO], Status.INTERRUPTED, 'stream_cut'),
        ([], Status.INTERRUPTED, 'stream_cut'),
        ([PING, PING], Status.INTERRUPTED, 'stream_cut'),
        ([RUN, HELLO, {'event': 'workflow_paused', 'data': {}}], Status.WAITING, None),
    ],
)
@pytest.mark.parametrize('end', ['end', 'cut', 'hang'])
async def test_every_order_and_every_way_to_close(payloads, status, code, end, theatre, make_client) -> None:
    if end == 'hang' and code == 'stream_cut':
        code = 'stream_silent'
    theatre.play(stream(frames(*payloads), end=end))
    client = make_client(**PATIENT, silence=0.2)

    reply = replay([event async for event in client.send('hello', user='ann')])

    assert reply.status is status
    assert (reply.failure.code if reply.failure else None) == code
    assert reply.text == ('Hello' if HELLO in payloads else '')


@pytest.mark.parametrize('end', [[MESSAGE_END], [ERROR], [RUN, run_finished('succeeded')]])
async def test_stream_that_pings_for_ever_after_its_end_is_closed(end, theatre: Stage, make_client) -> None:
    events = await events_of(theatre, make_client, HELLO, *end, end='hang', pause=0.01, again=PING.encode())
    await theatre.hung_up()
    assert replay(events).status in {Status.COMPLETE, Status.FAILED}


async def test_stream_that_falls_silent_after_its_end_is_closed_before_the_silence_counts(
    theatre: Stage, make_client
) -> None:
    theatre.play(stream(frames(HELLO, MESSAGE_END), end='hang'))
    async with asyncio.timeout(30):
        events = [event async for event in make_client(after_end=0.05, silence=3600).send('hello', user='ann')]
    assert replay(events).status is Status.COMPLETE


async def test_flood_after_the_end_is_closed(theatre: Stage, make_client) -> None:
    async def flood(request, writer) -> None:
        await stream(frames(HELLO, MESSAGE_END), end='open')(request, writer)
        while True:
            writer.write(b'1000\r\n' + b': padding\n' * 409 + b': end\n' + b'\r\n')
            await writer.drain()

    theatre.play(flood)
    async with asyncio.timeout(30):
        events = [event async for event in make_client(**PATIENT).send('hello', user='ann')]
    assert replay(events).status is Status.COMPLETE


async def test_page_can_show_the_end_before_the_stream_closes(theatre: Stage, make_client) -> None:
    theatre.play(stream(frames(RUN, HELLO, run_finished('succeeded')), end='hang'))
    async for event in make_client(after_half_end=3600).send('hello', user='ann'):
        if isinstance(event, Finished):
            return
    pytest.fail('no end was told')


async def test_usage_comes_after_the_end_of_an_older_chatflow(theatre: Stage, make_client) -> None:
    events = await events_of(theatre, make_client, RUN, HELLO, run_finished('succeeded'), MESSAGE_END)
    assert [type(event) for event in events[-2:]] == [Finished, Reported]
    assert replay(events).usage.total_tokens == 3


async def test_moderation_after_the_end_still_withdraws(theatre: Stage, make_client) -> None:
    moderated = {'event': 'message_replace', 'answer': 'Not to be said.', 'reason': 'output_moderation'}
    events = await events_of(theatre, make_client, RUN, HELLO, run_finished('succeeded'), moderated, MESSAGE_END)
    assert replay(events).text == 'Not to be said.'
    assert replay(events).status is Status.COMPLETE


async def test_words_after_the_end_are_not_passed_on(theatre: Stage, make_client) -> None:
    events = await events_of(theatre, make_client, HELLO, MESSAGE_END, HELLO)
    assert sum(isinstance(event, TextDelta) for event in events) == 1


async def test_last_event_without_its_blank_line_counts(theatre: Stage, make_client) -> None:
    (end,) = frames(MESSAGE_END)
    events = await events_of(theatre, make_client, HELLO, end.rstrip())
    assert replay(events).status is Status.COMPLETE


async def test_half_an_event_at_the_end_is_dropped(theatre: Stage, make_client) -> None:
    (half,) = frames(HELLO)
    events = await events_of(theatre, make_client, HELLO, half[:-9])
    assert replay(events).text == 'Hello'
    assert replay(events).status is Status.INTERRUPTED
