"""What `webapp.toml` may say, table by table."""

import re
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from webapp.auth.providers import Preset
from webapp.embeds import Layout, Theme
from webapp.store.budgets import MAX_TOKENS, Period
from webapp.store.usage import MAX_AMOUNT, NANO

Slug = Annotated[str, StringConstraints(pattern=r'^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$')]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Amount = Annotated[Decimal, Field(ge=0, le=MAX_AMOUNT, allow_inf_nan=False)]
Currency = Annotated[str, StringConstraints(pattern=r'^[A-Z]{2,16}$')]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


def _colour(text: object) -> object:
    if not isinstance(text, str) or not re.fullmatch(r'#(?:[0-9a-fA-F]{3}){1,2}', text):
        raise ValueError('must be a colour like "#1f6658"')
    return text.lower() if len(text) == 7 else '#' + ''.join(2 * digit for digit in text[1:].lower())


Colour = Annotated[str, BeforeValidator(_colour)]


class _Table(BaseModel):
    model_config = ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)


class Look(_Table):
    """What an instance and each of its apps may say about their looks."""

    welcome: Text | None = Field(None, description='heading of an empty conversation')
    logo: Path | None = Field(None, description='an image beside the name: a PNG, WebP or SVG file, at most 512 kB')
    accent: Colour | None = Field(
        None,
        description="a colour like `#1f6658`, made darker or lighter until it can be read; else the app's own in Dify",
    )
    banner: Sentence | None = Field(None, description='a notice above every page')


class AppBrandingTable(Look):
    name: Text | None = Field(None, description='what stands above the list of conversations')


class BrandingTable(Look):
    name: Text = Field('Chat', description='what this instance calls itself')


class PriceTable(_Table):
    model: Text = Field(
        '*', description='a name, or a pattern such as `gpt-4o*`; `*` is any, also one that nobody named'
    )
    prompt: Amount = Field(description='price of a million tokens of questions, such as `"2.50"`')
    completion: Amount = Field(description='price of a million tokens of answers')
    currency: Currency = Field(description='such as `USD`')


class AppTable(_Table):
    slug: Slug = Field(description='the app in our addresses: `/a/{slug}`')
    name: Text | None = Field(None, description="what people read; without it, the app's own name in Dify")
    base_url: str = Field(description='address of the Dify server')
    api_key: SecretStr | None = Field(None, description='the key of the app, or better:')
    api_key_env: str | None = Field(None, description='the environment variable that holds it')
    running: int | None = Field(
        None, ge=0, description='answers at once, 0 for no limit; without it 8, and no limit for Dify Cloud'
    )
    guests: bool = Field(False, description='whether people without a login may use it')
    groups: tuple[str, ...] = Field((), description='who may use it; empty: everybody who is signed in')
    prices: tuple[PriceTable, ...] = Field((), description='for models that Dify has no price of; the first that fits')
    branding: AppBrandingTable = Field(AppBrandingTable(), description='as in `branding`, for this app')

    @model_validator(mode='after')
    def _one_key(self) -> 'AppTable':
        if (self.api_key is None) == (self.api_key_env is None):
            raise ValueError('give either api_key or api_key_env')
        return self


