"""What we are to a provider: where we send people, and what we get for the code that they bring back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from webapp.auth import claims, id_tokens
from webapp.auth.discovery import Discovery
from webapp.auth.id_tokens import Audience, TokenRefused, authenticated_since
from webapp.auth.providers import Provider
from webapp.auth.wire import Json, Wire
from webapp.errors import NotFound, ProviderMisconfigured, SignInFailed
from webapp.principal import Identity

OUR_FAULT = {
    'invalid_client', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope', 'incorrect_client_credentials',
    'redirect_uri_mismatch',
}  # fmt: skip
Who = TypeVar('Who', Identity, Identity | None)

MAX_SESSION = 500  # characters of a provider's name for one of its sessions


class GrantRefused(SignInFailed):
    """A code or a refresh token is not taken, or not any more."""

    reason = 'grant'


class NotProven(TokenRefused):
    """The provider does not say that they have just signed in there."""

    code = 'sign_in_unproven'

    def __init__(self) -> None:
        super().__init__('auth_time', 'it does not say that they have just proven who they are')


@dataclass(frozen=True, slots=True, repr=False)
class Begun:
    """What a login takes along, and must bring back."""

    state: str
    nonce: str
    verifier: str  # of PKCE
    redirect_uri: str


@dataclass(frozen=True, slots=True, repr=False)
class Grant(Generic[Who]):
    """What a provider has given. With a login it says who somebody is, with a refresh it may say nothing of it."""

    identity: Who
    session: str = ''  # its name for the session
    id_token: str = ''
    refresh_token: str = ''
    expires_in: float | None = None  # seconds for which its access token is good


class Client(Protocol):
    provider: Provider

    async def address(self, begun: Begun, *, anew: bool) -> str:
        """Where to send the browser. :param anew: have people prove again who they are"""

    async def expect(self, issuer: str | None) -> None:
        """Check who says that it answers (RFC 9207). :raises TokenRefused: it is another provider"""

    async def redeem(self, code: str, begun: Begun, *, now: datetime, since: datetime | None = None) -> Grant[Identity]:
        """Turn a code into who somebody is.

        :param since: they must have proven it since then; plain OAuth can not tell
        :raises SignInFailed: and its kinds
        """


class OidcClient:
    """OpenID Connect: a signed token says who somebody is."""

    def __init__(self, provider: Provider, wire: Wire) -> None:
        self.provider = provider
        self.discovery = Discovery(provider.issuer, wire)
        self._wire = wire

    async def address(self, begun: Begun, *, anew: bool) -> str:
        metadata = await self.discovery.metadata()
        proof = {'prompt': 'login', 'max_age': '0'} if anew else {}
        return _address(self.provider, metadata.authorization_endpoint, begun, nonce=begun.nonce, **proof)

    async def expect(self, issuer: str | None) -> None:
        metadata = await self.discovery.metadata()
        if issuer is None and metadata.names_itself:
            raise TokenRefused('mix_up', 'the provider did not say who answers, though it always does')
        if issuer is not None and issuer != metadata.issuer:
            raise TokenRefused('mix_up', f'another provider answers: {issuer[:200]!r}')

    async def redeem(self, code: str, begun: Begun, *, now: datetime, since: datetime | None = None) -> Grant[Identity]:
        form = {'code': code, 'code_verifier': begun.verifier, 'redirect_uri': begun.redirect_uri}
        tokens = await self.tokens('authorization_code', **form)
        said = await self.check(tokens, now=now, nonce=begun.nonce)
        if since and not authenticated_since(said, since):
            raise NotProven
        return granted(await self.identity(await self.complete(said, tokens)), said, tokens)

    async def tokens(self, grant: str, **form: str) -> Json:
        """What the token endpoint gives for a code or a refresh token.

        :raises GrantRefused: that is not taken
        :raises ProviderUnavailable, ProviderMisconfigured: see `Wire`; also if it does not take us
        """
        metadata = await self.discovery.metadata()
        return await _tokens(
            self._wire, self.provider, metadata.token_endpoint, grant, form, basic=metadata.takes_basic
        )

    async def check(self, tokens: Json, *, now: datetime, nonce: str | None) -> Json:
        """The claims of the ID token among them. :raises TokenRefused: there is none that counts"""
        token, metadata = _text(tokens, 'id_token'), await self.discovery.metadata()
        if not token:
            raise TokenRefused('missing', 'the provider gave no ID token; the scope "openid" asks for it')
        audience = Audience(metadata.issuer, self.provider.client_id)
        access = _text(tokens, 'access_token')
        return await self.discovery.with_keys(
            lambda keys: id_tokens.check(token, keys, audience, now=now, nonce=nonce, access_token=access)
        )

    async def complete(self, said: Json, tokens: Json) -> Json:
        """Claims, filled up by the userinfo endpoint if they say less than it may.

        :raises TokenRefused: that one speaks of somebody else
        :raises ProviderUnavailable, ProviderMisconfigured: see `Wire`
        """
        access, metadata = _text(tokens, 'access_token'), await self.discovery.metadata()
        if not access or not metadata.userinfo_endpoint or not claims.is_lacking(self.provider, said):
            return said
        return claims.merged(said, await self._wire.get(metadata.userinfo_endpoint, bearer=access))

    async def identity(self, said: Json) -> Identity:
        """:raises TokenRefused: the claims do not say who it is"""
        return claims.identity(self.provider, (await self.discovery.metadata()).issuer, said)


class OAuthClient:
    """Plain OAuth: whoever has the access token may ask who somebody is.

    :param emails_url: where their addresses stand, if not beside the rest
    """

    def __init__(
        self, provider: Provider, wire: Wire, *, authorize: str, token: str, userinfo: str, emails: str = ''
    ) -> None:
        self.provider = provider
        self._wire = wire
        self._authorize_url = authorize
        self._token_url = token
        self._userinfo_url = userinfo
        self._emails_url = emails

    async def address(self, begun: Begun, *, anew: bool) -> str:
        proof = {'prompt': 'login'} if anew else {}
        return _address(self.provider, self._authorize_url, begun, **proof)

    async def expect(self, issuer: str | None) -> None:
        if issuer is not None and not self.provider.vouches_for(issuer):
            raise TokenRefused('mix_up', f'another provider answers: {issuer[:200]!r}')

    async def redeem(self, code: str, begun: Begun, *, now: datetime, since: datetime | None = None) -> Grant[Identity]:
        form = {'code': code, 'code_verifier': begun.verifier, 'redirect_uri': begun.redirect_uri}
        basic = not self._emails_url  # GitHub reads the form alone
        tokens = await _tokens(self._wire, self.provider, self._token_url, 'authorization_code', form, basic=basic)
        if not (access := _text(tokens, 'access_token')):
            raise TokenRefused('missing', 'the provider gave no access token')
        said = await self._wire.get(self._userinfo_url, bearer=access)
        if self._emails_url:
            said |= _primary(await self._wire.get_list(self._emails_url, bearer=access))
        return Grant(claims.identity(self.provider, self.provider.issuer.rstrip('/'), said))


class Clients:
    """One for each provider of the settings. They share a wire, which is closed with them."""

    def __init__(self, providers: Iterable[Provider], wire: Wire | None = None) -> None:
        described = tuple(providers)
        self._wire = (wire or Wire()) if described else None
        self._clients = {each.name: _client(each, self._wire) for each in described} if self._wire else {}

    def __iter__(self) -> Iterator[Client]:
        return iter(self._clients.values())

    def get(self, name: str) -> Client:
        """:raises NotFound: there is no such provider"""
        if name not in self._clients:
            raise NotFound
        return self._clients[name]

    async def aclose(self) -> None:
        if self._wire:
            await self._wire.aclose()


def granted(identity: Who, said: Json, tokens: Json) -> Grant[Who]:
    """:param said: the claims of the ID token; none if there is none that counts"""
    return Grant(
        identity=identity,
        session=_session(said),
        id_token=_text(tokens, 'id_token') if said else '',
        refresh_token=_text(tokens, 'refresh_token'),
        expires_in=_seconds(tokens),
    )


def _client(provider: Provider, wire: Wire) -> Client:
    if provider.preset.is_oidc:
        return OidcClient(provider, wire)
    if provider.authorize_url:
        urls = {'authorize': provider.authorize_url, 'token': provider.token_url, 'userinfo': provider.userinfo_url}
        return OAuthClient(provider, wire, **urls)
    site = provider.issuer.rstrip('/')
    user = f'{_github_api(site)}/user'
    base = f'{site}/login/oauth'
    return OAuthClient(
        provider, wire, authorize=f'{base}/authorize', token=f'{base}/access_token', userinfo=user,
        emails=f'{user}/emails',
    )  # fmt: skip


def _github_api(site: str) -> str:
    """GitHub's own sites have a host for it, those that companies run have a path."""
    scheme, _, host = site.partition('://')
    is_theirs = host == 'github.com' or host.endswith('.ghe.com')
    return f'{scheme}://api.{host}' if is_theirs else f'{site}/api/v3'


