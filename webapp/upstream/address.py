"""The address of the Service API, or of a model server, from whatever people type."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

CLOUD_PAGES = {'cloud.dify.ai', 'dify.ai', 'www.dify.ai', 'udify.app'}
CLOUD_API = 'api.dify.ai'
ENDPOINTS = {
    'app', 'apps', 'audio-to-text', 'chat-messages', 'conversations', 'end-users', 'files', 'form', 'info', 'messages',
    'meta', 'parameters', 'site', 'text-to-audio', 'workflow', 'workflows',
}  # fmt: skip
OTHER_APIS = {'api', 'console'}
PAGES = {'signin', 'install', 'explore', 'datasets', 'chat', 'chatbot', 'completion'}


def normalise(url: str) -> str:
    """The base URL of the Service API, ending in `/v1`, without a slash behind it.

    Takes it with or without scheme, `/v1`, trailing slashes, an endpoint's path, or the address of the console. The
    path prefix of a reverse proxy is kept. :raises ValueError: not an address of ours; the message says why
    """
    parts = _split(url, 'The address of Dify')
    host = parts.hostname or ''
    netloc = parts.netloc.lower()
    if host.removesuffix('.') in CLOUD_PAGES:
        netloc = CLOUD_API
    return f'{parts.scheme.lower()}://{netloc}' + ''.join(f'/{segment}' for segment in _prefix(parts.path)) + '/v1'


def of_model(url: str) -> str:
    """The base URL of an OpenAI-compatible server: what `/chat/completions` is appended to.

    A bare host gets `/v1`; any other path is the server's own, as for the libraries that read the same variable.
    :raises ValueError: not an address; the message says why
    """
    parts = _split(url, 'The address of the model server')
    path = parts.path.rstrip('/').removesuffix('/chat/completions') or '/v1'
    return f'{parts.scheme.lower()}://{parts.netloc.lower()}{path}'


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ''
    if host == 'localhost' or host.endswith('.localhost'):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _split(typed: str, whose: str) -> SplitResult:
    text = typed.strip().strip('\'"').strip()
    if not text:
        raise ValueError(f'{whose} is empty.')
    if any(c.isspace() or not c.isprintable() or c in '\\<>"{}|^`' for c in text):
        raise ValueError(f'{whose} holds a blank or a character that no address has.')
    if '://' not in text:
        text = ('http://' if is_loopback(f'http://{text}') else 'https://') + text
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f'{whose} can not be read: {error}.') from None
    if parts.scheme.lower() not in {'http', 'https'}:
        raise ValueError(f'{whose} must begin with http:// or https://.')
    if not parts.hostname or parts.hostname.startswith('.') or '..' in parts.hostname or port == 0:
        raise ValueError(f'{whose} names no host.')
    if parts.username is not None or parts.password is not None:
        raise ValueError(f'{whose} must not hold a name or password; the API key has a setting of its own.')
    return parts


def _prefix(path: str) -> list[str]:
    """The segments before the API's own part of the path."""
    segments = [segment for segment in path.split('/') if segment]
    if any(segment in {'.', '..'} for segment in segments):
        raise ValueError('The address of Dify must not hold "." or ".." in its path.')
    if 'v1' in segments:
        return segments[: len(segments) - 1 - segments[::-1].index('v1')]
    own = ENDPOINTS | OTHER_APIS | PAGES
    return segments[: next((i for i, segment in enumerate(segments) if segment in own), len(segments))]
