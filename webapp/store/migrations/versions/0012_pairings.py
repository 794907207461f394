"""frames that wait for somebody to sign in"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'


def upgrade() -> None:
    op.create_table(
        'pairings',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('embed', sa.Text(), nullable=False),
        sa.Column('origins', sa.Text(), nullable=False),
        sa.Column('session_id', sa.Text(), nullable=True),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['session_id'], ['sessions.id'], name='fk_pairings_session_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name='pk_pairings'),
    )
    op.create_index('ix_pairings_session_id', 'pairings', ['session_id'])
    op.create_index('ix_pairings_expires_at', 'pairings', ['expires_at'])
