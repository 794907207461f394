"""The model that answers in the demo."""

from pydantic import SecretStr

from webapp.settings.given import Given
from webapp.settings.values import RelaySettings
from webapp.upstream import address, keys


def read(given: Given) -> RelaySettings | None:
    """One of the two variables alone belongs to somebody else: other programs read them too."""
    url, model = given.env.openai_base_url, (given.env.openai_model or '').strip()
    if url is None or not model:
        return None
    key = (given.env.openai_api_key or SecretStr('')).get_secret_value().strip()
    if not keys.is_sendable(key):
        given.complain('OPENAI_API_KEY holds characters that no key has.')
    try:
        return RelaySettings(address.of_model(url), model, SecretStr(key))
    except ValueError as error:
        given.complain(f'OPENAI_BASE_URL: {error}')
        return None
