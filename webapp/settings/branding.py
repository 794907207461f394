"""How the instance, an app or an embed looks."""

from webapp import branding
from webapp.branding import Branding
from webapp.settings.given import Given
from webapp.settings.tables import Look

MAX_LOGO = 512_000  # bytes


def read(given: Given, look: Look, name: str) -> Branding:
    """:param name: of the table, as the operator knows it"""
    values = look.model_dump(exclude_none=True, exclude={'logo'})
    if look.logo is None:
        return Branding(**values)
    path = given.folder / look.logo
    try:
        with path.open('rb') as file:
            content = file.read(MAX_LOGO + 1)
        if len(content) > MAX_LOGO:
            raise ValueError('is larger than 512 kB')
        return Branding(**values, logo=branding.logo(content))
    except (OSError, ValueError) as error:
        fault = error.strerror if isinstance(error, OSError) else error
        given.complain(f'{name}.logo: {path} {fault}.')
        return Branding(**values)
