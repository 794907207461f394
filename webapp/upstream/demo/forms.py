"""A workflow's question to a person: asked, checked, answered."""

import secrets
import time
import uuid
from typing import Any

from webapp.upstream.demo.records import Form, Run
from webapp.upstream.demo.responses import ApiError
from webapp.upstream.demo.scenario import Scenario

COMMENT, URGENCY, PROOF = 'comment', 'urgency', 'proof'
CHOICES = ['low', 'normal', 'high']
DEFAULTS = {COMMENT: 'Looks good.', URGENCY: 'normal'}
FIELDS = [
    {
        'type': 'paragraph',
        'output_variable_name': COMMENT,
        'default': {'type': 'constant', 'selector': [], 'value': DEFAULTS[COMMENT]},
    },
    {
        'type': 'select',
        'output_variable_name': URGENCY,
        'option_source': {'type': 'constant', 'selector': [], 'value': CHOICES},
    },
]
FILE = {
    'type': 'file',
    'output_variable_name': PROOF,
    'allowed_file_types': ['image', 'document'],
    'allowed_file_extensions': [],
    'allowed_file_upload_methods': ['local_file', 'remote_url'],
}
ACTIONS = [
    {'id': 'approve', 'title': 'Approve', 'button_style': 'primary'},
    {'id': 'reject', 'title': 'Reject', 'button_style': 'default'},
]


def ask(run: Run, node: dict[str, Any], asked: Scenario, *, again: bool) -> Form:
    """A new form. Its token answers it: whoever holds it may.

    :param again: something was asked before
    """
    token, expires = secrets.token_urlsafe(24), int(time.time() + asked.expires)
    subject = f'your request: *{asked.text}*' if asked.text else 'your request'
    heading = 'Is that your last word?' if again else 'May I go on?'
    definition = {
        'form_id': str(uuid.uuid4()),
        'node_id': node['node_id'],
        'node_title': 'Question',
        'form_content': (
            f'### {heading}\n\nThis is about {subject}.\n\n{{{{#$output.{COMMENT}#}}}}\n\n'
            f'How urgent is it?\n\n{{{{#$output.{URGENCY}#}}}}'
            + (f'\n\n{{{{#$output.{PROOF}#}}}}' if asked.proof else '')
        ),
        'inputs': [*FIELDS, FILE] if asked.proof else FIELDS,
        'actions': ACTIONS,
        'display_in_ui': True,
        'form_token': None if asked.elsewhere is not None else token,
        'resolved_default_values': DEFAULTS,
        'expiration_time': expires,
    }
    return Form(token, run.id, run.message_id, node, definition, expires)


def submit(form: Form, inputs: dict[str, Any], action: str) -> None:
    """Take the answer. :raises ApiError: 400 for what is missing, 412 for what comes too late"""
    if form.submission:
        raise ApiError(412, 'human_input_form_submitted', 'The form has already been submitted.')
    if form.expires_at <= time.time():
        raise ApiError(412, 'human_input_form_expired', 'The form has expired.')
    missing = [name for name in (COMMENT, URGENCY) if not isinstance(inputs.get(name), str)]
    if FILE in form.definition['inputs'] and not _is_file(inputs.get(PROOF)):
        missing.append(PROOF)
    if missing:
        raise ApiError(400, 'invalid_form_data', f'Missing required inputs: {", ".join(missing)}')
    if inputs[URGENCY] not in CHOICES:
        raise ApiError(400, 'invalid_form_data', f'Invalid value for {URGENCY}')
    if action not in {known['id'] for known in ACTIONS}:
        raise ApiError(400, 'invalid_form_data', f'Invalid action: {action}')
    form.submission = {'inputs': inputs, 'action': action}


def filled(form: Form) -> dict[str, Any]:
    """The data of `human_input_form_filled`."""
    inputs, action = form.submission['inputs'], form.submission['action']
    content = form.definition['form_content']
    for name in (COMMENT, URGENCY):
        content = content.replace(f'{{{{#$output.{name}#}}}}', inputs[name])
    content = content.replace(f'{{{{#$output.{PROOF}#}}}}', '[file]')
    return {
        'node_id': form.node['node_id'],
        'node_title': 'Question',
        'rendered_content': content,
        'action_id': action,
        'action_text': next(known['title'] for known in ACTIONS if known['id'] == action),
        'submitted_data': {name: inputs[name] for name in (COMMENT, URGENCY)},
    }


def _is_file(value: object) -> bool:
    return isinstance(value, dict) and bool(value.get('upload_file_id') or value.get('url'))


def timed_out(form: Form) -> dict[str, Any]:
    """The data of `human_input_form_timeout`."""
    return {'node_id': form.node['node_id'], 'node_title': 'Question', 'expiration_time': form.expires_at}


def shown(form: Form) -> dict[str, Any]:
    """The answer to GET /form/human_input/{token}."""
    definition = form.definition
    return {
        'form_content': definition['form_content'],
        'inputs': definition['inputs'],
        'resolved_default_values': definition['resolved_default_values'],
        'user_actions': definition['actions'],
        'expiration_time': form.expires_at,
    }


def reason(form: Form) -> dict[str, Any]:
    """Why a run waits, as `workflow_paused` tells; whoever hears the run again is told the question only there."""
    return {'TYPE': 'human_input_required', **form.definition}


def extra_content(form: Form) -> dict[str, Any]:
    """The form as a history row carries it."""
    return {
        'workflow_run_id': form.run_id,
        'submitted': bool(form.submission),
        'type': 'human_input',
        'form_definition': None if form.submission else form.definition,
        'form_submission_data': filled(form) if form.submission else None,
    }
