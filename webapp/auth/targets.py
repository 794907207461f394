"""Where somebody may be sent on to after they have signed in."""

from urllib.parse import unquote, urlsplit

NEVER_NEXT = ('/login', '/logout', '/auth', '/_nicegui', '/_nicegui_ws', '/static', '/healthz', '/readyz', '/metrics')
MAX_NEXT = 2000


def safe_next(target: str | None) -> str:
    """`target` if it is an address within our pages, else `/`.

    A browser reads `//host`, `/\\host` and addresses with tabs or line breaks in them as other sites. It resolves dot
    segments, encoded ones too, and servers decode what is left: `/a/%2e%2e/auth` leads to `/auth`.
    """
    text = target or ''
    if not text.startswith('/') or text[1:2] in {'/', '\\'} or '\\' in text or len(text) > MAX_NEXT:
        return '/'
    if not text.isascii() or not text.isprintable() or ' ' in text:
        return '/'
    try:
        url = urlsplit(text)
    except ValueError:
        return '/'
    if url.scheme or url.netloc or not _is_plain(url.path):
        return '/'
    if f'{unquote(url.path)}/'.startswith(tuple(f'{start}/' for start in NEVER_NEXT)):
        return '/'
    return text


def _is_plain(path: str) -> bool:
    """Whether it means the same to everybody who reads it."""
    text = unquote(path)
    return text.count('/') == path.count('/') and '\\' not in text and {'.', '..'}.isdisjoint(text.split('/'))
