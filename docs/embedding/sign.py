"""Tells the chat who is signed in with you. For your server: whoever has the secret can be anybody.

Set in its environment:
CHAT_URL     address of the chat, such as https://chat.example.com
CHAT_EMBED   id of the embed
CHAT_KID     id of the key
CHAT_SECRET  the key: at least 32 random bytes
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time

LIFETIME = 60  # seconds; the chat takes no token of more than 300
OPTIONAL = ('name', 'email', 'email_verified', 'groups')


def chat_token(user: dict) -> str:
    """A token for one use within a minute.

    :param user: `sub`, an id that stays this person's for ever; and, if you like, `name`, `email`, `email_verified`,
        `groups` (a list). Take it from your session, never from what a browser sends.
    :raises ValueError: a setting is missing, the secret is too short, or there is no `sub`
    """
    if not isinstance(user.get('sub'), str) or not user['sub']:
        raise ValueError('sub must be a text, and not empty.')
    now = int(time.time())
    header = {'alg': 'HS256', 'typ': 'JWT', 'kid': setting('CHAT_KID')}
    claims = {
        'aud': f'{setting("CHAT_URL").rstrip("/")}/embed/{setting("CHAT_EMBED")}',
        'sub': user['sub'],
        'iat': now,
        'exp': now + LIFETIME,
        'jti': secrets.token_hex(16),
        **{name: user[name] for name in OPTIONAL if user.get(name) is not None},
    }
    signed = f'{encoded(header)}.{encoded(claims)}'
    signature = hmac.digest(secret(), signed.encode(), hashlib.sha256)
    return f'{signed}.{base64url(signature)}'


def encoded(part: dict) -> str:
    return base64url(json.dumps(part).encode())


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b'=').decode()


def secret() -> bytes:
    key = setting('CHAT_SECRET').encode()
    if len(key) < 32:
        raise ValueError('CHAT_SECRET is too short: at least 32 bytes are needed.')
    return key


def setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ValueError(f'{name} is not set.')
    return value


if __name__ == '__main__':
    try:
        print(chat_token({'sub': sys.argv[1] if len(sys.argv) > 1 else ''}))
    except ValueError as error:
        sys.exit(str(error))
