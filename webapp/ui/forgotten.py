"""People who have been forgotten, as pages name them."""

from webapp.store import users
from webapp.ui import i18n


def called(pseudonym: str) -> str:
    """What to call one of them, so that two are told apart."""
    return i18n.t('people.deleted', id=pseudonym.removeprefix(users.PSEUDONYM)[:6])
