"""Pages between a form of ours and a provider: our own policy lets forms lead to nobody but us."""

from fastapi import Request, Response

from webapp.ui import i18n, plain


def page(request: Request, href: str) -> Response:
    """Return a page that goes on to `href` by itself, to sign out there too."""
    return _page(request, href, i18n.t('leaving.title'), i18n.t('leaving.words'))


def to_link(request: Request, href: str) -> Response:
    """Return a page that goes on to `href` by itself, to sign in there for one more way in."""
    return _page(request, href, i18n.t('leaving.link_title'), i18n.t('leaving.link_words'))


def _page(request: Request, href: str, title: str, words: str) -> Response:
    return plain.page(request, 'leaving.html', title=title, words=words, href=href)
