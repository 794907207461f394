"""The settings as the rest of the program gets them: plain values, checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from webapp.auth.providers import Provider
from webapp.branding import Branding
from webapp.embeds import Embed
from webapp.limits import Limits
from webapp.prices import Price
from webapp.store import engines
from webapp.store.budgets import Budget
from webapp.store.retention import Rules

NO_BRANDING = Branding()


@dataclass(frozen=True, slots=True)
class AppSettings:
    slug: str
    name: str  # '' if Dify should tell
    base_url: str  # of the Service API, in its one form
    api_key: SecretStr
    running: int  # answers at once; 0: no limit
    branding: Branding = NO_BRANDING  # where it differs from that of the instance
    guests: bool = False  # whether people without a login may use it
    groups: tuple[str, ...] = ()  # who of those with one may; empty: all
    prices: tuple[Price, ...] = ()  # where Dify tells none


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The model that answers in the demo."""

    base_url: str  # what `/chat/completions` is appended to
    model: str
    api_key: SecretStr  # '' if the server wants none


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    host: str
    port: int
    public_url: str  # scheme, host and port; no slash at the end
    is_local: bool  # one local person, who is also the admin
    guests: bool
    providers: tuple[Provider, ...]  # who may vouch for people
    embeds: tuple[Embed, ...]  # pages of other sites that show the chat
    admins: frozenset[str]
    readers: frozenset[str]  # who may read other people's conversations
    limits: Limits
    budgets: tuple[Budget, ...]
    cost_groups: tuple[str, ...]  # the first that somebody is in is charged; empty: by the alphabet
    secret: SecretStr
    usage_token: SecretStr  # lets programs read what everybody cost; '' for none
    metrics_token: SecretStr  # lets programs elsewhere read the figures of operation; '' for none
    database_url: str
    data: Path  # folder for what we keep beside the database
    apps: tuple[AppSettings, ...]  # none: the demo upstream
    relay: RelaySettings | None  # who answers in the demo; None: its handbook
    name: str  # what this instance calls itself
    branding: Branding
    remote_urls: bool  # people may attach links
    titles: Literal['rename', 'upstream']
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    first_byte_seconds: float
    session_idle: timedelta
    session_absolute: timedelta
    retention: Rules

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith('https:')

    def secrets(self) -> Iterator[str]:
        """Every text that must never be logged."""
        yield self.secret.get_secret_value()
        yield from (token for each in (self.usage_token, self.metrics_token) if (token := each.get_secret_value()))
        yield from (app.api_key.get_secret_value() for app in self.apps)
        yield from (provider.client_secret for provider in self.providers if provider.client_secret)
        yield from (key.material for embed in self.embeds for key in embed.keys if key.algorithm == 'HS256')
        if self.relay and (key := self.relay.api_key.get_secret_value()):
            yield key
        if password := engines.parse(self.database_url).password:
            yield str(password)


class SettingsError(Exception):
    """We refuse to start: one line per problem, each naming the setting and what to do."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__('\n'.join(problems))
