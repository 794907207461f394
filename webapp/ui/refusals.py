"""Answers to requests that come to nothing: as a page for people, as JSON for programs.

NiceGUI would build a page with everything that a live one has, and keep it for a minute, for whatever address anybody
makes up.
"""

import math
from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from webapp import embeds
from webapp.branding import Branding
from webapp.errors import AppError, SignedOut, SignInFailed
from webapp.log import request_id
from webapp.ui import failures, i18n, plain, theme

HOME, LOGIN = ('/', 'missing.home'), ('/login', 'missing.sign_in')  # where to go on to, and its words
FROM_ELSEWHERE = 'from_elsewhere'  # a click on our own page goes on to the same address
SIGNING_IN = '/auth/'  # whoever is refused there has no session yet
CODES = {404: 'not_found', 405: 'not_found'}  # of ours, by HTTP status


def install(*apps: FastAPI, brand: Branding = theme.UNBRANDED) -> None:
    """Answer like this in all `apps`: ours, and NiceGUI's within it.

    :param brand: of the instance; its name, logo and colour stand on the page
    """
    handlers: dict[type[Exception], Callable[..., Response]] = {
        AppError: refused,
        HTTPException: _not_served,
        RequestValidationError: _not_understood,
        Exception: _failed,
    }
    for app in apps:
        app.state.brand = brand
        app.exception_handlers.pop(404, None)  # NiceGUI's own
        for kind, handler in handlers.items():
            app.add_exception_handler(kind, handler)


def refused(request: Request, error: AppError) -> Response:
    """The answer that an expected failure gets; also for pages that find out while they are being built."""
    later = {} if error.retry_after is None else {'Retry-After': str(math.ceil(error.retry_after))}
    is_outside = isinstance(error, SignInFailed | SignedOut) or request.scope['path'].startswith(SIGNING_IN)
    way_on = LOGIN if is_outside else HOME
    if request.scope['path'].startswith(embeds.PREFIX):
        way_on = (request.scope['path'].removesuffix(embeds.CHAT), 'missing.again')
    if error.code == FROM_ELSEWHERE:
        way_on = (_address(request), 'missing.go_on')
    return _answer(request, error.status, error.code, later, words=failures.words(error), way_on=way_on)


def _address(request: Request) -> str:
    url = request.url
    return f'{url.path}?{url.query}' if url.query else url.path


def _not_served(request: Request, error: HTTPException) -> Response:
    if 'Location' in (error.headers or {}):
        return Response(status_code=error.status_code, headers=error.headers)
    return _answer(request, error.status_code, CODES.get(error.status_code, 'refused'), error.headers)


def _not_understood(request: Request, _: RequestValidationError) -> Response:
    return _answer(request, 400, 'refused')


def _failed(request: Request, _: Exception) -> Response:
    """A bug of ours: the server logs it, and whoever saw it can name the line."""
    return _answer(request, 500, 'internal_error', reference=request_id.get())


def _answer(
    request: Request,
    status: int,
    code: str,
    headers: Mapping[str, str] | None = None,
    *,
    reference: str = '',
    words: str = '',
    way_on: tuple[str, str] = HOME,
) -> Response:
    words = words or i18n.error(code)
    headers = {**(headers or {}), 'Cache-Control': 'no-store'}
    if 'text/html' not in request.headers.get('accept', ''):
        body = {'code': code, 'message': words} | ({'reference': reference} if reference else {})
        return JSONResponse(body, status, headers)
    is_missing = code == 'not_found'
    return plain.page(
        request,
        'refusal.html',
        title=i18n.t('missing.title' if is_missing else 'missing.refused'),
        status=status,
        headers=headers,
        words=i18n.t('missing.words') if is_missing else words,
        reference=reference,
        way_on=way_on[0],
        way_on_words=i18n.t(way_on[1]),
    )
