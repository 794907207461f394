"""Who is there, as the menu in the top line shows it."""

from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.ui import administration, i18n, login
from webapp.ui.theme import Link, Person

ME, LOGOUT = '/me', '/logout'
MY_EXPORT, EXPORT = '/me/export.zip', '/admin/users/{user}/export.zip'


def shown(services: Services, principal: Principal, here: str) -> Person:
    """:param here: the address of the page, to come back to after a login"""
    if principal.role is Role.GUEST:
        sign_in = (Link(i18n.t('frame.sign_in'), login.address(here)),)
        return Person('', links=sign_in if services.sessions.admission.providers else ())
    links = [Link(i18n.t('frame.me'), ME)]
    if principal.is_admin:
        links.append(Link(i18n.t('frame.admin'), administration.OVERVIEW.href))
    if services.is_local:
        return Person('', links=tuple(links))
    return Person(principal.name or i18n.t('frame.unnamed'), LOGOUT, tuple(links))
