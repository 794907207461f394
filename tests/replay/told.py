"""What is to be seen of each recorded answer, beyond what its bytes spell by a rule."""

import json

from expectations import Told, read
from recorded_exchanges import recording

CLOCK = '{\n "format": "%Y-%m-%d %H:%M:%S",\n "timezone": "UTC"\n}'
MARKDOWN = (
    'Heading Some bold, italic, code and a link. CSV Markdown a b 1 2 def f(x): return x < 3 and "<script>" item one'
    ' item two 𝑒 = 𝑚 𝑐 2'
)
RUN = recording('chatflow-run-detail-after-disconnect').frames[0]
RETRIED = (
    'Start: done',
    'Branch: done',
    'Loop items: done · 0.6 s · 2 rounds',
    '  Item LLM: done · 0.3 s · round 1',
    '  Item LLM: done · 0.3 s · round 2',
    'First answer: done',
    'Final LLM: failed · 1.3 s · tried again: 2',
)
RICH = (
    'Start: done',
    'Branch: done',
    'Loop items: done · 0.7 s · 2 rounds',
    '  Item LLM: done · 0.3 s · round 1',
    '  Item LLM: done · 0.4 s · round 2',
    'First answer: done',
    'Final LLM: done · 0.5 s',
    'Remember: done',
    'Second answer: done · 0.1 s',
)

ONE_TOOL = {'line': '1 step', 'steps': ('Current Time: done',)}
# nobody wrote to the end, and nobody upstream has it: history holds an empty answer
LOST = Told(failure='stream_cut')

