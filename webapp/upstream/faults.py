"""What goes wrong upstream, in our words: one table from (status, Dify's code, beginning of its text) to our codes.

Dify's own codes say little (a rate limit, bad credentials and a dead provider are all `completion_request_error`) and
its texts repeat requests, addresses and library output: people see our code's sentence, admins a cleaned detail.
"""

import html
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from webapp.chat.message import Failure
from webapp.clock import now
from webapp.errors import Unreachable, UpstreamError
from webapp.upstream.payload import Payload, clean_text, count, name, parse, text

MAX_DETAIL = 300  # characters
MAX_READ = 4_000  # characters looked at
ANY: frozenset[str] = frozenset()


class Rule(NamedTuple):
    """A refusal has `ours` when everything that the rule names fits; what is empty fits all."""

    ours: str
    codes: frozenset[str] = ANY
    statuses: frozenset[int] = frozenset()
    pattern: str = ''  # at the beginning of the text

    def fits(self, status: int | None, code: str, message: str) -> bool:
        return (
            (not self.codes or code in self.codes)
            and (not self.statuses or status in self.statuses)
            and (not self.pattern or re.match(self.pattern, message, re.IGNORECASE) is not None)
        )


RULES = (
    Rule('too_busy', pattern='too many requests'),
    Rule('too_busy', codes=frozenset({'too_many_requests'})),
    Rule('too_busy', pattern=r'.{0,300}error code: 1015'),
    Rule('quota_exceeded', codes=frozenset({'provider_quota_exceeded', 'rate_limit_error'})),
    Rule('too_busy', statuses=frozenset({429})),
    Rule('conversation_gone', pattern='conversation not exists'),
    Rule('conversation_completed', codes=frozenset({'conversation_completed'})),
    Rule('not_chat_app', codes=frozenset({'not_chat_app', 'not_workflow_app'})),
    Rule('app_unavailable', codes=frozenset({'app_unavailable', 'agent_not_published'})),
    Rule('app_unavailable', pattern='workflow not published|agent app has no bound agent'),
    Rule('file_rejected', codes=frozenset({'file_access_denied'})),
    Rule('upstream_unauthorized', statuses=frozenset({401})),
    Rule(
        'upstream_unauthorized',
        codes=frozenset({
            'forbidden', 'unauthorized', 'app_not_found', 'app_abnormal_status', 'app_api_disabled',
            'workspace_not_found', 'workspace_archived',
        }),
    ),
    Rule('model_unavailable', codes=frozenset({'provider_not_initialize', 'model_currently_not_support'})),
    Rule('model_unavailable', pattern=r'(default )?(model|provider) .{0,200}(not exist|not initialized|not found)'),
    Rule('model_unavailable', pattern=r'(\[.{1,60}\] )?(incorrect|invalid) (api key|model credentials)'),
    Rule('model_failed', codes=frozenset({'completion_request_error'})),
    Rule('model_failed', pattern='run failed:|.{0,40}plugin daemon|plugin exited'),
    Rule('file_too_large', codes=frozenset({'file_too_large', 'audio_too_large', 'request_entity_too_large'})),
    Rule('file_too_large', statuses=frozenset({413})),
    Rule(
        'file_rejected',
        codes=frozenset({
            'no_file_uploaded', 'too_many_files', 'filename_not_exists_error', 'unsupported_file_type',
            'no_audio_uploaded', 'unsupported_audio_type', 'file_extension_blocked',
        }),
    ),
    Rule(
        'file_rejected',
        pattern='invalid upload file|invalid file|file validation failed|number of (image )?files exceeds'
        '|filename contains|file extension|reached maximum retries',
    ),
    Rule('not_found', statuses=frozenset({404})),
    Rule('bad_gateway', statuses=frozenset({502, 503, 504, *range(520, 531)})),
    Rule('invalid_input', statuses=frozenset({400, 412, 422})),
    Rule('invalid_input', codes=frozenset({'invalid_param', 'bad_request'})),
)  # fmt: skip
OTHERWISE = 'upstream_error'
FROM_PROXIES = {'too_busy', 'upstream_unauthorized', 'not_found', 'file_too_large'}  # what a status alone can tell
CODES = frozenset({rule.ours for rule in RULES}) | {
    OTHERWISE, 'upstream_unreachable', 'first_byte_timeout', 'stream_cut', 'stream_silent', 'stream_garbled',
    'took_too_long',
}  # fmt: skip

