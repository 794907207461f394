"""One table from what upstream says to codes of ours, and details without what must not be seen."""

import pytest
from hypothesis import given, strategies as st

from webapp.upstream.faults import CODES, Faults, classify

FAULTS = Faults('app-Secret1234567890', 'dify.internal:5001', 'dify.internal')


@pytest.mark.parametrize(
    ('status', 'code', 'message', 'ours'),
    [
        (401, 'unauthorized', 'Access token is invalid', 'upstream_unauthorized'),
        (403, 'forbidden', "The app's API service has been disabled.", 'upstream_unauthorized'),
        (403, 'app_api_disabled', '', 'upstream_unauthorized'),
        (404, 'not_found', 'Conversation Not Exists. You have requested this URI [/v1/...', 'conversation_gone'),
        (404, 'not_found', 'Message Not Exists.', 'not_found'),
        (400, 'conversation_completed', 'The conversation has ended.', 'conversation_completed'),
        (400, 'app_unavailable', 'App unavailable, please check your app configurations.', 'app_unavailable'),
        (400, 'agent_not_published', '', 'app_unavailable'),
        (400, 'invalid_param', 'Workflow not published', 'app_unavailable'),
        (400, 'not_chat_app', 'Please check if your app mode ...', 'not_chat_app'),
        (400, 'provider_not_initialize', 'No valid model provider credentials found.', 'model_unavailable'),
        (400, 'model_currently_not_support', '', 'model_unavailable'),
        (400, 'invalid_param', 'Model gone-model not exist.', 'model_unavailable'),
        (400, 'invalid_param', 'Provider langgenius/openai/openai does not exist.', 'model_unavailable'),
        (400, 'provider_quota_exceeded', 'Your quota ...', 'quota_exceeded'),
        (429, 'rate_limit_error', 'Rate Limit Error', 'quota_exceeded'),
        (429, 'too_many_requests', 'Too many requests. Please try again later.', 'too_busy'),
        (400, 'invalid_param', 'Too many requests. Please try again later. The current ...', 'too_busy'),
        (429, '', '', 'too_busy'),
        (400, 'completion_request_error', '[openai] Rate Limit Error', 'model_failed'),
        (400, 'invalid_param', 'Run failed: boom', 'model_failed'),
        (400, 'invalid_param', 'Failed to request plugin daemon, url: x', 'model_failed'),
        (400, 'invalid_param', 'name is required in input form', 'invalid_input'),
        (None, 'invalid_param', 'whatever', 'invalid_input'),
        (412, 'human_input_form_expired', '', 'invalid_input'),
        (400, 'invalid_param', 'Invalid upload file', 'file_rejected'),
        (400, 'completion_request_error', 'Incorrect API key provided', 'model_unavailable'),
        (400, 'completion_request_error', '[openai] Incorrect model credentials provided', 'model_unavailable'),
        (400, 'invalid_param', 'Number of image files exceeds the maximum limit 3', 'file_rejected'),
        (415, 'unsupported_file_type', 'File type not allowed.', 'file_rejected'),
        (400, 'no_file_uploaded', 'Please upload your file.', 'file_rejected'),
        (400, 'too_many_files', 'Only one file is allowed.', 'file_rejected'),
        (400, 'filename_not_exists_error', 'The specified filename does not exist.', 'file_rejected'),
        (400, 'no_audio_uploaded', 'Please upload your audio.', 'file_rejected'),
        (415, 'unsupported_audio_type', 'Audio type not allowed.', 'file_rejected'),
        (413, 'audio_too_large', 'Audio size larger than 30 mb', 'file_too_large'),
        (400, 'request_entity_too_large', '', 'file_too_large'),
        (400, 'speech_to_text_disabled', 'Speech to text is disabled.', 'invalid_input'),
        (400, 'provider_not_support_speech_to_text', 'Provider not support speech to text.', 'invalid_input'),
        (403, 'app_not_found', '', 'upstream_unauthorized'),
        (403, 'app_abnormal_status', '', 'upstream_unauthorized'),
        (403, 'workspace_not_found', '', 'upstream_unauthorized'),
        (403, 'workspace_archived', '', 'upstream_unauthorized'),
        (400, 'not_workflow_app', '', 'not_chat_app'),
        (413, 'file_too_large', '', 'file_too_large'),
        (413, '', '', 'file_too_large'),
        (500, 'unknown', 'Internal Server Error', 'upstream_error'),
        (403, 'workflow_version_execution_not_allowed', '', 'upstream_error'),
        (503, '', '', 'bad_gateway'),
        (418, 'teapot', '', 'upstream_error'),
    ],
)
def test_table(status: int | None, code: str, message: str, ours: str) -> None:
    assert classify(status, code, message) == ours
    assert ours in CODES


def test_codes_that_only_we_can_tell_are_in_the_list() -> None:
    assert {'upstream_unreachable', 'first_byte_timeout', 'stream_cut', 'stream_silent', 'took_too_long'} <= CODES


@pytest.mark.parametrize(
    ('message', 'detail'),
    [
        (
            'Conversation Not Exists. You have requested this URI [/v1/x] but did you mean /v1/y ?',
            'Conversation Not Exists.',
        ),
        ('bad key app-Secret1234567890!', 'bad key …!'),
        ('at http://dify.internal:5001/v1/x and DIFY.internal', 'at http://…/v1/x and …'),
        (
            'Reached maximum retries (3) for URL http://10.0.0.1:15999/x.png',
            'Reached maximum retries (3) for URL http://…/x.png',
        ),
        ('Incorrect API key provided: sk-proj-abcdefghijkl', 'Incorrect API key provided: sk-…'),
        ('a\n\n  b\tc', 'a b c'),
        ('<html><script>x()</script><h1>Bad &amp; Gateway</h1>', 'Bad & Gateway'),
        (
            "1 validation error for X\nquery\n  Field required [type=missing, input_value={'u': 'a'}, input_type=dict]"
            '\n    For further information visit https://errors.pydantic.dev/2.11/v/missing',
            '1 validation error for X query Field required',
        ),
        ('', ''),
    ],
)
def test_details(message: str, detail: str) -> None:
    assert FAULTS.detail(message) == detail


def test_long_details_are_cut() -> None:
    assert len(FAULTS.detail('word ' * 100_000)) == 300


@given(st.text(max_size=200))
def test_any_detail_is_one_clean_line(message: str) -> None:
    detail = FAULTS.detail(message)
    detail.encode()
    assert '\n' not in detail
    assert '\0' not in detail


@given(st.integers(100, 599), st.binary(max_size=200), st.text(alphabet='0123456789GMT ,:adefMonJn', max_size=40))
def test_any_refusal_has_a_code(status: int, body: bytes, retry_after: str) -> None:
    error = FAULTS.refusal(status, {'retry-after': retry_after}, body)
    assert error.code in CODES
    assert error.status == status
    assert error.retry_after is None or error.retry_after >= 0