def _address(provider: Provider, endpoint: str, begun: Begun, **more: str) -> str:
    address: str = prepare_grant_uri(
        endpoint,
        provider.client_id,
        'code',
        redirect_uri=begun.redirect_uri,
        scope=' '.join(provider.scopes),
        state=begun.state,
        code_challenge=create_s256_code_challenge(begun.verifier),
        code_challenge_method='S256',
        **more,
    )
    return address


async def _tokens(wire: Wire, provider: Provider, url: str, grant: str, form: dict[str, str], *, basic: bool) -> Json:
    secret = provider.client_secret
    method = ('client_secret_basic' if basic else 'client_secret_post') if secret else 'none'
    client = ClientAuth(provider.client_id, secret, method)
    try:
        _, headers, body = client.prepare('POST', url, {}, prepare_token_request(grant, **form))
    except UnicodeEncodeError as error:
        raise ProviderMisconfigured(detail='our client_id or client_secret holds letters that no header may') from error
    said = await wire.post(url, body, headers)
    if 'error' in said:
        raise _refusal(said, (*form.values(), secret))
    return said


def _refusal(said: Json, secrets: Iterable[str]) -> SignInFailed:
    """In the provider's words, but for what we have sent it: those are for the log."""
    code, words = str(said['error'])[:100], f'{said["error"]!s:.100}: {said.get("error_description", "")!s:.300}'
    for secret in filter(None, secrets):
        words = words.replace(secret, '***')
    detail = f'the token endpoint refuses: {words!r}'
    return ProviderMisconfigured(detail=detail) if code in OUR_FAULT else GrantRefused(detail=detail)


def _primary(addresses: list[object]) -> Json:
    """The address that somebody has chosen, if GitHub has seen that it is theirs."""
    found = next((each for each in addresses if isinstance(each, dict) and each.get('primary') is True), {})
    return {'email': found.get('email'), 'email_verified': found.get('verified') is True}


def _session(said: Json) -> str:
    session = _text(said, 'sid')
    return session if len(session) <= MAX_SESSION else ''


def _text(said: Json, name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ''


def _seconds(tokens: Json) -> float | None:
    value = tokens.get('expires_in')
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:9])
    return float(value) if isinstance(value, int | float) and value > 0 else None
