"""Keeps a provider's tokens unreadable to whoever reads the database."""

import base64
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from webapp.auth.clients import Grant
from webapp.principal import Identity
from webapp.store.sessions import ProviderTokens

PURPOSE = b'tokens of providers'
MAX_ID_TOKEN = 7000  # characters; longer ones would fit into no address, and that is what they are kept for
REFRESH_AT_LEAST, REFRESH_AT_MOST = timedelta(minutes=5), timedelta(hours=1)


class Sealing:
    """:param secret: the program's; what it has sealed can't be opened by another one"""

    def __init__(self, secret: str) -> None:
        key = HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, text: str) -> str:
        """'' stays ''."""
        return self._fernet.encrypt(text.encode()).decode() if text else ''

    def open(self, sealed: str) -> str:
        """What was sealed; '' if it was nothing, or by another secret."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode() if sealed else ''
        except InvalidToken:
            return ''

    def tokens(self, grant: Grant[Identity] | Grant[Identity | None], *, now: datetime) -> ProviderTokens:
        """What came with a grant, as it is kept."""
        return ProviderTokens(
            session=grant.session,
            id_token=self.seal(grant.id_token) if len(grant.id_token) <= MAX_ID_TOKEN else '',
            refresh_token=self.seal(grant.refresh_token),
            refresh_at=now + refresh_in(grant.expires_in) if grant.refresh_token else None,
        )


def refresh_in(seconds: float | None) -> timedelta:
    """When to ask a provider again, by how long an access token of its is good."""
    good_for = timedelta(seconds=min(max(seconds or 0, 0), 1e6))
    return min(max(good_for or REFRESH_AT_MOST, REFRESH_AT_LEAST), REFRESH_AT_MOST)
