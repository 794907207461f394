"""`/admin`: what there is for those who answer for the service."""

from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store import people
from webapp.ui import i18n, numbers, persons
from webapp.ui.page import page
from webapp.ui.sheets import SheetPage, written


def register(services: Services) -> None:
    @page(persons.ADMIN, role=Role.ADMIN)
    async def admin(principal: Principal) -> None:
        await AdminPage(services, principal, Role.ADMIN).build(i18n.t('admin.title'), i18n.t('admin.title'))


class AdminPage(SheetPage):
    async def render(self) -> str:
        read = self._services.store.read
        everybody = await read(people.count, wanted=people.Filter())
        blocked = await read(people.count, wanted=people.Filter(state='blocked'))
        return written(
            'admin.html',
            people=i18n.fill('admin.people', count=numbers.count(everybody)),
            blocked=i18n.fill('admin.blocked', count=numbers.count(blocked)) if blocked else '',
        )
