"""What can be set, as the documentation lists it."""

from collections.abc import Iterator

from pydantic import BaseModel

from webapp.settings.environment import Environment
from webapp.settings.tables import (
    AppTable,
    BudgetTable,
    ConfigFile,
    EmbedKeyTable,
    EmbedTable,
    PriceTable,
    ProviderTable,
)


def described() -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning of everything that is read: the variables, then the keys of `webapp.toml`."""
    for field in Environment.model_fields.values():
        yield str(field.validation_alias), _words(field.default), field.description or ''
    lists: dict[str, type[BaseModel]] = {
        'apps': AppTable,
        'apps.prices': PriceTable,
        'providers': ProviderTable,
        'embeds': EmbedTable,
        'embeds.keys': EmbedKeyTable,
        'budgets': BudgetTable,
    }
    single = ('branding', 'limits', 'usage', 'files', 'titles', 'network', 'sessions', 'retention')
    for table in ('apps', 'apps.prices', 'providers', 'embeds', 'embeds.keys', *single[:3], 'budgets', *single[3:]):
        model = lists.get(table) or type(ConfigFile.model_fields[table].default)
        assert issubclass(model, BaseModel)
        for key, field in model.model_fields.items():
            yield f'{table}.{key}', '' if field.is_required() else _words(field.default), field.description or ''


def _words(default: object) -> str:
    if default is None or default == () or isinstance(default, BaseModel):
        return ''
    return str(default).lower() if isinstance(default, bool) else str(default)
