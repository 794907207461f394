"""sessions within pages of other sites, and the tickets that lead into them"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'


def upgrade() -> None:
    for name in ('embed', 'origins', 'kid'):
        op.add_column('sessions', sa.Column(name, sa.Text(), nullable=False, server_default=''))
    op.create_index(
        'ix_sessions_embed',
        'sessions',
        ['embed'],
        sqlite_where=sa.text("embed <> ''"),
        postgresql_where=sa.text("embed <> ''"),
    )
    op.create_table(
        'tickets',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('session_id', sa.Text(), nullable=False),
        sa.Column('embed', sa.Text(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['session_id'], ['sessions.id'], name='fk_tickets_session_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name='pk_tickets'),
    )
    op.create_index('ix_tickets_session_id', 'tickets', ['session_id'])
    op.create_index('ix_tickets_expires_at', 'tickets', ['expires_at'])
