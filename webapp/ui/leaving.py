"""The page between signing out here and signing out at the provider."""

from fastapi import Request, Response

from webapp.ui import i18n, plain


def page(request: Request, href: str) -> Response:
    """Return a page that goes on to `href` by itself."""
    return plain.page(request, 'leaving.html', title=i18n.t('leaving.title'), href=href)
