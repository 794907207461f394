"""files and feedback"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    op.create_table(
        'files',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('user_id', sa.Text(), nullable=False),
        sa.Column('conversation_id', sa.Text(), nullable=True),
        sa.Column('app', sa.Text(), nullable=False),
        sa.Column('source', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('media_type', sa.Text(), nullable=False),
        sa.Column('size', sa.BigInteger(), nullable=True),
        sa.Column('width', sa.Integer(), nullable=True),
        sa.Column('height', sa.Integer(), nullable=True),
        sa.Column('upstream_id', sa.Text(), nullable=False),
        sa.Column('upstream_url', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('is_kept', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_files'),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_files_user_id', ondelete='CASCADE'),
        sa.ForeignKeyConstraint(
            ['conversation_id'], ['conversations.id'], name='fk_files_conversation_id', ondelete='CASCADE'
        ),
    )
    op.create_index('ix_files_user_id_created_at', 'files', ['user_id', 'created_at'])
    op.create_index('ix_files_conversation_id', 'files', ['conversation_id'])
    op.create_index(
        'ix_files_unsent',
        'files',
        ['created_at'],
        sqlite_where=sa.text('conversation_id IS NULL'),
        postgresql_where=sa.text('conversation_id IS NULL'),
    )
    op.create_table(
        'file_pieces',
        sa.Column('file_id', sa.Text(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('data', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('file_id', 'number', name='pk_file_pieces'),
        sa.ForeignKeyConstraint(['file_id'], ['files.id'], name='fk_file_pieces_file_id', ondelete='CASCADE'),
    )
    op.create_table(
        'message_files',
        sa.Column('message_id', sa.Text(), nullable=False),
        sa.Column('file_id', sa.Text(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('message_id', 'file_id', name='pk_message_files'),
        sa.ForeignKeyConstraint(
            ['message_id'], ['messages.id'], name='fk_message_files_message_id', ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(['file_id'], ['files.id'], name='fk_message_files_file_id', ondelete='CASCADE'),
    )
    op.create_index('ix_message_files_file_id', 'message_files', ['file_id'])
    op.create_table(
        'feedback',
        sa.Column('message_id', sa.Text(), nullable=False),
        sa.Column('user_id', sa.Text(), nullable=False),
        sa.Column('rating', sa.Text(), nullable=False),
        sa.Column('comment', sa.Text(), nullable=False),
        sa.Column('updated_at', sa.BigInteger(), nullable=False),
        sa.Column('sent', sa.Boolean(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('message_id', name='pk_feedback'),
        sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name='fk_feedback_message_id', ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_feedback_user_id', ondelete='CASCADE'),
    )
    op.create_index('ix_feedback_user_id', 'feedback', ['user_id'])
    op.create_index(
        'ix_feedback_due_at',
        'feedback',
        ['due_at'],
        sqlite_where=sa.text('due_at IS NOT NULL'),
        postgresql_where=sa.text('due_at IS NOT NULL'),
    )
    op.create_index('ix_usage_conversation_id', 'usage', ['conversation_id'])
