"""What an API key may look like: it goes into a header."""

KNOWLEDGE = 'dataset-'  # how the keys of Dify's knowledge API begin; those of its apps begin with app-


def checked(key: str) -> str:
    """The key without blanks around it. :raises ValueError: it can't be one; the message never holds it"""
    key = key.strip()
    if not key or not is_sendable(key):
        raise ValueError('The API key is empty or holds characters that no key has.')
    if key.startswith(KNOWLEDGE):
        raise ValueError('This is a key of the knowledge API; the key of an app begins with app-.')
    return key


def is_sendable(key: str) -> bool:
    """Whether it has only what a header takes."""
    return key.isascii() and key.isprintable() and ' ' not in key