class ProviderTable(_Table):
    name: Slug = Field(description='the provider in our addresses: `/auth/{name}/callback` is what it must know')
    preset: Preset = Field(
        Preset.OIDC, description='`oidc`, `google`, `entra`, `keycloak`, `auth0`, `okta`, `gitlab`, `github`, `oauth2`'
    )
    label: Text | None = Field(None, description='what stands on its button; without it, a name that fits the preset')
    issuer: str | None = Field(None, description='its address, as its own configuration tells it')
    client_id: Text = Field(description='what it knows us by')
    client_secret: SecretStr | None = Field(None, description='what proves that it is us, or better:')
    client_secret_env: str | None = Field(None, description='the environment variable that holds it')
    scopes: tuple[Text, ...] = Field((), description='what to ask for; without any, what fits the preset')
    groups_claim: Text = Field('groups', description="where somebody's groups stand, with dots: `realm_access.roles`")
    admin_groups: tuple[Text, ...] = Field((), description='groups whose members are admins')
    admin_claim: Text | None = Field(
        None,
        description='where `admin_groups` stand if not in `groups_claim`; without `admin_groups`, a claim that is true',
    )
    reader_groups: tuple[Text, ...] = Field(
        (), description="groups whose members, if they are admins too, may read other people's conversations"
    )
    reader_claim: Text | None = Field(
        None, description='the same for `reader_groups` as `admin_claim` for `admin_groups`'
    )
    allowed_domains: tuple[Text, ...] = Field(
        (), description='domains of verified e-mail addresses that may come in; empty: everybody'
    )
    trust_email: bool = Field(
        False, description='take addresses as verified where the provider says nothing of that (Entra)'
    )
    subject_claim: Text | None = Field(
        None, description='preset `oauth2`: where the id of a person stands; without it, `sub`'
    )
    authorize_url: str | None = Field(None, description='preset `oauth2`: where people sign in')
    token_url: str | None = Field(None, description='preset `oauth2`: where codes become tokens')
    userinfo_url: str | None = Field(None, description='preset `oauth2`: where it tells who somebody is')


class EmbedKeyTable(_Table):
    kid: Text = Field(description="the key's name, as tokens say it in their header")
    secret: SecretStr | None = Field(None, description='at least 32 random bytes that sign with HS256, or better:')
    secret_env: str | None = Field(None, description='the environment variable that holds them')
    public_key_file: Path | None = Field(
        None, description='or a public key as PEM: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA)'
    )

    @model_validator(mode='after')
    def _one_key(self) -> 'EmbedKeyTable':
        if sum(each is not None for each in (self.secret, self.secret_env, self.public_key_file)) != 1:
            raise ValueError('give one of secret, secret_env and public_key_file')
        return self


class EmbedTable(_Table):
    id: Slug = Field(description='the embed in our addresses: `/embed/{id}`')
    app: Slug = Field(description='slug of the app that it shows')
    origins: tuple[Text, ...] = Field(
        min_length=1,
        description='of the pages that may show it, such as `https://www.example.com`; '
        '`https://*.example.com` is any one name before that',
    )
    keys: tuple[EmbedKeyTable, ...] = Field((), description='by which hosts vouch for their people')
    anonymous: bool = Field(False, description='whether visitors may come in for whom nobody vouches')
    sign_in: bool = Field(False, description='whether people may sign in with a provider, in a window of its own')
    layout: Layout = Field(Layout.BUBBLE, description='`bubble`, `compact`, or `full` with the list of conversations')
    theme: Theme = Field('auto', description='`auto` as the system has it, `light` or `dark`')
    language: Text | None = Field(
        None, description="how numbers and dates are written, such as `de-AT`; without it, the browser's way"
    )
    header: bool = Field(True, description='whether the name of the app stands above')
    usage: bool = Field(False, description='whether people there see what answers cost')
    share_text: bool = Field(False, description="whether the host's page is told what is asked and answered")
    budget_group: Text | None = Field(
        None, description='the group that all answers here are charged to; without it, that of each person'
    )
    branding: AppBrandingTable = Field(AppBrandingTable(), description='as in `branding`, for this embed')


