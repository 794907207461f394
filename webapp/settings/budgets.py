"""The budgets of the settings."""

from collections.abc import Sequence

from webapp.settings.apps import DEMO
from webapp.settings.given import Given
from webapp.settings.values import AppSettings
from webapp.store.budgets import Budget, Scope


def read(given: Given, apps: Sequence[AppSettings]) -> tuple[Budget, ...]:
    slugs = {app.slug for app in apps} or {DEMO}
    found: dict[tuple[str, ...], Budget] = {}
    for table in given.file.budgets:
        scope, _, target = table.scope.partition(':')
        budget = Budget(Scope(scope), target, table.period, table.amount, table.currency or '', table.tokens)
        if budget.scope is Scope.APP and target not in slugs:
            given.complain(f'budgets: there is no app "{target}"; the apps are {", ".join(sorted(slugs))}.')
        if budget.key in found:
            given.complain(f'budgets: there are two for {table.scope} in one {table.period}; keep one.')
        found[budget.key] = budget
    return tuple(found.values())
