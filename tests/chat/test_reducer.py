"""One pure function makes every reply."""

from dataclasses import replace
from decimal import Decimal

import pytest

from webapp.chat.events import (
    Failed,
    FileAdded,
    Finished,
    FormChanged,
    Interrupted,
    Paused,
    ReasoningDelta,
    Repaired,
    Reported,
    Resumed,
    Started,
    StepChanged,
    Stopped,
    TextCompleted,
    TextDelta,
    TextReplaced,
)
from webapp.chat.message import (
    Citation,
    Failure,
    FilePart,
    FormPart,
    ReasoningPart,
    Reply,
    Status,
    StepPart,
    StepState,
    TextPart,
    Usage,
    dump_reply,
    load_reply,
)
from webapp.chat.reducer import apply, joined, replay

CUT = Failure('stream_cut')


def test_an_answer_is_its_deltas_in_order() -> None:
    reply = replay([Started(task_id='t'), TextDelta('Hel'), TextDelta('lo'), Finished()])
    assert (reply.text, reply.status, reply.task_id) == ('Hello', Status.COMPLETE, 't')


def test_reasoning_and_text_are_parts_of_their_own_in_the_order_they_came() -> None:
    reply = replay(
        [ReasoningDelta('hm'), ReasoningDelta('…'), TextDelta('Yes.'), ReasoningDelta('sure?'), TextDelta(' Yes.')]
    )
    assert reply.parts == (ReasoningPart('hm…'), TextPart('Yes.'), ReasoningPart('sure?'), TextPart(' Yes.'))
    assert reply.text == 'Yes. Yes.'


def test_an_empty_delta_makes_no_part() -> None:
    assert replay([TextDelta('')]).parts == ()


def test_replaced_text_stands_where_the_first_text_stood_and_grows_on() -> None:
    step = StepPart('s', 'tool', 'clock')
    reply = replay([TextDelta('bad'), StepChanged(step), TextDelta(' words'), TextReplaced('Sorry'), TextDelta('!')])
    assert reply.text == 'Sorry!'
    assert reply.parts[:2] == (TextPart('Sorry'), step)


def test_a_step_that_comes_again_keeps_the_longer_words_and_does_not_run_again() -> None:
    done = StepPart('s', 'tool', 'clock', StepState.SUCCEEDED, seconds=1.5, input='{}', output='noon')
    reply = replay(
        [StepChanged(StepPart('s', 'tool', 'clock')), StepChanged(done), StepChanged(StepPart('s', 'tool', ''))]
    )
    assert reply.parts == (done,)


def test_the_first_ending_wins() -> None:
    reply = replay([TextDelta('so far'), Stopped(), TextDelta(' and more'), Finished(), Failed(CUT)])
    assert (reply.text, reply.status, reply.failure) == ('so far', Status.STOPPED, None)


def test_what_is_reported_after_the_end_still_counts() -> None:
    usage = Usage(total_tokens=5, total_price=Decimal('0.0000026'), currency='USD')
    source = Citation(1, 'handbook')
    picture = FilePart('f', 'image')
    reply = replay([TextDelta('done'), Finished(), Reported(usage, (source,), (picture,)), Started(run_id='r')])
    assert (reply.usage, reply.citations, reply.run_id) == (usage, (source,), 'r')
    assert picture in reply.parts
    assert reply.status is Status.COMPLETE


def test_a_pause_waits_for_a_person_and_goes_on_with_the_next_words() -> None:
    form = FormPart('f', token='t', title='Approve?', content='Pay 5 USD', inputs='[]', actions='[]')
    waiting = replay([TextDelta('Checking. '), FormChanged(form), Paused()])
    assert waiting.status is Status.WAITING
    answered = FormPart('f', token='', title='', content='', inputs='', actions='', answer='yes')
    reply = replay([FormChanged(answered), TextDelta('Paid.'), Finished()], waiting)
    assert (reply.text, reply.status) == ('Checking. Paid.', Status.COMPLETE)
    assert reply.parts[1] == FormPart('f', 't', 'Approve?', 'Pay 5 USD', '[]', '[]', answer='yes')


def asks(id_: str, node: str = 'n') -> FormPart:
    return FormPart(id_, token='t', title='', content='Sure?', inputs='[]', actions='[]', node=node)


