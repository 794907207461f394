"""A workflow's question to a person: asked, checked, answered."""

import secrets
import time
import uuid
from typing import Any

from webapp.upstream.demo.records import Form, Run
from webapp.upstream.demo.responses import ApiError

OPEN_SECONDS = 24 * 3600
FIELD = 'comment'
ACTIONS = [
    {'id': 'approve', 'title': 'Approve', 'button_style': 'primary'},
    {'id': 'reject', 'title': 'Reject', 'button_style': 'default'},
]


def ask(run: Run, node: dict[str, Any], about: str) -> Form:
    """A new form. Its token answers it: whoever holds it may."""
    token, expires = secrets.token_urlsafe(24), int(time.time()) + OPEN_SECONDS
    subject = f'your request: *{about}*' if about else 'your request'
    definition = {
        'form_id': str(uuid.uuid4()),
        'node_id': node['node_id'],
        'node_title': 'Question',
        'form_content': f'### May I go on?\n\nThis is about {subject}.\n\n{{{{#$output.{FIELD}#}}}}',
        'inputs': [
            {
                'type': 'paragraph',
                'output_variable_name': FIELD,
                'default': {'type': 'constant', 'selector': [], 'value': 'Looks good.'},
            }
        ],
        'actions': ACTIONS,
        'display_in_ui': True,
        'form_token': token,
        'resolved_default_values': {FIELD: 'Looks good.'},
        'expiration_time': expires,
    }
    return Form(token, run.id, run.message_id, node, definition, expires)


def submit(form: Form, inputs: dict[str, Any], action: str) -> None:
    """Take the answer. :raises ApiError: 400 for what is missing, 412 for what comes too late"""
    if form.submission:
        raise ApiError(412, 'human_input_form_submitted', 'The form has already been submitted.')
    if form.expires_at < time.time():
        raise ApiError(412, 'human_input_form_expired', 'The form has expired.')
    if not isinstance(inputs.get(FIELD), str):
        raise ApiError(400, 'invalid_form_data', f'Missing required inputs: {FIELD}')
    if action not in {known['id'] for known in ACTIONS}:
        raise ApiError(400, 'invalid_form_data', f'Invalid action: {action}')
    form.submission = {'inputs': inputs, 'action': action}


def filled(form: Form) -> dict[str, Any]:
    """The data of `human_input_form_filled`."""
    comment, action = form.submission['inputs'][FIELD], form.submission['action']
    content = form.definition['form_content'].replace(f'{{{{#$output.{FIELD}#}}}}', comment)
    return {
        'node_id': form.node['node_id'],
        'node_title': 'Question',
        'rendered_content': content,
        'action_id': action,
        'action_text': next(known['title'] for known in ACTIONS if known['id'] == action),
        'submitted_data': {FIELD: comment},
    }


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


def extra_content(form: Form) -> dict[str, Any]:
    """The form as a history row carries it."""
    return {
        'workflow_run_id': form.run_id,
        'submitted': bool(form.submission),
        'type': 'human_input',
        'form_definition': None if form.submission else form.definition,
        'form_submission_data': filled(form) if form.submission else None,
    }
