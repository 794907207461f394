"""What is sent to a provider and taken from it, without the app around it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from auth_support import COMPANY
from issuer import CLIENT, SECRET, Issuer
from starlette.responses import JSONResponse
from visitor import query

from webapp import clock
from webapp.auth.clients import Begun, Client, Clients, GrantRefused, OidcClient
from webapp.auth.id_tokens import TokenRefused
from webapp.auth.providers import Preset
from webapp.auth.wire import Wire
from webapp.errors import NotFound, ProviderMisconfigured, ProviderUnavailable

BEGUN = Begun('state', 'nonce', 'v' * 64, 'https://chat.example/auth/company/callback')
Make = Callable[..., OidcClient]


@pytest.fixture
async def make(issuer: Issuer) -> AsyncIterator[Make]:
    """A client of the hostile issuer, with patience for a second."""
    wire = Wire(seconds=1.0)
    yield lambda **changes: OidcClient(
        replace(COMPANY, **{'issuer': issuer.url, 'client_id': CLIENT, 'client_secret': SECRET} | changes), wire
    )
    await wire.aclose()


async def redeem(client: OidcClient, issuer: Issuer, **more: Any) -> Any:
    """As if a browser had been there."""
    address = await client.address(BEGUN, anew=False)
    issuer.codes['code'] = issuer.last = query(address)
    return await client.redeem('code', BEGUN, now=clock.now(), **more)


async def test_a_token_endpoint_that_says_nothing(make: Make, issuer: Issuer) -> None:
    issuer.answers['/token'] = None
    with pytest.raises(ProviderUnavailable):
        await redeem(make(), issuer)


async def test_who_always_says_who_answers_must_do_so(make: Make, issuer: Issuer) -> None:
    issuer.metadata = {'authorization_response_iss_parameter_supported': True}
    client = make()
    for answerer in (None, '', f'{issuer.url}/', 'https://evil.example'):
        with pytest.raises(TokenRefused) as refused:
            await client.expect(answerer)
        assert refused.value.reason == 'mix_up'
    await client.expect(issuer.url)


async def test_what_it_gives(make: Make, issuer: Issuer) -> None:
    issuer.tokens = {'refresh_token': 'r', 'expires_in': '1800'}
    issuer.person |= {'sid': 's-1'}
    grant = await redeem(make(), issuer)
    assert (grant.identity.subject, grant.identity.issuer) == ('ann-1', issuer.url)
    assert (grant.session, grant.refresh_token, grant.expires_in) == ('s-1', 'r', 1800)
    assert grant.id_token.count('.') == 2


@pytest.mark.parametrize(
    ('said', 'seconds'), [(None, None), ('x', None), (-1, None), ([], None), ('nan', None), (60, 60)]
)
async def test_how_long_it_is_good_for(make: Make, issuer: Issuer, said: object, seconds: float | None) -> None:
    issuer.tokens = {'expires_in': said}
    assert (await redeem(make(), issuer)).expires_in == seconds


async def test_who_must_have_proven_anew_who_they_are(make: Make, issuer: Issuer) -> None:
    now, client = clock.now(), make()
    issuer.person |= {'auth_time': int(now.timestamp()) - 30}
    assert await redeem(client, issuer, since=now)
    issuer.person |= {'auth_time': int((now - timedelta(minutes=5)).timestamp())}
    assert await redeem(client, issuer)
    with pytest.raises(TokenRefused):
        await redeem(client, issuer, since=now)


async def test_a_refusal_is_told_without_what_was_sent(make: Make, issuer: Issuer) -> None:
    words = f'code code-1234567 and {SECRET} are wrong'
    issuer.answers['/token'] = JSONResponse({'error': 'invalid_grant', 'error_description': words}, 400)
    with pytest.raises(GrantRefused) as refused:
        await make().tokens('refresh_token', refresh_token='code-1234567')
    assert 'code *** and *** are wrong' in refused.value.detail


async def test_the_secret_goes_where_the_provider_reads_it(make: Make, issuer: Issuer) -> None:
    issuer.metadata = {'token_endpoint_auth_methods_supported': ['client_secret_post']}
    with pytest.raises(ProviderMisconfigured):  # this issuer reads the header alone
        await redeem(make(), issuer)
    assert issuer.form['client_secret'] == SECRET
    issuer.be_honest()
    await redeem(make(), issuer)
    assert 'client_secret' not in issuer.form
    with pytest.raises(ProviderMisconfigured):
        await redeem(make(client_secret=''), issuer)
    assert (issuer.form['client_id'], 'client_secret' in issuer.form) == (CLIENT, False)


async def test_a_secret_that_no_header_can_hold(make: Make, issuer: Issuer) -> None:
    with pytest.raises(ProviderMisconfigured):
        await redeem(make(client_secret='\u2028'), issuer)


@pytest.mark.parametrize(
    ('site', 'authorize', 'api'),
    [
        ('https://github.com', 'https://github.com/login/oauth/authorize', 'https://api.github.com/user'),
        ('https://corp.ghe.com', 'https://corp.ghe.com/login/oauth/authorize', 'https://api.corp.ghe.com/user'),
        ('https://git.corp.com/', 'https://git.corp.com/login/oauth/authorize', 'https://git.corp.com/api/v3/user'),
        ('https://github.com.evil.example', 'https://github.com.evil.example/login/oauth/authorize', ''),
    ],
)
async def test_where_github_is(site: str, authorize: str, api: str) -> None:
    clients = Clients([replace(COMPANY, preset=Preset.GITHUB, issuer=site)])
    client: Any = clients.get('company')
    assert (await client.address(BEGUN, anew=False)).startswith(f'{authorize}?')
    assert client._userinfo_url == (api or f'{site}/api/v3/user')
    await clients.aclose()


async def test_providers_have_names() -> None:
    clients = Clients([COMPANY])
    assert [client.provider for client in clients] == [COMPANY]
    with pytest.raises(NotFound):
        clients.get('other')
    await clients.aclose()
    await Clients([]).aclose()


async def test_an_address_that_has_a_query_keeps_it() -> None:
    urls = {
        'authorize_url': 'https://id.example/a?tenant=[x',
        'token_url': 'https://x/t',
        'userinfo_url': 'https://x/u',
    }
    clients = Clients([replace(COMPANY, preset=Preset.OAUTH2, **urls)])
    client: Client = clients.get('company')
    assert (await client.address(BEGUN, anew=True)).startswith('https://id.example/a?tenant=%5Bx&response_type=code&')
    await client.expect(None)
    with pytest.raises(TokenRefused):
        await client.expect('https://evil.example')
    await clients.aclose()
