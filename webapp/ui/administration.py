"""The parts of the administration, in the order in which tabs and the overview name them."""

from dataclasses import dataclass

from webapp.ui import log_entries, usage_asked


@dataclass(frozen=True, slots=True)
class Area:
    name: str
    href: str
    title: str  # key of its words
    about: str = ''  # key of a line about it; '' where the overview has a better one


OVERVIEW = Area('index', '/admin', 'admin.index')
AREAS = (
    OVERVIEW,
    Area('usage', usage_asked.PATH, 'spending.title', 'spending.index'),
    Area('budgets', '/admin/budgets', 'budget.title', 'budget.index'),
    Area('embeds', '/admin/embeds', 'embeds.title', 'embeds.index'),
    Area('feedback', '/admin/feedback', 'queue.title', 'queue.index'),
    Area('people', '/admin/users', 'people.title'),
    Area('audit', log_entries.PATH, 'audit.title', 'admin.audit'),
)
