"""the sums of the ledger by day, of everybody; budgets that admins set"""

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
    key = ', '.join(KEY)
    sums = ', '.join(f'sum({name})' for name in SUMS)
    op.execute(
        f'INSERT INTO usage_totals ({key}, {", ".join(SUMS)}) SELECT {key}, {sums} '  # noqa: S608
        f'FROM usage_days GROUP BY {key}'
    )
