"""A message as history has it, down to its last field."""

from decimal import Decimal

import pytest
from stage import Stage, whole

from webapp.chat.form import actions, fields
from webapp.chat.message import Citation, FilePart, Status, StepState, Usage
from webapp.upstream.client import DifyClient
from webapp.upstream.history import HistoryMessage

MESSAGE = {'id': 'm', 'conversation_id': 'c', 'query': 'How?', 'answer': 'By train.', 'created_at': 1_800_000_000}
PASSAGE = {
    'position': 3, 'document_name': 'trips.pdf', 'content': 'Take the train.', 'dataset_name': 'Handbook',
    'document_id': 'd', 'segment_id': 's', 'score': 0.8,
}  # fmt: skip
FORM = {
    'form_id': 'f', 'form_token': 'tok', 'node_id': 'ask', 'node_title': 'Approve', 'form_content': 'Really?',
    'inputs': [{'type': 'paragraph', 'output_variable_name': 'why'}], 'user_actions': [{'id': 'yes', 'title': 'Yes'}],
}  # fmt: skip


async def kept(theatre: Stage, client: DifyClient, **more: object) -> HistoryMessage:
    theatre.play(whole({'data': [MESSAGE | more], 'has_more': False}))
    (message,) = (await client.history('c', user='ann')).items
    return message


async def test_a_message_of_history_is_all_there(client: DifyClient, theatre: Stage) -> None:
    file = {'type': 'image', 'filename': 'x.png', 'mime_type': 'image/png', 'size': 7, 'url': '/files/x.png?sign=s'}
    message = await kept(
        theatre,
        client,
        feedback={'rating': 'like'},
        retriever_resources=[PASSAGE],
        message_files=[
            file | {'id': 'made', 'belongs_to': 'assistant'},
            file | {'id': 'sent', 'belongs_to': 'user', 'upload_file_id': 'uploaded'},
        ],
    )
    reply = message.reply
    assert (message.id, message.query, message.created_at, message.feedback) == ('m', 'How?', 1_800_000_000, 'like')
    assert (reply.status, reply.conversation_id, reply.message_id) == (Status.COMPLETE, 'c', 'm')
    assert (reply.text, [citation.document for citation in reply.citations]) == ('By train.', ['trips.pdf'])
    assert reply.parts[1:] == (FilePart('made', 'image', 'x.png', 'image/png', 7, '/files/x.png?sign=s'),)
    assert message.files == (FilePart('uploaded', 'image', 'x.png', 'image/png', 7, '/files/x.png?sign=s'),)


@pytest.mark.parametrize(
    ('more', 'expected'),
    [
        ({}, Citation(3, 'trips.pdf', 'Take the train.', 'Handbook', 'd', 's', 0.8)),
        (
            {'document_name': None, 'title': 'Trips', 'doc_metadata': {'url': 'https://x.example/trips'}},
            Citation(3, 'Trips', 'Take the train.', 'Handbook', 'd', 's', 0.8, 'https://x.example/trips'),
        ),
        (
            {'position': None, 'score': None, 'doc_metadata': {'url': 'javascript:alert(1)'}},
            Citation(1, 'trips.pdf', 'Take the train.', 'Handbook', 'd', 's'),
        ),
    ],
)
async def test_a_passage_has_what_the_panel_shows(
    more: dict, expected: Citation, client: DifyClient, theatre: Stage
) -> None:
    message = await kept(theatre, client, retriever_resources=[PASSAGE | more])
    assert message.reply.citations == (expected,)


async def test_history_of_a_newer_server_tells_what_an_answer_cost(client: DifyClient, theatre: Stage) -> None:
    cost = {
        'message_tokens': 7, 'answer_tokens': 2, 'total_tokens': 9, 'total_price': '0.0010', 'currency': 'USD',
        'provider_response_latency': 1.5,
    }  # fmt: skip
    assert (await kept(theatre, client, **cost)).reply.usage == Usage(
        7, 2, 9, total_price=Decimal('0.0010'), currency='USD', latency=1.5
    )
    assert (await kept(theatre, client)).reply.usage is None


async def test_rounds_of_an_agent_stand_in_their_order(client: DifyClient, theatre: Stage) -> None:
    first = {'id': 'a', 'position': 1, 'thought': 'I look. ', 'tool': 'weather', 'observation': '18C'}
    last = {'id': 'b', 'position': 2, 'thought': 'It is 18C.', 'tool': ''}
    message = await kept(theatre, client, answer='I look. It is 18C.', agent_thoughts=[last, first])
    assert [part.kind for part in message.reply.parts] == ['text', 'step', 'text']
    assert message.reply.text == 'I look. It is 18C.'
    (step,) = message.reply.steps
    assert (step.state, step.output) == (StepState.SUCCEEDED, '18C')


async def test_a_message_of_history_that_failed_without_words(client: DifyClient, theatre: Stage) -> None:
    message = await kept(theatre, client, answer='', status='error', error=None)
    assert (message.reply.status, message.error) == (Status.FAILED, '')


async def test_a_form_of_history_waits_with_its_buttons_under_another_name(client: DifyClient, theatre: Stage) -> None:
    asks = {'type': 'human_input', 'workflow_run_id': 'r', 'submitted': False, 'form_definition': FORM}
    other = {'type': 'something_else', 'workflow_run_id': 'x', 'form_definition': FORM | {'form_id': 'g'}}
    reply = (await kept(theatre, client, answer='', extra_contents=[other, asks])).reply
    assert (reply.status, reply.run_id) == (Status.WAITING, 'r')
    (form,) = reply.forms
    assert (form.id, form.token, form.title, form.content) == ('f', 'tok', 'Approve', 'Really?')
    assert [field.name for field in fields(form)] == ['why']
    assert [action.title for action in actions(form)] == ['Yes']


@pytest.mark.parametrize('definition', [FORM, None], ids=['with the question', 'without'])
@pytest.mark.parametrize('button', [{'action_text': 'Yes', 'action_id': 'yes'}, {'action_id': 'Yes'}])
async def test_an_answered_form_of_history_tells_the_answer(
    definition: dict | None, button: dict, client: DifyClient, theatre: Stage
) -> None:
    told = {'node_id': 'ask', 'rendered_content': 'Why not.'} | button
    filled = {'type': 'human_input', 'submitted': True, 'form_definition': definition, 'form_submission_data': told}
    reply = (await kept(theatre, client, extra_contents=[filled])).reply
    assert reply.status is Status.COMPLETE
    assert [(form.node, form.answer) for form in reply.forms] == [('ask', 'Why not.\n\n**Yes**')]