TOLD = {
    # what the rules tell all of
    **dict.fromkeys(
        [
            'agent-react-stream',
            'agent-stream-no-tool',
            'chat-blank-query',
            'chat-continue-after-disconnect',
            'chat-continue-after-error',
            'chat-continue-other-inputs',
            'chat-empty-conversation_id',
            'chat-image-local',
            'chat-image-other-users-file',
            'chat-image-remote',
            'chat-image-remote-html',
            'chat-image-two',
            'chat-image-upload-disabled',
            'chat-input-checkbox-as-text',
            'chat-input-number-string-ok',
            'chat-null-conversation_id',
            'chat-parent_message_id',
            'chat-parent_message_id-unknown',
            'chat-stream-continue',
            'chat-stream-new',
            'chat-stream-think',
            'chat-stream-tts-autoplay',
            'chat-user-is-number',
            'chat-x-trace-id',
            'chatflow-continue-other-inputs',
            'chatflow-rich-other-branch',
            'chatflow-stream-continue',
            'chatflow-stream-file-inputs',
            'chatflow-stream-image',
            'chatflow-stream-think',
            'knowledge-chat-stream',
            'moderation-input-blocked',
            'ping-chat-silent-34s',
            'ping-chatflow-silent-24s',
            'slow-first-token',
            'slow-first-token-chatflow',
            'stop-by-other-user',
            'chat-blocking-continue',
            'chat-blocking-new',
            'chat-no-response-mode',
            'chatflow-blocking',
            'knowledge-chat-blocking',
            'moderation-input-blocked-blocking',
        ],
        Told(),
    ),
    'chat-nul-byte-in-query': Told(question='nul \N{REPLACEMENT CHARACTER} byte #n=2', why='not all databases take it'),
    'chat-stream-markdown': Told(text=MARKDOWN),
    # agents
    'agent-stream-one-tool-continue': Told(**ONE_TOOL, details=(CLOCK, '2026-11-22 00:41:03')),
    'agent-stream-with-image': Told(**ONE_TOOL, details=(CLOCK, '2026-11-22 00:41:08')),
    'agent-stream-tool-fails': Told(
        line='2 steps · 1 failed',
        steps=('draw: done', 'failing: failed'),
        details=(
            '{\n "prompt": "a fox"\n}',
            'drawn: a foximage has been created and sent to user already, you do not need to create it, just tell the'
            ' user to check it now.',
            '{\n "prompt": "x"\n}',
            'tool invoke error: req_id: f8c028b2bc PluginInvokeError: {"error_type": "ValueError", "message": "the'
            ' drawing board is broken", "args": {}}',
        ),
        pictures=('Image 1.png',),
    ),
    'agent-stream-tool-file': Told(
        line='2 steps',
        steps=('Text To Speech: done', 'Current Time: done'),
        details=(
            '{\n "text": "hello from the agent"\n}',
            "Audio generated successfullytext='/files/tools/3f0a310e-06a1-4d28-b847-d8507dc554a6.wav'",
            CLOCK,
            '2026-11-22 00:49:16',
        ),
    ),
    'agent-stream-unknown-tool': Told(
        line='1 step · 1 failed',
        steps=('no_such_tool: failed',),
        details=('{\n "a": 1\n}', 'there is not a tool named no_such_tool'),
    ),
    'knowledge-agent-stream': Told(
        line='1 step',
        steps=('Search the knowledge base: done',),
        details=(
            '{\n "query": "shipping Zürich"\n}',
            'Shipping\n\nShipping to Zürich takes three days. Express shipping costs 15 francs.',
        ),
    ),
    # chatflows
    'chatflow-rich-stream': Told(line='8 steps · 1.3 s', steps=RICH),
    'chatflow-rich-node-retry': Told(line='6 steps · 1.9 s · 1 failed', steps=RETRIED, failure='model_failed'),
    # stopped by the person: what came after that is nobody's answer
    'stop-agent-midstream': Told(is_stopped=True),
    'stop-chat-first-turn-autoname': Told(is_stopped=True),
    'stop-chatflow-midstream': Told(is_stopped=True, line='2 steps · 1.0 s'),
    # connections that broke
    'delete-while-streaming': LOST,
    'disconnect-agent': LOST,
    'disconnect-chat': LOST,
    'disconnect-chatflow': Told(
        status='complete',
        text=read(json.loads(RUN['outputs'])['answer']),
        usage=f'{RUN["total_tokens"]} tokens',
        notes=('Completed after an interruption',),
        suggests=False,
        why='its run goes on upstream, which then has the whole answer',
    ),
    # failures in the stream
    'chat-image-remote-404': Told(failure='upstream_error'),
    'error-after-first-token-auth': Told(failure='model_unavailable'),
    'error-after-first-token-drop': Told(failure='model_failed'),
    'error-agent-after-first-token': Told(failure='model_failed'),
    'error-agent-before-first-token': Told(failure='model_failed'),
    'error-before-first-token-auth': Told(failure='model_unavailable'),
    'error-before-first-token-drop': Told(failure='model_failed'),
    'error-before-first-token-rate': Told(failure='model_failed'),
    'error-before-first-token-raw': Told(failure='model_failed'),
    'error-before-first-token-server': Told(failure='model_failed'),
    'error-chatflow-before-first-token': Told(failure='model_failed'),
    # refusals before the stream
    'chat-continue-empty-inputs': Told(failure='invalid_input'),
    'chat-deleted-conversation': Told(failure='conversation_gone'),
    'chat-image-remote-dead': Told(failure='file_rejected'),
    'chatflow-continue-empty-inputs': Told(failure='invalid_input'),
    'error-401-bad-key': Told(failure='upstream_unauthorized'),
    'error-401-basic-scheme': Told(failure='upstream_unauthorized'),
    'error-401-no-key': Told(failure='upstream_unauthorized'),
    'error-403-api-disabled': Told(failure='upstream_unauthorized'),
    'error-404-other-apps-conversation': Told(failure='conversation_gone'),
    'error-404-other-users-conversation': Told(failure='conversation_gone'),
    'error-404-unknown-conversation': Told(failure='conversation_gone'),
    'error-agent-blocking': Told(failure='invalid_input'),
    'error-bad-file-id': Told(failure='file_rejected'),
    'error-bad-json': Told(failure='invalid_input'),
    'error-bad-response_mode': Told(failure='invalid_input'),
    'error-badmodel-streaming': Told(failure='model_unavailable'),
    'error-badprovider-streaming': Told(failure='model_unavailable'),
    'error-blocking-rate': Told(failure='model_failed'),
    'error-blocking-raw': Told(failure='model_failed'),
    'error-chatflow-bad-workflow_id': Told(failure='invalid_input'),
    'error-chatflow-blocking': Told(failure='model_failed'),
    'error-chatflow-unknown-workflow_id': Told(failure='not_found'),
    'error-conversation_id-not-uuid': Told(failure='invalid_input'),
    'error-empty-query': Told(failure='invalid_input'),
    'error-file-type-mismatch': Told(failure='file_rejected'),
    'error-form-encoded': Told(failure='upstream_error'),
    'error-input-bad-select': Told(failure='invalid_input'),
    'error-input-number-as-text': Told(failure='invalid_input'),
    'error-input-too-long': Told(failure='invalid_input'),
    'error-missing-inputs': Told(failure='invalid_input'),
    'error-missing-query': Told(failure='invalid_input'),
    'error-missing-user': Told(failure='invalid_input'),
    'error-not-chat-app': Told(failure='not_chat_app'),
    'error-plugin-daemon-down': Told(failure='model_failed'),
    'error-provider-not-initialize-blocking': Told(failure='model_unavailable'),
    'error-provider-not-initialize-streaming': Told(failure='model_unavailable'),
    'error-query-not-string': Told(failure='invalid_input'),
    'error-required-input-missing': Told(failure='invalid_input'),
    'error-too-many-active-requests-blocking': Told(failure='too_busy'),
    'error-too-many-active-requests-streaming': Told(failure='too_busy'),
    'error-too-many-files': Told(failure='file_rejected'),
    'error-unknown-file-id': Told(failure='file_rejected'),
    'error-user-256-chars': Told(failure='upstream_error'),
}
