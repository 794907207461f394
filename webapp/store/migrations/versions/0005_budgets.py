"""what answers that are being written may cost"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    op.create_table(
        'reservations',
        sa.Column('message_id', sa.Text(), nullable=False),
        sa.Column('currency', sa.Text(), nullable=False),
        sa.Column('user_id', sa.Text(), nullable=False),
        sa.Column('cost_group', sa.Text(), nullable=False),
        sa.Column('app', sa.Text(), nullable=False),
        sa.Column('nano', sa.BigInteger(), nullable=False),
        sa.Column('tokens', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('message_id', 'currency', name='pk_reservations'),
    )
