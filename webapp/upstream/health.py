"""How an app's upstream is doing, by what its last calls came to."""

import re
from collections.abc import Callable
from datetime import datetime

from webapp.clock import now

VERSION = re.compile(r'\d+(\.\d+){1,3}([-+.][\w.-]{1,30})?', re.ASCII)
MAX_VERSION = 40
# Refusals of one thing that somebody asked for: who says so is well.
IS_WELL = frozenset({
    'conversation_completed', 'conversation_gone', 'file_rejected', 'file_too_large', 'invalid_input', 'not_found',
})  # fmt: skip
# Failures after which nobody gets an answer, whatever they ask.
IS_DOWN = frozenset({
    'app_unavailable', 'bad_gateway', 'first_byte_timeout', 'upstream_unauthorized', 'upstream_unreachable',
})  # fmt: skip


class Health:
    """Nothing is asked to know it: it is what calls and answers found out by the way, in this process.

    :param on_error: told the code of each call and answer that failed
    """

    def __init__(self, on_error: Callable[[str], None] = lambda code: None) -> None:
        self.at: datetime | None = None  # when the last one ended; None before the first
        self.code = ''  # why it failed; '' if upstream is well
        self.version = ''  # of Dify, as its answers say
        self._on_error = on_error

    @property
    def is_down(self) -> bool:
        """Whether the last call found that it gives no answers at all."""
        return self.code in IS_DOWN

    def note(self, code: str = '') -> None:
        """A call or an answer has ended.

        :param code: why it failed; '' if it went well
        """
        self.at = now()
        self.code = '' if code in IS_WELL else code
        if code:
            self._on_error(code)

    def note_version(self, version: str) -> None:
        """:param version: the header of an answer; anything may stand there"""
        if len(version) <= MAX_VERSION and VERSION.fullmatch(version):
            self.version = version
