"""the ledger by group and model, and its sums by day"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'

DAY_KEY = ('day', 'user_id', 'cost_group', 'app', 'model', 'outcome', 'currency')
SPEED_KEY = ('day', 'app', 'cost_group', 'model', 'outcome', 'measure', 'bucket')
COUNTS = ('answers', 'unpriced', 'unknown', 'estimated')
TOKENS = ('prompt_tokens', 'completion_tokens', 'total_tokens')
AMOUNTS = ('prompt', 'completion', 'total')
SHORTEST, SPANS, LAST = 10, 4, 80  # of `speeds`, as they were when this was written


def upgrade() -> None:
    for table, name in (('messages', 'cost_group'), ('usage', 'cost_group'), ('usage', 'model')):
        # with a default that stays: to take it away, SQLite would have to write every message anew
        op.add_column(table, sa.Column(name, sa.Text(), nullable=False, server_default=''))
    op.drop_index('ix_usage_day', 'usage')
    op.create_index('ix_usage_created_at_id', 'usage', ['created_at', 'id'])
    op.create_index('ix_usage_app_created_at', 'usage', ['app', 'created_at'])
    _days()
    _speeds()


def _days() -> None:
    sums = [*COUNTS, *TOKENS, *(f'{name}_{part}' for name in AMOUNTS for part in ('units', 'nano'))]
    op.create_table(
        'usage_days',
        sa.Column('day', sa.Date(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in DAY_KEY[1:]),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in sums),
        sa.PrimaryKeyConstraint(*DAY_KEY, name='pk_usage_days'),
    )
    op.create_index('ix_usage_days_user_id_day', 'usage_days', ['user_id', 'day'])
    values = [
        'count(*)',
        *(f"sum(CASE WHEN pricing = '{name}' THEN 1 ELSE 0 END)" for name in COUNTS[1:]),
        *(f'coalesce(sum({name}), 0)' for name in TOKENS),
        *(f'coalesce(sum({name}_nano {sign} 1000000000), 0)' for name in AMOUNTS for sign in ('/', '%')),
    ]
    key = ', '.join(DAY_KEY)
    op.execute(
        f'INSERT INTO usage_days ({key}, {", ".join(sums)}) SELECT {key}, {", ".join(values)} '  # noqa: S608
        f'FROM usage GROUP BY {key}'
    )


def _speeds() -> None:
    op.create_table(
        'usage_speeds',
        sa.Column('day', sa.Date(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in SPEED_KEY[1:-1]),
        sa.Column('bucket', sa.Integer(), nullable=False),
        sa.Column('answers', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*SPEED_KEY, name='pk_usage_speeds'),
    )
    key = ', '.join(SPEED_KEY[:5])
    for measure in ('first_token', 'latency'):
        column = f'{measure}_ms'
        spans = ' '.join(
            f'WHEN {column} <= {int(SHORTEST * 2 ** (number / SPANS))} THEN {number}' for number in range(LAST)
        )
        op.execute(
            f'INSERT INTO usage_speeds ({key}, measure, bucket, answers) '  # noqa: S608
            f"SELECT {key}, '{measure}', CASE {spans} ELSE {LAST} END AS span, count(*) "
            f'FROM usage WHERE {column} IS NOT NULL GROUP BY {key}, span'
        )