def tells(answer: str, node: str = 'n') -> FormPart:
    return FormPart('', token='', title='', content='', inputs='[]', actions='[]', answer=answer, node=node)


def test_what_was_answered_here_is_known_better_than_upstream_tells_it() -> None:
    ours = replace(asks('1'), answer='[my notes](/files/1)', key='k')
    reply = replay([FormChanged(asks('1')), FormChanged(ours), FormChanged(tells('[file]'))])
    assert [form.answer for form in reply.forms] == ['[my notes](/files/1)']


def test_a_node_that_asks_again_asks_another_question() -> None:
    reply = replay([FormChanged(asks('1')), FormChanged(tells('yes')), FormChanged(asks('2'))])
    assert [(form.id, form.answer) for form in reply.forms] == [('1', 'yes'), ('2', '')]
    assert reply.open_form
    assert replay([FormChanged(tells('no'))], reply).forms[1].answer == 'no'
    assert replay([FormChanged(tells('?', node='other'))], reply) == reply, 'news of what nobody asked'


def test_forms_part_the_text_and_the_whole_of_it_leaves_them_in_their_places() -> None:
    broken = replay([TextDelta('A. '), FormChanged(asks('1')), FormChanged(tells('yes')), TextDelta('B')])
    for text in ('A. B and C', 'A. and B'):
        whole = apply(broken, TextCompleted(text))
        assert whole.text == text
        assert [(section.text, bool(section.form)) for section in whole.sections] == [('A. ', True), (text[3:], False)]


def test_less_text_never_replaces_more_and_none_that_a_person_ended() -> None:
    reply = replay([TextDelta('The quick')])
    assert apply(reply, TextCompleted('The')) == reply
    assert apply(apply(reply, Finished()), TextCompleted('The quick fox')).text == 'The quick fox'
    assert apply(apply(reply, Stopped()), TextCompleted('The quick fox')).text == 'The quick'


def test_what_goes_on_in_another_stream_says_so_at_its_end_only() -> None:
    reply = replay([TextDelta('a'), Resumed(), TextDelta('b'), Finished()])
    assert (reply.text, reply.status, reply.repaired) == ('ab', Status.COMPLETE, True)
    assert not replay([TextDelta('a'), Resumed(), Interrupted(CUT)]).repaired


def test_repair_completes_a_broken_answer_and_never_makes_it_shorter() -> None:
    broken = replay([TextDelta('The quick'), Interrupted(CUT)])
    assert apply(broken, Repaired('The')) == broken
    repaired = apply(broken, Repaired('The quick brown fox'))
    assert (repaired.text, repaired.status, repaired.failure, repaired.repaired) == (
        'The quick brown fox',
        Status.COMPLETE,
        None,
        True,
    )


def test_repair_leaves_an_answer_alone_that_was_stopped_or_failed() -> None:
    for ending in (Stopped(), Failed(CUT), Finished()):
        reply = replay([TextDelta('a'), ending])
        assert apply(reply, Repaired('abc')) == reply


@pytest.mark.parametrize(
    'reply',
    [
        Reply(),
        replay(
            [
                Started('c', 'm', 't', 'r'),
                ReasoningDelta('x'),
                TextDelta('y\u2028z'),
                StepChanged(StepPart('s', 'tool', 'clock', StepState.FAILED, 0.5)),
                FileAdded(FilePart('f', 'image', size=3)),
                FormChanged(FormPart('q', '', '', '', '', '', expires_at=9)),
                Reported(Usage(1, 2, 3, total_price=Decimal('1E-7'), currency='USD'), (Citation(1, 'd', score=0.5),)),
                Failed(Failure('model_failed', 'why', 400)),
            ]
        ),
    ],
)
def test_a_reply_survives_the_store(reply: Reply) -> None:
    assert load_reply(dump_reply(reply)) == reply


def test_neighbouring_deltas_of_one_kind_are_one_and_nothing_changes_its_place() -> None:
    events = [
        Started(),
        TextDelta('a'),
        TextDelta('b'),
        ReasoningDelta('c'),
        ReasoningDelta('d'),
        TextDelta('e'),
        Paused(),
    ]
    assert joined(events) == [Started(), TextDelta('ab'), ReasoningDelta('cd'), TextDelta('e'), Paused()]
    assert replay(joined(events)) == replay(events)
