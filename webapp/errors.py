"""What may go wrong, as one tree. Catch at the height you need.

    AppError                     expected; `code` picks the words that a person reads (`ui/locale`)
    ├── NotFound                 there is no such thing, or it is somebody else's: the same answer
    ├── Refused                  a rule of ours says no: too long, already running, shutting down
    │   ├── LimitReached         too much of it, or too often; tells when to go on
    │   ├── FormUnfit            what they have written into an app's form does not fit; tells what is wrong with what
    │   └── BudgetUsedUp         what they, their group, the app or all may spend is spent; tells until when
    ├── SignedOut                the session has ended; whoever wants to go on signs in again
    ├── SignInFailed             somebody has not got in by a provider; trying again may help
    │   ├── ProviderUnavailable  it does not answer, or is too busy to
    │   └── ProviderMisconfigured  it, or what our settings say of it, is not as it has to be
    ├── StoreUnavailable         the database is locked, gone, full, or not at our schema: nothing was written
    └── UpstreamError            Dify answered with an error
        └── Unreachable          no answer: no connection, no first byte, or not Dify's language

`detail` is for the log and for admins; it never reaches anybody else's page.
Anything that is not an `AppError` is a bug.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from webapp.schemas import Mismatch


class AppError(Exception):
    """An expected failure.

    :param code: stable name such as `not_found`; the catalogue of words has one sentence for each
    :param detail: technical text for admins, already without secrets
    :param status: HTTP status that fits
    """

    code = 'internal_error'
    status = 500
    retry_after: float | None = None  # seconds until it may succeed, where that is known

    def __init__(self, code: str = '', detail: str = '', *, status: int | None = None) -> None:
        self.code = code or type(self).code
        self.detail = detail
        self.status = status or type(self).status
        super().__init__(f'{self.code}: {detail}' if detail else self.code)


class NotFound(AppError):
    code = 'not_found'
    status = 404


class Refused(AppError):
    code = 'refused'
    status = 409


class LimitReached(Refused):
    """At most `most` within any span of `within`, and that much there was; `wait` until there is room again."""

    status = 429

    def __init__(self, code: str, *, most: int, within: timedelta, wait: timedelta) -> None:
        super().__init__(code, f'{most} within {within.total_seconds():.0f} s')
        self.most = most
        self.within = within
        self.wait = wait
        self.retry_after = wait.total_seconds()


class FormUnfit(Refused):
    """
    :param problems: by variable of the form: a stable name such as `required`; `unknown`: there is no such field
    :param mismatches: by variable of a JSON field whose problem is `schema`
    """

    def __init__(
        self, problems: Mapping[str, str], mismatches: Mapping[str, Sequence[Mismatch]] = MappingProxyType({})
    ) -> None:
        told = sorted(problems.items())[:10]
        code = 'form_changed' if set(problems.values()) == {'unknown'} else 'form_unfit'
        super().__init__(code, ', '.join(f'{variable[:100]!r} {problem}' for variable, problem in told), status=400)
        self.problems = dict(problems)
        self.mismatches = dict(mismatches)


class BudgetUsedUp(Refused):
    """Nothing is left of a budget until `resets` has passed.

    :param scope: whose it is: `user`, `group`, `app` or `all`
    :param period: `day` or `month`
    """

    status = 429

    def __init__(self, scope: str, *, period: str, resets: timedelta) -> None:
        super().__init__(f'budget_of_{scope}', f'{period}, for {resets.total_seconds():.0f} s')
        self.period = period
        self.resets = resets
        self.retry_after = resets.total_seconds()


class SignedOut(AppError):
    code = 'signed_out'
    status = 401


class SignInFailed(AppError):
    code = 'sign_in_failed'
    status = 403


class ProviderUnavailable(SignInFailed):
    code = 'provider_unavailable'
    status = 503


class ProviderMisconfigured(SignInFailed):
    code = 'provider_misconfigured'
    status = 502


class StoreUnavailable(AppError):
    code = 'store_unavailable'
    status = 503


class UpstreamError(AppError):
    """Dify refused a call. `code` is one of ours, `upstream_code` Dify's own, `status` Dify's HTTP status."""

    code = 'upstream_error'
    status = 502

    def __init__(
        self,
        code: str = '',
        detail: str = '',
        *,
        status: int | None = None,
        upstream_code: str = '',
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, detail, status=status)
        self.upstream_code = upstream_code
        self.retry_after = retry_after  # as asked by the server


class Unreachable(UpstreamError):
    code = 'upstream_unreachable'
