"""What operators write, and what they are told."""

import pytest

from webapp import settings
from webapp.settings import SettingsError

SECRET = '0123456789abcdef0123456789abcdef'
GUESTS = {'WEBAPP_GUESTS': 'true', 'WEBAPP_SECRET': SECRET, 'WEBAPP_PUBLIC_URL': 'https://chat.example.com'}


def set_all(env: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        env.setenv(name, value)


def problems() -> str:
    with pytest.raises(SettingsError) as refused:
        settings.load()
    return str(refused.value)
