"""The secret of the instance, and the tokens of programs: random bytes that the operator has made."""

from pathlib import Path

from pydantic import SecretStr

from webapp.settings import local_secret
from webapp.settings.given import Given

HOW_TO_MAKE_ONE = 'Make one with: python3 -c "import secrets; print(secrets.token_hex(32))".'


def of_instance(given: Given, folder: Path, *, is_local: bool, make: bool) -> str:
    if given.env.secret is not None:
        secret = given.env.secret.get_secret_value()
        if fault := local_secret.weakness(secret):
            given.complain(f'WEBAPP_SECRET {fault}. {HOW_TO_MAKE_ONE}')
        return secret
    if not is_local:
        if given.is_open or given.file.embeds:
            given.complain(f'WEBAPP_SECRET is missing. {HOW_TO_MAKE_ONE}')
    elif not given.problems:
        try:
            if make or (folder / local_secret.NAME).exists():
                return local_secret.keep(folder)
        except (OSError, ValueError) as error:
            given.complain(
                f'WEBAPP_SECRET is not set, and its file in the folder {folder} is of no use: {said(error)}. '
                'Mend the folder, or set WEBAPP_SECRET.'
            )
    return ''


def token(given: Given, name: str, value: SecretStr | None) -> SecretStr:
    if value is not None and (fault := local_secret.weakness(value.get_secret_value())):
        given.complain(f'{name} {fault}. {HOW_TO_MAKE_ONE}')
    return value or SecretStr('')


def said(error: OSError | ValueError) -> str:
    return f'{error.filename}: {error.strerror}' if isinstance(error, OSError) and error.filename else str(error)
