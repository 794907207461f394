"""Who vouches for people: whether each provider is there, is who it says, and fits what we are ready to believe."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

from webapp.auth import discovery, id_tokens
from webapp.auth.discovery import WELL_KNOWN, Metadata
from webapp.auth.keys import Keys
from webapp.auth.providers import Preset, Provider
from webapp.auth.wire import Json, Wire
from webapp.doctor.probe import NoAnswer, Probe, probe
from webapp.doctor.report import Finding, State
from webapp.errors import SignInFailed
from webapp.settings import Settings

SECONDS = 4.0  # for one answer
LARGE_SKEW, MAX_SKEW = 60.0, id_tokens.LEEWAY.total_seconds()  # tokens are refused beyond the second


async def findings(chosen: Settings) -> list[Finding]:
    groups = await asyncio.gather(*(_provider(each, chosen.public_url) for each in chosen.providers))
    return [*(finding for group in groups for finding in group), *_admins(chosen)]


async def _provider(provider: Provider, public_url: str) -> list[Finding]:
    check = f'sign-in {provider.name}'
    found = [*await _examined(provider, check), *_doubts(provider, check)]
    return [*found, Finding(check, State.OK, _to_register(provider, public_url))]


async def _examined(provider: Provider, check: str) -> list[Finding]:
    place = _place(provider)
    try:
        met = await probe(place)
    except NoAnswer as error:
        return [Finding(check, State.WRONG, f'{place}: {error}', error.remedy)]
    clock = [_clock(check, met.skew)] if met.skew is not None else []
    if not provider.preset.is_oidc:
        return [Finding(check, State.OK, f'{_host(place)} answers'), *clock]
    return [*await _discovered(provider, check, met), *clock]


async def _discovered(provider: Provider, check: str, met: Probe) -> list[Finding]:
    if met.location:
        text = f'{provider.issuer} sends us on to {met.location}, and we go nowhere with secrets'
        return [Finding(check, State.WRONG, text, f'Set issuer of "{provider.name}" to the address where it is.')]
    wire = Wire(SECONDS)
    try:
        said = await wire.get(_place(provider))
        metadata = discovery.read(provider.issuer, said)
        keys = Keys.of(await wire.get(metadata.jwks_uri))
    except SignInFailed as error:
        remedy = (
            f'Open {_place(provider)} in a browser: `issuer` there is what the settings must have, and all of its '
            'addresses must be https.'
        )
        return [Finding(check, State.WRONG, error.detail, remedy)]
    finally:
        await wire.aclose()
    return [Finding(check, State.OK, _facts(said, metadata, met)), *_misfits(check, said, keys)]


def _facts(said: Json, metadata: Metadata, met: Probe) -> str:
    facts = [f'{metadata.issuer}, {met.seconds * 1000:.0f} ms']
    facts.append(
        'signs people out there too' if metadata.end_session_endpoint else 'does not let us sign people out there'
    )
    if said.get('backchannel_logout_supported') is True:
        facts.append('tells when somebody has signed out elsewhere')
    return '; '.join(facts)


def _misfits(check: str, said: Json, keys: Keys) -> Iterator[Finding]:
    algorithms = said.get('id_token_signing_alg_values_supported')
    if isinstance(algorithms, list) and not set(id_tokens.ALGORITHMS).intersection(map(str, algorithms)):
        yield Finding(
            check,
            State.WRONG,
            f'it signs by {", ".join(map(str, algorithms))} alone, and we take none of these',
            f'Let it sign for this client by one of {", ".join(id_tokens.ALGORITHMS[:3])}.',
        )
    if not keys.keys:
        yield Finding(check, State.WRONG, 'it publishes no key that we can use', 'Let it sign by RSA or EC keys.')
    methods = said.get('code_challenge_methods_supported')
    if isinstance(methods, list) and 'S256' not in methods:
        yield Finding(
            check,
            State.WARNING,
            'it does not announce PKCE with S256, which we always send',
            'If it refuses logins, turn on PKCE for this client there.',
        )


def _clock(check: str, skew: float) -> Finding:
    text = f'its clock is {abs(skew):.0f} seconds {"ahead of" if skew > 0 else "behind"} ours'
    remedy = f'Let this computer set its clock by NTP: beyond {MAX_SKEW:.0f} seconds nobody gets in.'
    if abs(skew) > MAX_SKEW:
        return Finding(check, State.WRONG, text, remedy)
    if abs(skew) > LARGE_SKEW:
        return Finding(check, State.WARNING, text, remedy)
    return Finding(check, State.OK, f'its clock agrees with ours within {max(abs(skew), 1):.0f} s')


def _doubts(provider: Provider, check: str) -> Iterator[Finding]:
    if not provider.client_secret:
        yield Finding(
            check,
            State.WARNING,
            'has no client secret; only a public client can do without',
            'Set client_secret_env, or OIDC_CLIENT_SECRET for the quick start, to what the provider gave.',
        )
    if provider.preset is Preset.ENTRA and provider.allowed_domains and not provider.trusts_email:
        yield Finding(
            check,
            State.WARNING,
            'Entra rarely says that an address is verified, so allowed_domains lets nobody in',
            'The tenant is the limit already: take allowed_domains out, or set trust_email = true.',
        )


def _to_register(provider: Provider, public_url: str) -> str:
    """What the provider must be told of us."""
    own = f'{public_url}/auth/{provider.name}'
    text = f'register there: redirect URI {own}/callback'
    if provider.preset.is_oidc:
        text += f'; after sign-out {public_url}/login; back-channel logout {own}/backchannel-logout'
    return text


def _admins(chosen: Settings) -> Iterator[Finding]:
    providers = chosen.providers
    by_claim = any(provider.admin_groups or provider.admin_claim for provider in providers)
    if providers and not chosen.admins and not by_claim:
        yield Finding(
            'admins',
            State.WARNING,
            'nobody is an admin',
            'Name somebody in WEBAPP_ADMINS, or a group of theirs in admin_groups of a provider.',
        )


def _place(provider: Provider) -> str:
    """What to ask to find out whether it is there."""
    if provider.preset.is_oidc:
        return provider.issuer.rstrip('/') + WELL_KNOWN
    return provider.token_url or provider.issuer


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
