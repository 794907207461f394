"""`/admin/budgets`: how much may be spent, how much of it is, and the form that sets it."""

import hashlib
import json
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request
from markupsafe import Markup

from webapp.errors import NotFound, Refused
from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store import budget_table, labels, people
from webapp.store.budget_table import Board, Posted
from webapp.store.budgets import Budget, Scope
from webapp.store.people import Filter
from webapp.ui import budget_lines, i18n, numbers
from webapp.ui.budget_form import PERIODS, PERSON, SCOPES, TOKENS, Form
from webapp.ui.page import page
from webapp.ui.sheets import SheetPage, written

PATH = '/admin/budgets'
MAX_FORM = 5000
MOST_ALIKE = 50  # people whom a name may mean


def register(services: Services) -> None:
    @page(PATH, role=Role.ADMIN)
    async def budgets(principal: Principal, request: Request) -> None:
        await BudgetsPage(services, principal, request.query_params.get('user', '')).build(
            i18n.t('budget.title'), i18n.t('admin.title')
        )


@dataclass(frozen=True, slots=True)
class Row:
    key: str  # for `act`
    id: str  # for the focus
    name: str  # whose it is
    href: str  # to that person; '' for others
    period: str
    limit: Markup
    used: Markup | None  # None: each person's differs, see `people`
    share: float  # of one, and no more
    people: list[Markup]  # how many are near the end, and at it
    resets: str
    is_set: bool  # by an admin; else it is from the settings
    is_instead: bool  # of one of the settings


class BudgetsPage(SheetPage):
    """:param user_id: whose budget the form is for; '' for none"""

    SHEETS = (*SheetPage.SHEETS, 'usage.css')

    def __init__(self, services: Services, principal: Principal, user_id: str) -> None:
        super().__init__(services, principal, Role.ADMIN)
        self._form = Form(scope=PERSON, target=user_id) if user_id else Form()
        self._edited = ''  # key of the budget that is being changed

    async def render(self) -> str:
        board = await self._services.budgets.board()
        used = {posted.budget.currency for posted in board.posted if posted.budget.currency}
        rows = [self._row(board, posted) for posted in board.posted]
        currencies = sorted({*board.currencies, *used})
        return written(
            'budgets.html',
            rows=rows,
            form=self._form,
            edited=next((row for row in rows if row.key == self._edited), None),
            person=await self._name(self._form.target) if self._form.scope == PERSON else '',
            scopes=[(name, i18n.t('budget.scope_' + name)) for name in SCOPES],
            periods=[(name, i18n.t('budget.each_' + name)) for name in PERIODS],
            units=[*currencies, TOKENS],
            unit=self._form.unit or next(iter([*board.currencies, *currencies]), TOKENS),
            groups=board.groups,
            apps=[(app.slug, app.name or app.slug) for app in self._services.apps],
        )

    async def act(self, name: str, of: str) -> None:
        match name:
            case 'save':
                await self._save(Form.of(dict(parse_qsl(of[:MAX_FORM]))))
            case 'edit':
                self._form, self._edited = Form.showing(await self._known(of)), of
                await self.refresh(said=i18n.t('budget.changing'))
            case 'cancel':
                await self._done('')
            case 'remove':
                key = (await self._known(of)).key
                await self._services.store.write(budget_table.remove, key=key, **self._doing)
                await self._done(i18n.t('budget.removed'))
            case _:
                raise NotFound

    async def _save(self, form: Form) -> None:
        user_id = await self._person(form.target) if form.scope == PERSON else ''
        budget = form.budget(user_id)
        if form.scope == Scope.APP and form.target not in {app.slug for app in self._services.apps}:
            await self._known(_key(budget))  # of an app that is gone, only what is there can be changed
        await self._services.store.write(budget_table.save, budget=budget, **self._doing)
        await self._done(i18n.t('budget.saved'))

    async def _done(self, said: str) -> None:
        self._form, self._edited = Form(), ''
        await self.refresh(said=said)

    async def _person(self, words: str) -> str:
        """The id of the one person who is meant. :raises Refused: `budget_for_nobody`, `budget_for_several`"""
        read = self._services.store.read
        try:
            return (await read(people.get, user_id=words)).user.id
        except NotFound:
            found = await read(people.page, wanted=Filter(search=words), limit=MOST_ALIKE)
        exact = [each for each in found if words.casefold() in (each.user.email.casefold(), each.user.name.casefold())]
        if len(found) == MOST_ALIKE:  # there may be one more of that very name
            raise Refused('budget_for_several')
        match exact or found:
            case [one]:
                return one.user.id
            case []:
                raise Refused('budget_for_nobody')
        raise Refused('budget_for_several')

    async def _name(self, user_id: str) -> str:
        person = (await self._services.store.read(labels.called, ids={user_id})).get(user_id)
        return (person.name or person.subject) if person else user_id

    async def _known(self, key: str) -> Budget:
        """:raises NotFound: there is none (any more)"""
        for budget in await self._services.budgets.all():
            if _key(budget) == key:
                return budget
        raise NotFound

    def _row(self, board: Board, posted: Posted) -> Row:
        budget, stands = posted.budget, posted.stands
        name, href = self._whose(board, budget)
        counts = {'near': posted.near, 'over': posted.over}
        return Row(
            key=_key(budget),
            id=hashlib.sha256(_key(budget).encode()).hexdigest()[:12],
            name=name,
            href=href,
            period=i18n.t('budget.each_' + budget.period),
            limit=budget_lines.amount(budget, budget.limit),
            used=budget_lines.amount(budget, stands.used) if stands else None,
            share=min(1.0, stands.share) if stands else 0,
            people=[
                i18n.fill('budget.people_' + name, count=numbers.count(number))
                for name, number in counts.items()
                if number
            ],
            resets=i18n.t('budget.resets', wait=budget_lines.wait(budget)),
            is_set=posted.is_set,
            is_instead=posted.is_instead,
        )

    def _whose(self, board: Board, budget: Budget) -> tuple[str, str]:
        match budget.scope:
            case Scope.GROUP:
                return i18n.t('budget.group', name=budget.target), ''
            case Scope.APP:
                names = {app.slug: app.name or app.slug for app in self._services.apps}
                return i18n.t('budget.app', name=names.get(budget.target, budget.target)), ''
            case Scope.USER if budget.target:
                person = board.called.get(budget.target)
                gone = i18n.t('spending.gone', id=budget.target[:8])
                return (person.name or person.subject, f'/admin/users/{budget.target}') if person else (gone, '')
        return i18n.t('budget.scope_' + budget.scope), ''


def _key(budget: Budget) -> str:
    return json.dumps(budget.key)
