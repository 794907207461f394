"""Run by alembic, with the connection that `store.migration` has opened."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import TypeDecorator

from webapp.store.tables import Table


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """New versions speak of plain types only: they must run long after our classes have changed."""
    if kind == 'type' and isinstance(item, TypeDecorator):
        return f'sa.{item.impl_instance!r}'
    return False


context.configure(
    connection=context.config.attributes['connection'],
    target_metadata=Table.metadata,
    render_item=render_item,
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=True,
)
context.run_migrations()
