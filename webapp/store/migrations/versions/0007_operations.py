"""why answers failed, in the ledger; notices for everybody"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'


def upgrade() -> None:
    # with a default that stays: to take it away, SQLite would have to write the whole ledger anew
    op.add_column('usage', sa.Column('failure', sa.Text(), nullable=False, server_default=''))
    op.create_table(
        'notices',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('level', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('ends_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_notices'),
    )
