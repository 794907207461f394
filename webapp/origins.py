"""Origins of pages, as browsers write them, and which of them are meant by those that are allowed."""

import re

NAME = re.compile(r'[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\]')
ANY_LABEL = '*.'  # begins the host of an origin: any one label may stand there


def fits(origin: str, allowed: str) -> bool:
    """Whether an origin, as browsers write it, is the allowed one, or has any one label where that has a star."""
    scheme, _, host = allowed.partition('://')
    if not host.startswith(ANY_LABEL):
        return origin == allowed
    given_scheme, _, given_host = origin.partition('://')
    label, _, rest = given_host.partition('.')
    return given_scheme == scheme and rest == host.removeprefix(ANY_LABEL) and NAME.fullmatch(label) is not None
