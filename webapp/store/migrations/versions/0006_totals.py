"""the sums of the ledger by day, of everybody; budgets that admins set; what Dify's history tells"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'

KEY = ('day', 'cost_group', 'app', 'model', 'outcome', 'currency')
BUDGET_KEY = ('scope', 'target', 'period', 'currency')
SUMS = (
    *('answers', 'unpriced', 'unknown', 'estimated', 'prompt_tokens', 'completion_tokens', 'total_tokens'),
    *(f'{name}_{part}' for name in ('prompt', 'completion', 'total') for part in ('units', 'nano')),
)


def upgrade() -> None:
    op.create_table(
        'usage_totals',
        sa.Column('day', sa.Date(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in KEY[1:]),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in SUMS),
        sa.PrimaryKeyConstraint(*KEY, name='pk_usage_totals'),
    )
    op.create_table(
        'budgets',
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*BUDGET_KEY, 'maximum')),
        sa.PrimaryKeyConstraint(*BUDGET_KEY, name='pk_budgets'),
    )
    _history()
    key = ', '.join(KEY)
    sums = ', '.join(f'sum({name})' for name in SUMS)
    op.execute(
        f'INSERT INTO usage_totals ({key}, {", ".join(SUMS)}) SELECT {key}, {sums} '  # noqa: S608
        f'FROM usage_days GROUP BY {key}'
    )


def _history() -> None:
    for column in (
        sa.Column('look_at', sa.BigInteger()),
        sa.Column('looks', sa.BigInteger(), nullable=False, server_default='0'),
        sa.Column('history_tokens', sa.BigInteger()),
        sa.Column('history_nano', sa.BigInteger()),
        sa.Column('history_currency', sa.Text(), nullable=False, server_default=''),
    ):
        op.add_column('usage', column)
    for name, indexed, condition in (('look_at', 'look_at', 'look_at'), ('history', 'created_at', 'history_tokens')):
        there = sa.text(f'{condition} IS NOT NULL')
        op.create_index(f'ix_usage_{name}', 'usage', [indexed], sqlite_where=there, postgresql_where=there)
