"""Dify's words become ours, each name known, no payload leaked."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from stage import recorded, recording

from webapp.chat.events import Failed, Finished, Interrupted, Paused, Stopped
from webapp.chat.form import fields
from webapp.chat.message import Failure, FilePart, FormPart, Reply, Status, StepState, Usage, dump_reply, load_reply
from webapp.chat.reducer import replay
from webapp.upstream import parts
from webapp.upstream.faults import Faults
from webapp.upstream.limits import MAX_FORMS, MAX_STEPS, TimeLimits
from webapp.upstream.reading import Reading
from webapp.upstream.wire import IGNORED, TRANSLATIONS

NAMES = {'conversation_id': 'c', 'message_id': 'm', 'task_id': 't'}
END = {'event': 'message_end', 'metadata': {}}


def reply_to(*payloads: dict, is_resumed: bool = False) -> Reply:
    reading = Reading(Faults(), TimeLimits(), is_resumed=is_resumed)
    data = b''.join(b'data: ' + json.dumps(NAMES | payload).encode() + b'\n\n' for payload in payloads)
    return replay([*reading.take(data, 0), *reading.close(None, 0)])


def text(answer: str, event: str = 'message') -> dict:
    return {'event': event, 'answer': answer}


def test_every_name_in_the_published_list_is_known() -> None:
    published = (Path(__file__).parent / 'event_names.txt').read_text().split()
    assert set(published) - TRANSLATIONS.keys() - IGNORED == set()
    assert TRANSLATIONS.keys() & IGNORED == set()


def test_every_recorded_name_is_known() -> None:
    names = {payload['event'] for name in recorded('sse') for payload in recording(name).payloads}
    assert names - TRANSLATIONS.keys() - IGNORED == set()


@pytest.mark.parametrize(
    'event', ['ping', 'text_chunk', 'text_replace', 'parallel_branch_started', 'parallel_branch_finished']
)
def test_what_is_ignored_changes_nothing(event: str) -> None:
    said = {'event': event, 'answer': 'x', 'audio': '//uQ', 'data': {'id': 'x', 'text': 'x', 'title': 'x'}}
    assert reply_to(said, text('a'), said, END, said) == reply_to(text('a'), END)


def test_unknown_events_are_skipped_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level('INFO')
    reply = reply_to(text('a'), {'event': 'quantum_leap'}, {'event': 'quantum_leap'}, {'event': ['x']}, text('b'), END)
    assert reply.text == 'ab'
    assert [r.getMessage().partition('name: ')[2] for r in caplog.records] == ["'quantum_leap'", "['x']"]


def test_closing_copy_of_a_new_agent_replaces() -> None:
    reply = reply_to(
        text('Let me look. ', 'agent_message'), text('It is 18C.', 'agent_message'), text('It is 18C.'), END
    )
    assert reply.text == 'It is 18C.'


def row(id_: str, thought: str, tool: str = '') -> dict:
    return {'event': 'agent_thought', 'id': id_, 'thought': thought, 'tool': tool}


def test_what_a_new_agent_thought_and_said_on_the_way_is_its_reasoning() -> None:
    reply = reply_to(
        row('a', 'They ask for'),
        row('a', 'They ask for the weather.'),
        text('Let me look. ', 'agent_message'),
        row('b', 'Let me look. '),
        row('c', 'not shown', tool='weather'),
        text('It is 18C.', 'agent_message'),
        row('d', 'It is 18C.'),
        text('It is 18C.'),
        END,
    )
    assert reply.text == 'It is 18C.'
    assert reply.reasoning == 'They ask for the weather.\n\nLet me look.'


def test_what_was_withdrawn_is_no_reasoning_either() -> None:
    reply = reply_to(
        text('Bad words.', 'agent_message'),
        row('a', 'Bad words.'),
        text('Nothing to see.', 'message_replace'),
        text('Nothing to see.'),
        END,
    )
    assert (reply.text, reply.reasoning) == ('Nothing to see.', '')


def test_new_agent_whose_words_come_only_in_the_copy() -> None:
    assert (
        reply_to({'event': 'agent_thought', 'id': 'a', 'thought': 'hm'}, text('It is 18C.'), END).text == 'It is 18C.'
    )


def test_empty_closing_copy_takes_nothing_away() -> None:
    assert reply_to(text('It is 18C.', 'agent_message'), text(''), END).text == 'It is 18C.'


def test_thought_without_a_tool_is_no_step() -> None:
    assert reply_to({'event': 'agent_thought', 'id': 'a', 'thought': 'long words', 'tool': ''}, END).parts == ()


def test_tool_step_grows_by_id_and_is_capped() -> None:
    asked = {'event': 'agent_thought', 'id': 'a', 'tool': 'search', 'tool_input': '{"search": {"q": "x"}}'}
    said = asked | {'observation': 'y' * 50_000, 'tool_input': ''}
    running, done = reply_to(asked), reply_to(asked, said, END)
    assert running.steps[0].state is StepState.RUNNING
    (step,) = done.steps
    assert (step.state, len(step.output), step.input) == (StepState.SUCCEEDED, parts.MAX_TOOL_TEXT, '{\n "q": "x"\n}')


def test_steps_without_end_are_bounded() -> None:
    flood = [{'event': 'node_started', 'data': {'id': str(i), 'title': 'x'}} for i in range(MAX_STEPS + 50)]
    assert len(reply_to(*flood, END).steps) == MAX_STEPS


def test_forms_without_end_are_bounded() -> None:
    flood = [{'event': 'human_input_required', 'data': {'node_id': str(i)}} for i in range(MAX_FORMS + 5)]
    assert len(reply_to(*flood, END).parts) == MAX_FORMS


def test_moderation_withdraws_thoughts_and_words() -> None:
    withdrawn = {'event': 'message_replace', 'answer': 'No.', 'reason': 'output_moderation'}
    reply = reply_to(text('<think>secret</think>more'), withdrawn, text(' Really.'), END)
    assert (reply.text, reply.reasoning) == ('No. Really.', '')


def test_moderation_while_thinking_resets_the_splitter() -> None:
    reply = reply_to(text('<think>secr'), {'event': 'message_replace', 'answer': 'No.'}, text(' Bye.'), END)
    assert (reply.text, reply.reasoning) == ('No. Bye.', '')


def test_separated_reasoning() -> None:
    chunks = [
        {'event': 'reasoning_chunk', 'data': {'reasoning': r, 'is_final': not r}} for r in ('The user ', 'greets', '')
    ]
    reply = reply_to(*chunks, text('Hello'), END)
    assert (reply.reasoning, reply.text) == ('The user greets', 'Hello')


def test_outcome_of_a_run_fills_in_for_text_that_never_came() -> None:
    finished = {'event': 'workflow_finished', 'data': {'status': 'succeeded', 'outputs': {'answer': 'All of it.'}}}
    assert reply_to(finished).text == 'All of it.'
    assert reply_to(text('All of it.'), finished).text == 'All of it.'
    assert reply_to(text('it.'), finished, is_resumed=True).text == 'All of it.'


def test_form_asks_pauses_and_is_answered_in_the_next_stream() -> None:
    asks = {
        'event': 'human_input_required',
        'workflow_run_id': 'r',
        'data': {
            'form_id': 'f', 'node_id': 'n', 'form_token': 'tok', 'node_title': 'Approve', 'form_content': 'Really?',
            'inputs': [{'type': 'paragraph', 'output_variable_name': 'why'}],
            'actions': [{'id': 'yes', 'title': 'Yes'}],
            'expiration_time': 1_800_000_000,
        },
    }  # fmt: skip
    paused = reply_to(asks, {'event': 'workflow_paused', 'workflow_run_id': 'r', 'data': {'status': 'paused'}})
    (form,) = (part for part in paused.parts if isinstance(part, FormPart))
    assert paused.status is Status.WAITING
    assert (form.id, form.token, form.title, json.loads(form.actions)[0]['id']) == ('f', 'tok', 'Approve', 'yes')

    filled = {
        'event': 'human_input_form_filled',
        'data': {'node_id': 'n', 'rendered_content': 'Yes!', 'action_text': 'Yes'},
    }
    reading = Reading(Faults(), TimeLimits(), is_resumed=True)
    data = b''.join(b'data: ' + json.dumps(p).encode() + b'\n\n' for p in (filled, text('Done.'), END))
    resumed = replay([*reading.take(data, 0)], paused)
    (answered,) = (part for part in resumed.parts if isinstance(part, FormPart))
    assert answered.answer == 'Yes!\n\n**Yes**'
    assert (answered.token, resumed.status, resumed.text) == ('tok', Status.COMPLETE, 'Done.')


def test_who_hears_a_waiting_run_again_is_told_its_question_with_the_pause() -> None:
    asks = {'form_id': 'f', 'node_id': 'n', 'form_content': 'Really?', 'actions': [{'id': 'yes'}], 'form_token': 'tok'}
    pause = {'status': 'paused', 'reasons': [{'TYPE': 'human_input_required', **asks}, {'TYPE': 'scheduled_pause'}]}
    steps = [
        {'event': 'workflow_started', 'workflow_run_id': 'r', 'data': {'id': 'r'}},
        {'event': 'node_started', 'data': {'id': 's', 'node_type': 'llm', 'title': 'LLM'}},
        {'event': 'node_finished', 'data': {'id': 's', 'node_type': 'llm', 'status': 'succeeded'}},
    ]
    reply = reply_to(*steps, {'event': 'workflow_paused', 'workflow_run_id': 'r', 'data': pause}, is_resumed=True)
    assert reply.status is Status.WAITING
    assert [step.state for step in reply.steps] == ['succeeded']
    assert [(form.id, form.token) for form in reply.forms] == [('f', 'tok')]


def test_fields_bring_the_values_that_they_begin_with() -> None:
    data = {
        'form_id': 'f', 'inputs': [{'type': 'paragraph', 'output_variable_name': 'why'}, 'nonsense'],
        'resolved_default_values': {'why': 'so'},
    }  # fmt: skip
    (form,) = reply_to({'event': 'human_input_required', 'data': data}).forms
    assert [field.value for field in fields(form)] == ['so']


def test_form_delivered_elsewhere_has_no_token() -> None:
    asks = {'event': 'human_input_required', 'data': {'node_id': 'n', 'form_token': None}}
    (form,) = reply_to(asks).parts
    assert form.token == ''


def test_a_question_whose_time_is_over_says_so() -> None:
    asks = {'event': 'human_input_required', 'data': {'form_id': 'f', 'node_id': 'ask'}}
    over = {'event': 'human_input_form_timeout', 'data': {'node_id': 'ask', 'node_title': 'Approve'}}
    elsewhere = over | {'data': {'node_id': 'another'}}
    assert [form.expired for form in reply_to(asks, over, END).forms] == [True]
    assert [form.expired for form in reply_to(asks, elsewhere, END).forms] == [False]


def test_files_of_the_person_are_not_the_assistants() -> None:
    files = [
        {'event': 'message_file', 'id': 'a', 'type': 'image', 'belongs_to': 'assistant', 'url': '/files/x.png?sign=1'},
        {'event': 'message_file', 'id': 'b', 'type': 'image', 'belongs_to': 'user', 'url': '/files/y.png'},
        END | {'files': [{'related_id': 'd', 'type': 'document', 'filename': 'r.pdf', 'size': 9}]},
    ]
    assert [(f.id, f.type, f.name, f.size) for f in reply_to(*files).parts] == [
        ('a', 'image', 'x.png', None),
        ('d', 'document', 'r.pdf', 9),
    ]


@pytest.mark.parametrize('name', ['url', 'remote_url'])
def test_a_file_of_an_answer_is_all_there(name: str) -> None:
    file = {
        'id': 'f', 'type': 'image', 'filename': 'chart.png', 'mime_type': 'image/png', 'size': 9,
        'url': None, 'extension': '.png', 'transfer_method': 'tool_file', name: '/files/tools/f.png?sign=s',
    }  # fmt: skip
    (part,) = reply_to(END | {'files': [file]}).parts
    assert part == FilePart('f', 'image', 'chart.png', 'image/png', 9, '/files/tools/f.png?sign=s')


def test_usage_is_all_there() -> None:
    told = {
        'prompt_tokens': 7, 'prompt_unit_price': '0.15', 'prompt_price_unit': '0.000001', 'prompt_price': '0.0000011',
        'completion_tokens': 2, 'completion_unit_price': '0.60', 'completion_price_unit': '0.000001',
        'completion_price': '0.0000012', 'total_tokens': 9, 'total_price': '0.0000023', 'currency': 'usd',
        'latency': 0.81, 'time_to_first_token': 0.2, 'time_to_generate': 0.6,
    }  # fmt: skip
    cost = Usage(7, 2, 9, Decimal('0.0000011'), Decimal('0.0000012'), Decimal('0.0000023'), 'USD', 0.81, 0.2)
    assert reply_to(END | {'metadata': {'usage': told}}).usage == cost
    del told['total_tokens']
    assert reply_to(END | {'metadata': {'usage': told}}).usage == cost


def test_error_event_of_the_queue_worker_has_no_code() -> None:
    reply = reply_to({'event': 'error', 'message': 'Invalid upload file', 'status': 500})
    assert (reply.failure.code, reply.status) == ('file_rejected', Status.FAILED)


@pytest.mark.parametrize(
    ('said', 'meant'),
    [
        ('0.0012890', Decimal('0.0012890')),
        ('1E-7', Decimal('0.0000001')),
        (0.5, Decimal('0.5')),
        (2, Decimal(2)),
        ('1e-400', Decimal(0)),
        ('12345678901', None),
        ('1e999999', None),
        ('-1', None),
        ('NaN', None),
        ('Infinity', None),
        ('', None),
        (None, None),
        (True, None),
        ([], None),
        ('9' * 5000, None),
    ],
)
def test_money(said: object, meant: Decimal | None) -> None:
    assert parts.usage({'total_tokens': 5, 'total_price': said}).total_price == meant


def test_nobody_counted_when_all_tokens_are_zero() -> None:
    stopped = {'prompt_tokens': 0, 'completion_tokens': 0, 'total_tokens': 0, 'total_price': '0E-7', 'currency': 'USD'}
    assert parts.usage(stopped) == Usage(currency='USD')
    free = {'prompt_tokens': 7, 'completion_tokens': 0, 'total_tokens': 7, 'total_price': '0', 'currency': 'USD'}
    assert parts.usage(free).total_price == 0


@given(st.text(max_size=60))
def test_any_text_as_money_is_an_amount_or_nothing(said: str) -> None:
    amount = parts.usage({'total_tokens': 1, 'total_price': said}).total_price
    assert amount is None or 0 <= amount <= 1_000_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([
    'answer', 'data', 'metadata', 'files', 'id', 'tool', 'tool_input', 'observation', 'url', 'conversation_id',
    'message', 'status', 'code', 'task_id', 'workflow_run_id', 'tool_labels', 'belongs_to',
])  # fmt: skip
DATA = st.dictionaries(
    st.sampled_from(['id', 'node_id', 'status', 'outputs', 'reasoning', 'inputs', 'elapsed_time', 'title', 'error']),
    JSON,
)
PAYLOADS = st.builds(
    lambda event, fields, data: {'event': event, 'data': data} | fields,
    st.sampled_from([*TRANSLATIONS, *IGNORED, 'other', None, 7]),
    st.dictionaries(FIELDS, JSON, max_size=6),
    DATA,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PAYLOADS, max_size=6))
def test_wrong_types_in_any_field_break_nothing(payloads: list[dict]) -> None:
    reading = Reading(Faults('app-12345678'), TimeLimits())
    data = b''.join(b'data: ' + json.dumps(payload).encode() + b'\n\n' for payload in payloads)
    events = [*reading.take(data, 0), *reading.close(Failure('stream_cut'), 0)]
    reply = replay(events)

    assert sum(isinstance(event, Finished | Failed | Stopped | Interrupted | Paused) for event in events) == 1
    assert reply.status is not Status.RUNNING
    assert load_reply(json.loads(json.dumps(dump_reply(reply)).encode())) == reply
    repr(reply).encode()
