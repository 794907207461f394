"""what upstream is still to delete, who is being forgotten, work that one process does for all, what is old"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'


def upgrade() -> None:
    op.create_table(
        'deletions',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('app', sa.Text(), nullable=False),
        sa.Column('upstream_id', sa.Text(), nullable=False),
        sa.Column('dify_user', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_deletions'),
    )
    op.create_index('ix_deletions_app_due_at', 'deletions', ['app', 'due_at'])
    op.create_table(
        'forgettings',
        sa.Column('user_id', sa.Text(), nullable=False),
        sa.Column('pseudonym', sa.Text(), nullable=False),
        sa.Column('actor_id', sa.Text(), nullable=False),
        sa.Column('actor_name', sa.Text(), nullable=False),
        sa.Column('address', sa.Text(), nullable=False),
        sa.Column('asked_at', sa.BigInteger(), nullable=False),
        sa.Column('counts', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_forgettings_user_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('user_id', name='pk_forgettings'),
    )
    op.create_table(
        'chores',
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('holder', sa.Text(), nullable=False),
        sa.Column('until', sa.BigInteger(), nullable=False),
        sa.Column('done_at', sa.BigInteger(), nullable=True),
        sa.Column('counts', sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint('name', name='pk_chores'),
    )
    op.create_index('ix_conversations_updated_at_id', 'conversations', ['updated_at', 'id'])
    op.create_index(
        'ix_files_kept',
        'files',
        ['created_at', 'id'],
        sqlite_where=sa.text('is_kept IS 1'),
        postgresql_where=sa.text('is_kept IS true'),
    )
