"""What the settings say of pages of other sites that show the chat."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from pydantic import SecretStr

from webapp import embeds
from webapp.embedding import host_tokens
from webapp.embeds import Embed, Key
from webapp.settings import branding, local_secret
from webapp.settings.apps import DEMO
from webapp.settings.given import Given
from webapp.settings.place import is_loopback
from webapp.settings.tables import EmbedKeyTable, EmbedTable
from webapp.settings.values import AppSettings


def read(given: Given, apps: Sequence[AppSettings], public_url: str, *, has_provider: bool) -> tuple[Embed, ...]:
    """The embeds; what is wrong with them is added to the problems of `given`."""
    tables = given.file.embeds
    ids = [table.id for table in tables]
    for id_ in sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        given.complain(f'embeds: the id "{id_}" is used twice; each embed needs its own.')
    url = urlsplit(public_url)
    if tables and url.scheme == 'http' and not is_loopback(url.hostname or ''):
        given.complain(
            'embeds: WEBAPP_PUBLIC_URL must be https: browsers keep no cookie of a plain http page within another '
            'site, and tokens could be read on their way.'
        )
    return tuple(
        _read(given, table, apps, is_https=url.scheme == 'https', has_provider=has_provider) for table in tables
    )


def _read(given: Given, table: EmbedTable, apps: Sequence[AppSettings], *, is_https: bool, has_provider: bool) -> Embed:
    for problem in _problems(table, apps, is_https=is_https, has_provider=has_provider):
        given.complain(f'embeds: "{table.id}" {problem}')
    return Embed(
        id=table.id,
        app=table.app,
        origins=tuple(embeds.canonical(origin) for origin in table.origins if not embeds.fault(origin)),
        keys=tuple(_keys(given, table)),
        anonymous=table.anonymous,
        sign_in=table.sign_in,
        layout=table.layout,
        theme=table.theme,
        language=table.language or '',
        header=table.header,
        usage=table.usage,
        share_text=table.share_text,
        budget_group=table.budget_group or '',
        branding=branding.read(given, table.branding, f'embeds: branding of "{table.id}"'),
    )


def _problems(table: EmbedTable, apps: Sequence[AppSettings], *, is_https: bool, has_provider: bool) -> Iterator[str]:
    slugs = {app.slug: app for app in apps}
    if table.app not in (slugs or {DEMO}):
        yield f'shows the app "{table.app}", and there is none; the apps are {", ".join(sorted(slugs or {DEMO}))}.'
    elif table.anonymous and slugs and slugs[table.app].groups:
        yield f'lets visitors in, but "{table.app}" is for groups; take one of them out.'
    for origin in table.origins:
        if origin == '*' or origin.endswith('://*'):
            yield 'has "*" as an origin, which is any site at all; name those that may show it.'
        elif fault := embeds.fault(origin):
            yield f'has {origin!r} among its origins, which {fault}.'
        elif is_https and origin.startswith('http:') and not is_loopback(urlsplit(origin).hostname or ''):
            yield f'has {origin} among its origins: anybody on the way could change that page; it must be https.'
    if not (table.keys or table.anonymous or table.sign_in):
        yield 'lets nobody in: give it keys, or set anonymous or sign_in.'
    if table.sign_in and not has_provider:
        yield 'has sign_in, and there is no provider to sign in with.'
    kids = [key.kid for key in table.keys]
    if twice := sorted({kid for kid in kids if kids.count(kid) > 1}):
        yield f'has two keys called "{twice[0]}"; each needs its own kid.'


def _keys(given: Given, table: EmbedTable) -> Iterator[Key]:
    for each in table.keys:
        try:
            key = _key(given, each)
            if fault := host_tokens.key_fault(key):
                raise ValueError(fault)
            yield key
        except (OSError, ValueError) as error:
            fault = f'can not be read: {error.strerror}' if isinstance(error, OSError) else str(error)
            given.complain(f'embeds: the key "{each.kid}" of "{table.id}" {fault}.')


def _key(given: Given, table: EmbedKeyTable) -> Key:
    """:raises OSError, ValueError: it is of no use"""
    if table.public_key_file is not None:
        path = given.folder / table.public_key_file
        pem = path.read_text('ascii', errors='replace')
        return Key(table.kid, host_tokens.algorithm_of(pem), pem)
    secret = (table.secret or SecretStr(given.variables.get(table.secret_env or '', ''))).get_secret_value()
    if not secret:
        raise ValueError(f'is missing; set {table.secret_env}')
    if weakness := local_secret.weakness(secret):
        raise ValueError(weakness)
    return Key(table.kid, 'HS256', secret)
