"""Whole pages that need neither a socket nor a script: the only one that they have chooses the colours."""

from collections.abc import Mapping, Sequence

from fastapi import Request
from fastapi.responses import HTMLResponse

from webapp.branding import Branding
from webapp.edge import assets, policy
from webapp.ui import templates, theme


def page(
    request: Request,
    template: str,
    *,
    title: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    sheets: Sequence[str] = (),
    scheme: str = '',
    brand: Branding | None = None,
    **values: object,
) -> HTMLResponse:
    """Return a page with the face of the instance, which no cache keeps.

    :param template: one that extends `plain.html`
    :param sheets: styles that only such pages have
    :param scheme: colours that have been chosen for the reader; '' for their own choice
    :param brand: another one than the instance's
    """
    brand = brand or request.app.state.brand
    assert isinstance(brand, Branding)
    logo = theme.logo_url(brand)
    html = templates.render(
        template,
        title=title,
        brand=brand.name,
        logo=logo,
        head=theme.head(brand),
        sheets=[assets.url(name) for name in sheets],
        icon=logo or assets.url('icon.svg'),
        colours=theme.colours(scheme),
        nonce=policy.nonce(request),
        **values,
    )
    return HTMLResponse(html, status, {**(headers or {}), 'Cache-Control': 'no-store'})
