"""Every table says what it holds of a person."""

import pytest
from sqlalchemy import Column, MetaData, Table as SQLTable, Text

from webapp.store.holdings import HOLDINGS, Fate
from webapp.store.tables import Table

KNOWN = {holding.table: holding for holding in HOLDINGS}


def complaints(metadata: MetaData) -> list[str]:
    """What the list does not say, or says wrongly, of these tables."""
    found = [f'{name}: what does it hold of a person?' for name in sorted(metadata.tables.keys() - KNOWN.keys())]
    found += [f'{name}: there is no such table' for name in sorted(KNOWN.keys() - metadata.tables.keys())]
    for table in metadata.sorted_tables:
        fate = KNOWN[table.name].fate if table.name in KNOWN else None
        owners = {key.column.table.name for key in table.foreign_keys}
        if any(owner in KNOWN and KNOWN[owner].fate is Fate.DELETED for owner in owners) and fate is not Fate.DELETED:
            found.append(f'{table.name}: goes with {sorted(owners)}')
        if {'user_id', 'actor_id', 'target_id', 'target'} & set(table.columns.keys()) and fate not in {
            Fate.DELETED,
            Fate.RENAMED,
        }:
            found.append(f'{table.name}: names people')
    return found


def test_each_table_is_in_the_list() -> None:
    assert complaints(Table.metadata) == []
    assert len(KNOWN) == len(HOLDINGS)


@pytest.mark.parametrize('column', ['anything', 'user_id'])
def test_a_new_table_is_missed(column: str) -> None:
    more = MetaData()
    for table in Table.metadata.sorted_tables:
        table.to_metadata(more)
    SQLTable('diaries', more, Column(column, Text, primary_key=True))
    assert complaints(more)[0] == 'diaries: what does it hold of a person?'
    assert ('diaries: names people' in complaints(more)) is (column == 'user_id')
