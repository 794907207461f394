"""Pages of other sites that show the chat: who gets in there, and what is legal but odd."""

from collections import defaultdict
from collections.abc import Iterator

from webapp.doctor.report import Finding, State
from webapp.embeds import Embed
from webapp.settings import Settings


def findings(chosen: Settings) -> Iterator[Finding]:
    for embed in chosen.embeds:
        check = f'embed {embed.id}'
        yield Finding(check, State.OK, '; '.join(_facts(embed, is_demo=not chosen.apps)))
        yield from _doubts(chosen, embed, check)
    yield from _shared(chosen.embeds)


def _facts(embed: Embed, *, is_demo: bool) -> Iterator[str]:
    yield f'shows {"the demo" if is_demo else f"the app {embed.app}"} to {", ".join(embed.origins)}'
    keys = ', '.join(f'{key.kid} ({key.algorithm})' for key in embed.keys)
    yield f'keys {keys}' if keys else 'no keys'
    yield 'visitors may come in' if embed.anonymous else 'no visitors'
    if embed.sign_in:
        yield 'people may sign in'


def _doubts(chosen: Settings, embed: Embed, check: str) -> Iterator[Finding]:
    groups = next((app.groups for app in chosen.apps if app.slug == embed.app), ())
    if groups and embed.keys:
        yield Finding(
            check,
            State.WARNING,
            f'"{embed.app}" is for groups: of those whom a host vouches for, only whose token names one gets in',
            f'Let the token have groups with one of {", ".join(groups)}; or take groups out of the app.',
        )


def _shared(embeds: tuple[Embed, ...]) -> Iterator[Finding]:
    """Who signs for one of them could sign for the other."""
    users: dict[str, list[str]] = defaultdict(list)
    for embed in embeds:
        for key in embed.keys:
            if key.algorithm == 'HS256':
                users[key.material].append(f'{key.kid} of "{embed.id}"')
    for names in users.values():
        if len(names) > 1:
            yield Finding(
                'embeds',
                State.WARNING,
                f'one secret is that of several keys: {", ".join(names)}',
                'Give each a secret of its own: python -c "import secrets; print(secrets.token_hex(32))"',
            )
