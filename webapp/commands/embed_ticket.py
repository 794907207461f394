"""`webapp embed-ticket`: a token as a host would sign it, to try an embed with."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

from webapp import clock
from webapp.commands.terminal import CommandFailed, quietly, say
from webapp.embedding import host_tokens
from webapp.embeds import Embed, Embeds, Key
from webapp.settings import Settings

NO_EMBEDS = 'There are none: each is a table [[embeds]] in webapp.toml.'


def run(embed: str, *, kid: str | None, minutes: int, **person: str | list[str] | None) -> None:
    """:param person: claims of who is there
    :raises CommandFailed: wrong settings, or as `embed_ticket`
    """
    chosen = quietly()
    claims = {name: value for name, value in person.items() if value}
    say(embed_ticket(chosen, embed, kid=kid, claims=claims, minutes=minutes))


async def embed_ticket(
    chosen: Settings, id_: str, *, kid: str | None, claims: Mapping[str, object], minutes: int
) -> AsyncIterator[str]:
    """A host's token for trying an embed, and the address to open it with.

    :param kid: of the key to sign with; else the first that can
    :param claims: who is there, as `host_tokens.sign` takes them
    :raises CommandFailed: there is no such embed, or no such key, or only the host can sign with it
    """
    embed = Embeds(chosen.embeds).find(id_)
    if embed is None:
        known = ', '.join(sorted(each.id for each in chosen.embeds))
        raise CommandFailed(f'There is no embed "{id_}".', f'The embeds are {known}.' if known else NO_EMBEDS)
    key, address, lifetime = _key(embed, kid), chosen.public_url + embed.path, timedelta(minutes=minutes)
    try:
        token = host_tokens.sign(key, claims, audience=address, now=clock.now(), lifetime=lifetime)
    except ValueError as error:
        raise CommandFailed(
            f'"{key.kid}" is a public key: only whoever has its private half can sign.',
            'Sign there, as docs/embedding.md shows under "With a key pair".',
        ) from error
    yield token
    yield f'{address}?token={token}'


def _key(embed: Embed, kid: str | None) -> Key:
    """The one to sign with. :raises CommandFailed: there is none"""
    if not embed.keys:
        raise CommandFailed(f'The embed "{embed.id}" has no keys: nobody vouches for anybody there.')
    key = embed.key(kid) if kid else next((each for each in embed.keys if each.algorithm == 'HS256'), embed.keys[0])
    if key is None:
        known = ', '.join(each.kid for each in embed.keys)
        raise CommandFailed(f'The embed "{embed.id}" has no key "{kid}".', f'Its keys are {known}.')
    return key