class LimitsTable(_Table):
    """All are off in local mode; 0 is no limit."""

    messages_per_minute: int = Field(20, ge=0, description='questions of one person')
    messages_per_hour: int = Field(300, ge=0, description='questions of one person')
    running_per_user: int = Field(2, ge=0, description='answers at once of one person')
    upload_mb_per_day: int = Field(100, ge=0, description='files of one person, in megabytes')
    searches_per_minute: int = Field(60, ge=0, description='searches of one person')
    exports_per_minute: int = Field(10, ge=0, description='exports of one person')
    speech_per_minute: int = Field(
        30, ge=0, description='pieces of answers that one person has read aloud, and what they dictate'
    )
    logins_per_minute: int = Field(10, ge=0, description='logins begun, and as many ended, from one address')
    guests_per_minute: int = Field(60, ge=0, description='new guests from one address')
    embed_entries_per_minute: int = Field(
        30, ge=0, description='new visitors, and tokens that are no good, from one address, for each embed'
    )
    sockets_per_user: int = Field(20, ge=0, description='open pages of one person, in one process')
    sockets_per_address: int = Field(50, ge=0, description='open pages of guests from one address, in one process')


class UsageTable(_Table):
    groups: tuple[Text, ...] = Field(
        (),
        description='groups that answers are charged to: the first that somebody is in; '
        'without any, the first of their groups by the alphabet',
    )


class BudgetTable(_Table):
    scope: Annotated[str, StringConstraints(pattern=r'^(user|all|(group|app):.+)$')] = Field(
        description='whose it is: `user` (each person by themselves), `group:NAME`, `app:SLUG`, or `all`'
    )
    period: Period = Field('month', description='`day` or `month`, in UTC')
    amount: Amount | None = Field(
        None, gt=0, decimal_places=NANO, description='how much may be spent, such as `"5.00"`, in:'
    )
    currency: Currency | None = Field(None, description='such as `USD`')
    tokens: int | None = Field(None, gt=0, le=MAX_TOKENS, description='or how many tokens, whatever they cost')

    @model_validator(mode='after')
    def _one_kind(self) -> 'BudgetTable':
        if (self.amount is None) == (self.tokens is None):
            raise ValueError('give either amount, with a currency, or tokens')
        if (self.amount is None) != (self.currency is None):
            raise ValueError('an amount needs a currency, and tokens have none')
        return self


class FilesTable(_Table):
    remote_urls: bool = Field(
        False, description='whether people may attach links, which Dify fetches, where an app takes them'
    )


class TitlesTable(_Table):
    mode: Literal['rename', 'upstream'] = Field(
        'rename', description='who names a conversation: we ask Dify after the answer, or Dify does by itself'
    )


class NetworkTable(_Table):
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description='addresses of the proxies in front of us; only theirs are the forwarded headers we believe'
    )
    first_byte_seconds: float = Field(300, gt=0, le=3600, description="how long to wait for an answer's first word")


class SessionsTable(_Table):
    idle_hours: float = Field(12, gt=0, le=24 * 365, description='hours without use after which a session ends')
    absolute_days: float = Field(7, gt=0, le=365, description='days after which a session ends in any case')


class RetentionTable(_Table):
    """Days; 0 keeps for ever."""

    messages_days: int = Field(
        0, ge=0, le=36500, description='days without a turn after which a conversation goes, in Dify too; 0: never'
    )
    files_days: int = Field(
        0, ge=0, le=36500, description='days after which the bytes of files go; messages go on naming them; 0: never'
    )
    ledger_days: int = Field(
        0, ge=0, le=36500,
        description='days after which single answers go from the ledger, if their conversation has gone; '
        'the sums by day stay; 0: never',
    )  # fmt: skip
    audit_days: int = Field(0, ge=0, le=36500, description='days after which entries of the audit log go; 0: never')


class ConfigFile(_Table):
    apps: tuple[AppTable, ...] = ()
    providers: tuple[ProviderTable, ...] = ()
    embeds: tuple[EmbedTable, ...] = ()
    limits: LimitsTable = LimitsTable()
    usage: UsageTable = UsageTable()
    budgets: tuple[BudgetTable, ...] = ()
    branding: BrandingTable = BrandingTable()
    files: FilesTable = FilesTable()
    titles: TitlesTable = TitlesTable()
    network: NetworkTable = NetworkTable()
    sessions: SessionsTable = SessionsTable()
    retention: RetentionTable = RetentionTable()