_NOISE = (
    (re.compile(r'<(script|style)\b.*?</\1>', re.IGNORECASE | re.DOTALL), ' '),
    (re.compile(r'<[^<>]{0,500}>'), ' '),
    (re.compile(r'\[type=.*?input_type=[^\]]*\]|For further information visit \S+', re.DOTALL), ''),
    (re.compile(r'\s*You have requested this URI.*', re.DOTALL), ''),
    (re.compile(r'(\w+://)[^\s/\'"]+'), r'\1…'),
    (re.compile(r'\b(app|dataset|sk)-[\w*-]{8,}'), r'\1-…'),
    (re.compile(r'\s+'), ' '),
)


class Faults:
    """Makes our errors from upstream's, without what must not be seen.

    :param secrets: never repeated in a detail: the key and the host
    """

    def __init__(self, *secrets: str) -> None:
        words = '|'.join(re.escape(secret) for secret in secrets if secret)
        self._secrets = re.compile(rf'(?<![\w-])(?:{words})(?![\w-])' if words else r'(?!)', re.IGNORECASE)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        """The error of a refused call, from whatever the server or a proxy before it answered."""
        error = parse(body)
        if error is None or not (name(error, 'code') or text(error, 'message')):
            return self._foreign(status, headers, body)
        code, message = name(error, 'code'), text(error, 'message', MAX_READ)
        return UpstreamError(
            classify(status, code, message),
            self.detail(message),
            status=status,
            upstream_code=code,
            retry_after=_retry_after(headers),
        )

    def failure(self, error: Payload) -> Failure:
        """The failure that an `error` event tells of. Its status is Dify's own figure, in a stream that was a 200."""
        status, code, message = count(error, 'status'), name(error, 'code'), text(error, 'message', MAX_READ)
        return Failure(classify(status, code, message), self.detail(message), status)

    def unreachable(self, error: Exception, code: str = 'upstream_unreachable') -> Unreachable:
        return Unreachable(code, self.detail(f'{type(error).__name__}: {error}'))

    def detail(self, message: str) -> str:
        """`message` on one short line, without markup, addresses and keys."""
        message = clean_text(message[:MAX_READ])
        message = self._secrets.sub('…', message)
        for pattern, instead in _NOISE:
            message = pattern.sub(instead, message)
        message = html.unescape(message).strip()
        return message if len(message) <= MAX_DETAIL else message[: MAX_DETAIL - 1] + '…'

    def _foreign(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        """Not Dify's own words: a proxy's page, or nothing at all."""
        page = body[:MAX_READ].decode('utf-8', 'replace')
        code = classify(status, '', page)
        if code not in FROM_PROXIES:
            code = 'bad_gateway'
        kind = Unreachable if code == 'bad_gateway' else UpstreamError
        return kind(
            code,
            f'HTTP {status}: {self.detail(page)}'.removesuffix(': '),
            status=status,
            upstream_code=f'http_{status}',
            retry_after=_retry_after(headers),
        )


def classify(status: int | None, code: str, message: str) -> str:
    """Our code for Dify's (HTTP status, code, message). Texts have tails that vary: only their beginnings count."""
    return next((rule.ours for rule in RULES if rule.fits(status, code, message.lstrip())), OTHERWISE)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either form of the header."""
    value = headers.get('retry-after', '')[:64].strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - now()).total_seconds())
