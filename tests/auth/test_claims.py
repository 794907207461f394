"""What is believed of what a provider says of somebody."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from auth_support import COMPANY

from webapp.auth import claims
from webapp.auth.admission import Admission
from webapp.auth.id_tokens import TokenRefused
from webapp.auth.providers import Preset, Provider
from webapp.principal import GUEST, LOCAL, Identity, Role

ISSUER = COMPANY.issuer


def identity(said: dict[str, Any], provider: Provider = COMPANY, **settings: Any) -> Identity:
    return claims.identity(replace(provider, **settings), ISSUER, {'sub': 'ann-1'} | said)


def test_what_a_provider_usually_says() -> None:
    said = {'name': 'Ann', 'email': 'ann@corp.com', 'email_verified': True, 'groups': ['staff', 'chat']}
    assert identity(said) == Identity(
        issuer=ISSUER,
        subject='ann-1',
        provider='company',
        name='Ann',
        email='ann@corp.com',
        email_verified=True,
        groups=frozenset({'staff', 'chat'}),
    )


@pytest.mark.parametrize('subject', [None, '', ' ', 7, True, ['ann-1'], {'id': 'ann-1'}, 'ann\0', 'ann\ud800'])
def test_nobody_comes_of_a_subject_that_is_none(subject: object) -> None:
    with pytest.raises(TokenRefused):
        identity({'sub': subject})


@pytest.mark.parametrize(
    ('said', 'trusts', 'is_verified'),
    [
        ({'email_verified': True}, False, True),
        ({'email_verified': 'true'}, False, True),
        ({'email_verified': 'True'}, False, True),
        ({'email_verified': False}, True, False),
        ({'email_verified': 'false'}, True, False),
        ({'email_verified': 'yes'}, True, False),
        ({'email_verified': 1}, True, False),
        ({}, False, False),
        ({}, True, True),
        ({'email_verified': None}, False, False),
        ({'email_verified': True, 'email': ''}, True, False),
        ({'email_verified': True, 'email': ['ann@corp.com']}, True, False),
        ({'email_verified': True, 'email': 'nowhere'}, True, False),
        ({'email_verified': True, 'email': f'{"a" * 300}@corp.com'}, True, False),
        ({'email_verified': True, 'email': 'a@corp.com\n'}, True, True),
        ({'email_verified': True, 'email': 'a@corp\n.com'}, True, False),
    ],
)
def test_when_an_address_counts(said: dict[str, Any], trusts: bool, is_verified: bool) -> None:
    assert identity({'email': 'ann@corp.com'} | said, trusts_email=trusts).email_verified is is_verified


@pytest.mark.parametrize(
    ('domain', 'is_verified'),
    [('corp.com', True), ('CORP.com', True), ('evil.example', False), (None, False), (['corp.com'], False)],
)
def test_google_must_say_whose_account_it_is(domain: object, is_verified: bool) -> None:
    said = {'email': 'ann@corp.com', 'email_verified': True, 'hd': domain}
    google = {'preset': Preset.GOOGLE, 'allowed_domains': frozenset({'corp.com'})}
    assert identity(said, **google).email_verified is is_verified
    assert identity(said, preset=Preset.GOOGLE).email_verified


NESTED = {'realm_access': {'roles': ['a', 'b']}, 'https://example.com/roles': ['c'], 'resource': {'x.y': {'z': 'd'}}}


@pytest.mark.parametrize(
    ('path', 'groups'),
    [
        ('realm_access.roles', {'a', 'b'}),
        ('https://example.com/roles', {'c'}),
        ('resource.x.y.z', {'d'}),
        ('realm_access', set()),
        ('realm_access.roles.a', set()),
        ('missing', set()),
        ('', set()),
        ('..', set()),
    ],
)
def test_groups_stand_anywhere(path: str, groups: set[str]) -> None:
    assert identity(NESTED, groups_claim=path).groups == groups


@pytest.mark.parametrize(
    ('said', 'groups'),
    [
        ('staff', {'staff'}),
        (['staff', 7, None, ['x'], {'y': 1}, '', 'staff'], {'staff'}),
        ({'staff': True}, set()),
        (7, set()),
        (None, set()),
        (['x' * 501, 'ok'], {'ok'}),
    ],
)
def test_groups_are_texts(said: object, groups: set[str]) -> None:
    assert identity({'groups': said}).groups == groups


def test_groups_are_not_without_number() -> None:
    found = identity({'groups': [f'{n:05}' for n in range(20_000)]}, admin_groups=frozenset({'19999'}))
    assert len(found.groups) == 1000
    assert found.claims_admin


def test_too_many_groups_to_tell_are_none_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = identity({'_claim_names': {'groups': 'src1'}}, admin_groups=frozenset({'admins'}))
    assert not found.groups
    assert not found.claims_admin
    assert 'more groups than it tells' in caplog.text


@pytest.mark.parametrize(
    ('settings', 'said', 'is_admin'),
    [
        ({'admin_groups': {'admin'}}, {'groups': ['admin']}, True),
        ({'admin_groups': {'admin'}}, {'groups': 'admin'}, True),
        ({'admin_groups': {'admin'}}, {'groups': ['administrator', 'Admin', 'admins']}, False),
        ({'admin_groups': {'admin'}}, {'groups': 'administrator'}, False),
        ({'admin_groups': {'admin'}}, {}, False),
        ({'admin_groups': {'admin'}}, {'groups': {'admin': True}}, False),
        ({'admin_groups': {'admin'}, 'admin_claim': 'app.roles'}, {'app': {'roles': ['admin']}}, True),
        ({'admin_groups': {'admin'}, 'admin_claim': 'app.roles'}, {'groups': ['admin']}, False),
        ({'admin_groups': {'true'}, 'admin_claim': 'is_admin'}, {'is_admin': True}, False),
        ({'admin_claim': 'is_admin'}, {'is_admin': True}, True),
        ({'admin_claim': 'is_admin'}, {'is_admin': 'true'}, True),
        ({'admin_claim': 'is_admin'}, {'is_admin': 'yes'}, False),
        ({'admin_claim': 'is_admin'}, {'is_admin': 1}, False),
        ({'admin_claim': 'is_admin'}, {'is_admin': [True]}, False),
        ({'admin_claim': 'is_admin'}, {}, False),
        ({}, {'groups': ['admin'], 'admin': True, 'role': 'admin'}, False),
    ],
)
def test_who_claims_to_be_an_admin(settings: dict[str, Any], said: dict[str, Any], is_admin: bool) -> None:
    settings = {name: frozenset(v) if isinstance(v, set) else v for name, v in settings.items()}
    found = identity(said, **settings)
    assert (found.claims_admin, found.claims_reader) == (is_admin, False)
    as_reader = {name.replace('admin_', 'reader_'): value for name, value in settings.items()}
    found = identity(said, **as_reader)
    assert (found.claims_admin, found.claims_reader) == (False, is_admin), 'the same rule, and another role'


def test_names_are_one_line_and_bounded() -> None:
    assert identity({'name': ' A\nnn \u202e' + 'x' * 1000}).name == ('A nn ' + 'x' * 1000)[:255]
    assert identity({'name': 7, 'preferred_username': 'ann'}).name == 'ann'
    assert identity({'name': '', 'nickname': 'annie'}).name == 'annie'
    assert identity({'name': 'A\ud800'}).name == 'A\ufffd'


GITHUB = replace(COMPANY, preset=Preset.GITHUB, subject_claim='id')
OAUTH = replace(COMPANY, preset=Preset.OAUTH2, subject_claim='user.id')


def test_where_plain_oauth_says_who_somebody_is() -> None:
    assert identity({'id': 42, 'login': 'ann'}, GITHUB).subject == '42'
    assert identity({'id': 42, 'login': 'ann'}, GITHUB).name == 'ann'
    assert identity({'user': {'id': 7}}, OAUTH).subject == '7'
    assert identity({'user': {'id': 'x'}}, OAUTH).subject == 'x'
    for said, provider in [
        ({'id': 'ann'}, GITHUB),
        ({'id': True}, GITHUB),
        ({}, GITHUB),
        ({'user': {'id': True}}, OAUTH),
    ]:
        with pytest.raises(TokenRefused):
            identity(said, provider)


def test_what_the_userinfo_endpoint_says_fills_up_and_never_overrules() -> None:
    both = claims.merged({'sub': 'a', 'name': 'Ann'}, {'sub': 'a', 'name': 'Other', 'groups': ['staff']})
    assert both == {'sub': 'a', 'name': 'Ann', 'groups': ['staff']}
    for other in ({'sub': 'b'}, {}, {'sub': None}):
        with pytest.raises(TokenRefused):
            claims.merged({'sub': 'a'}, other)


@pytest.mark.parametrize(
    ('token', 'userinfo', 'expected'),
    [
        ({'email': 'a@x.org'}, {'email': 'b@corp.com', 'email_verified': True}, {'email': 'a@x.org'}),
        ({'email': 'a@x.org'}, {'email_verified': True}, {'email': 'a@x.org'}),
        (
            {'email': 'a@x.org'},
            {'email': 'a@x.org', 'email_verified': True},
            {'email': 'a@x.org', 'email_verified': True},
        ),
        ({'email_verified': True}, {'email': 'b@corp.com'}, {'email': 'b@corp.com'}),
        (
            {'email': 'a@x.org', 'email_verified': False},
            {'email': 'a@x.org', 'email_verified': True},
            {'email': 'a@x.org', 'email_verified': False},
        ),
    ],
)
def test_an_address_is_verified_by_who_tells_it(
    token: dict[str, Any], userinfo: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert claims.merged({'sub': 'a'} | token, {'sub': 'a'} | userinfo) == {'sub': 'a'} | expected


def test_more_is_asked_for_only_when_something_is_missing() -> None:
    whole = {'sub': 'a', 'name': 'Ann', 'email': 'a@x.org', 'email_verified': True, 'groups': []}
    assert not claims.is_lacking(COMPANY, whole)
    for name in ('name', 'email', 'email_verified', 'groups'):
        assert claims.is_lacking(COMPANY, {k: v for k, v in whole.items() if k != name})
    assert claims.is_lacking(replace(COMPANY, admin_claim='app.roles'), whole)
    assert claims.is_lacking(replace(COMPANY, reader_claim='app.roles'), whole)


@pytest.mark.parametrize(
    ('address', 'role'),
    [
        ('a@corp.com', Role.USER),
        ('a@CORP.com', Role.USER),
        ('a@evil.com@corp.com', None),
        ('"a@corp.com"@evil.com', None),
        ('a@corp.com.evil.com', None),
        ('a@evilcorp.com', None),
        ('a@sub.corp.com', None),
        ('a@c\u043erp.com', None),  # Cyrillic
        ('a@corp.com ', Role.USER),
        ('@corp.com', None),
        ('corp.com', None),
    ],
)
def test_whose_domain_may_come_in(address: str, role: Role | None) -> None:
    provider = replace(COMPANY, allowed_domains=frozenset({'corp.com'}))
    admission = Admission(providers=[provider])
    assert (
        admission.role(claims.identity(provider, ISSUER, {'sub': 'a', 'email': address, 'email_verified': True}))
        == role
    )
    assert admission.role(claims.identity(provider, ISSUER, {'sub': 'a', 'email': address})) is None


FORGE = replace(COMPANY, name='forge', issuer='https://forge.example')


@pytest.mark.parametrize(
    ('admin', 'provider', 'subject', 'address', 'role'),
    [
        ('company:123', 'company', '123', '', Role.ADMIN),
        ('company:123', 'forge', 'company:123', '', Role.USER),
        ('company:123', 'forge', '123', '', Role.USER),
        ('company:ann@example.com', 'company', 'ann@example.com', '', Role.ADMIN),
        ('company:ann@example.com', 'forge', 'ann', 'company:ann@example.com', Role.USER),
        ('123', 'company', '123', '', Role.USER),
        ('123', 'forge', '123', '', Role.USER),
        ('ann@example.com', 'forge', 'ann@example.com', '', Role.USER),
        ('ann@example.com', 'forge', 'ann', 'Ann@Example.com', Role.ADMIN),
        ('kelvin@example.com', 'forge', 'ann', '\u212aelvin@example.com', Role.USER),
        ('\u212aelvin@example.com', 'forge', 'ann', 'kelvin@example.com', Role.USER),
        ('ann@strasse.de', 'forge', 'ann', 'ann@stra\u00dfe.de', Role.USER),
        ('company:', 'company', '', '', Role.USER),
    ],
)
def test_an_admin_is_whom_the_settings_mean_and_nobody_whom_another_provider_calls_so(
    admin: str, provider: str, subject: str, address: str, role: Role
) -> None:
    by = {'company': COMPANY, 'forge': FORGE}[provider]
    admission = Admission(providers=[COMPANY, FORGE], admins=[admin])
    assert admission.role(Identity(by.issuer, subject, by.name, email=address, email_verified=True)) is role
    if address:
        assert admission.role(Identity(by.issuer, subject, by.name, email=address)) is Role.USER
    reading = Admission(providers=[COMPANY, FORGE], readers=[admin])
    somebody = Identity(by.issuer, subject, by.name, email=address, email_verified=True)
    assert (reading.role(somebody), reading.is_reader(somebody)) == (Role.USER, role is Role.ADMIN)
    assert not admission.is_reader(somebody), 'no role has it by itself'


def test_a_reader_is_one_only_as_long_as_the_settings_let_them_in() -> None:
    claimed = Identity(COMPANY.issuer, '123', COMPANY.name, claims_reader=True)
    assert Admission(providers=[COMPANY]).is_reader(claimed)
    assert not Admission(providers=[FORGE]).is_reader(claimed)
    strict = replace(COMPANY, allowed_domains=frozenset({'corp.com'}))
    assert not Admission(providers=[strict]).is_reader(claimed)


def test_guests_are_no_readers_and_the_local_person_is_one() -> None:
    guest, local = Identity(GUEST, '1', GUEST, claims_reader=True), Identity(LOCAL, LOCAL, LOCAL)
    assert not Admission(guests=True, readers=['1']).is_reader(guest)
    assert Admission(is_local=True).is_reader(local)
    assert not Admission(guests=True).is_reader(local)


@pytest.mark.parametrize('admin', ['123', 'company:123', 'forge:123', 'auth0|123'])
def test_where_there_is_one_provider_its_subjects_need_no_name_before_them(admin: str) -> None:
    admission = Admission(providers=[COMPANY], admins=[admin])
    subject = admin.removeprefix('company:')
    assert admission.role(Identity(COMPANY.issuer, subject, COMPANY.name)) is Role.ADMIN


def test_not_even_then_is_a_subject_an_address() -> None:
    admission = Admission(providers=[COMPANY], admins=['ann@example.com'])
    assert admission.role(Identity(COMPANY.issuer, 'ann@example.com', COMPANY.name)) is Role.USER


@pytest.mark.parametrize(
    ('allowed', 'address'),
    [
        ('strasse.de', 'a@stra\u00dfe.de'),
        ('kelvin.example', 'a@\u212aelvin.example'),
        ('corp.com', 'a@corp\u3002com'),
        ('corp.com', 'a@corp.com..'),
        ('corp.com', 'a@\uff43orp.com'),
    ],
)
def test_letters_that_become_others_elsewhere_are_no_way_in(allowed: str, address: str) -> None:
    admission = Admission(providers=[replace(COMPANY, allowed_domains=frozenset({allowed}))])
    for spelt, role in ((address, None), (f'a@{allowed}', Role.USER)):
        assert admission.role(Identity(COMPANY.issuer, 'a', COMPANY.name, email=spelt, email_verified=True)) is role
