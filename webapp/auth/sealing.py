"""Keeps a provider's tokens unreadable to whoever reads the database."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PURPOSE = b'tokens of providers'


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
