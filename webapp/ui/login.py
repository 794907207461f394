"""The page where people choose how to sign in."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from webapp import embeds
from webapp.auth.admission import Admission
from webapp.auth.sessions import Sessions
from webapp.auth.targets import safe_next
from webapp.branding import Branding
from webapp.errors import AppError
from webapp.principal import Role
from webapp.ui import i18n, plain, refusals
from webapp.ui.page import LOGIN

UNAVAILABLE = 'provider_unavailable'  # the code with which `provider` says which one


@dataclass(frozen=True, slots=True)
class Way:
    """A provider, as a link."""

    name: str
    label: str
    href: str
    is_down: bool  # it could not be reached just now


def routes(sessions: Sessions) -> APIRouter:
    """`GET /login?next=&code=&provider=`, for whoever has yet to sign in.

    What is to be said stands in the address as a `code`: `signed_out` or `provider_unavailable`. Anybody may send
    people here, so anything else says nothing.
    """
    router = APIRouter()

    @router.get(LOGIN, include_in_schema=False)
    async def login(request: Request, next: str = '/', code: str = '', provider: str = '') -> Response:
        target, admission = safe_next(next), sessions.admission
        principal = await sessions.principal(request.scope)
        has_to = not admission.is_local and admission.providers and (principal is None or principal.role is Role.GUEST)
        if not has_to:
            return RedirectResponse(target, 303, {'Cache-Control': 'no-store'})
        down = provider if code == UNAVAILABLE else ''
        return _page(request, admission, target, _notice(admission, code, provider), down)

    return router


async def unavailable(request: Request, error: Exception) -> Response:
    """The answer to somebody who has chosen a provider that does not answer: the others, and this one again."""
    sessions, provider = Sessions.of(request.scope), request.path_params.get('provider', '')
    admission = sessions.admission
    is_choosing = provider in admission.providers and 'text/html' in request.headers.get('accept', '')
    if not is_choosing or request.method != 'GET':
        assert isinstance(error, AppError)
        return refusals.refused(request, error)
    target = safe_next(request.query_params.get('next'))
    return _page(request, admission, target, _notice(admission, UNAVAILABLE, provider), provider, status=503)


def address(target: str = '/', *, code: str = '', provider: str = '') -> str:
    """Where to send somebody who has to sign in.

    :param target: where to go on afterwards
    :param code: why they are there, see `routes`
    :param provider: the name of the one that `provider_unavailable` is about
    """
    given = {'next': '' if target == '/' else target, 'code': code, 'provider': provider}
    query = urlencode({name: text for name, text in given.items() if text}, safe='/', quote_via=quote)
    return f'{LOGIN}?{query}' if query else LOGIN


def _page(
    request: Request, admission: Admission, target: str, notice: str, down: str, *, status: int = 200
) -> Response:
    """:param down: the name of a provider that does not answer"""
    brand: Branding = request.app.state.brand
    return plain.page(
        request,
        'login.html',
        title=i18n.t('login.title'),
        status=status,
        sheets=['login.css'],
        welcome=i18n.t('login.welcome', name=brand.name) if brand.name else i18n.t('login.title'),
        notice=notice,
        ways=list(_ways(admission, target, down)),
        guest_href=target if admission.guests and not target.startswith(embeds.PREFIX) else '',
    )


def _ways(admission: Admission, target: str, down: str) -> Iterator[Way]:
    query = '' if target == '/' else f'?next={quote(target, safe="/")}'
    for name, provider in admission.providers.items():
        yield Way(name, provider.label, f'/auth/{name}/login{query}', name == down)


def _notice(admission: Admission, code: str, provider: str) -> str:
    if code == 'signed_out':
        return i18n.t('login.signed_out')
    if code == UNAVAILABLE and provider in admission.providers:
        return i18n.t('login.unavailable', label=admission.providers[provider].label)
    return ''
