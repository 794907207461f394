"""Random tokens, such as cookies and tickets, and what the database knows them by: it could not give one away."""

import hashlib
import re
import secrets

BYTES = 32  # nobody guesses so many, so no salt and no slow hash is needed
TOKEN = re.compile(r'[\w-]{43}', re.ASCII)


def new_token() -> str:
    """43 characters that may stand in a cookie or an address."""
    return secrets.token_urlsafe(BYTES)


def is_token(text: str) -> bool:
    """Whether a text from outside may be one of these."""
    return TOKEN.fullmatch(text) is not None


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
