"""first tables"""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None


def upgrade() -> None:
    op.create_table(
        'users',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('issuer', sa.Text(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('dify_user', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('last_seen_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_users'),
        sa.UniqueConstraint('dify_user', name='uq_users_dify_user'),
        sa.UniqueConstraint('issuer', 'subject', name='uq_users_issuer_subject'),
    )
    op.create_table(
        'sessions',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('user_id', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('last_seen_at', sa.BigInteger(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.Column('ended_at', sa.BigInteger(), nullable=True),
        sa.Column('device', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_sessions'),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_sessions_user_id', ondelete='CASCADE'),
    )
    op.create_index('ix_sessions_user_id', 'sessions', ['user_id'])
    op.create_index('ix_sessions_expires_at', 'sessions', ['expires_at'])
    op.create_table(
        'conversations',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('user_id', sa.Text(), nullable=False),
        sa.Column('app', sa.Text(), nullable=False),
        sa.Column('upstream_id', sa.Text(), nullable=True),
        sa.Column('title', sa.Text(), nullable=False),
        sa.Column('folded_title', sa.Text(), nullable=False),
        sa.Column('title_state', sa.Text(), nullable=False),
        sa.Column('title_attempts', sa.Integer(), nullable=False),
        sa.Column('title_due_at', sa.BigInteger(), nullable=True),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('updated_at', sa.BigInteger(), nullable=False),
        sa.Column('unread', sa.Boolean(), nullable=False),
        sa.Column('inputs', sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_conversations'),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_conversations_user_id', ondelete='CASCADE'),
    )
    op.create_index(
        'ix_conversations_user_id_app_updated_at_id', 'conversations', ['user_id', 'app', 'updated_at', 'id']
    )
    op.create_index(
        'ix_conversations_title_due_at',
        'conversations',
        ['title_due_at'],
        sqlite_where=sa.text('title_due_at IS NOT NULL'),
        postgresql_where=sa.text('title_due_at IS NOT NULL'),
    )
    op.create_table(
        'messages',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('conversation_id', sa.Text(), nullable=False),
        sa.Column('user_id', sa.Text(), nullable=False),
        sa.Column('key', sa.Text(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('status', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('ended_at', sa.BigInteger(), nullable=True),
        sa.Column('query', sa.Text(), nullable=False),
        sa.Column('reply', sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_messages'),
        sa.UniqueConstraint('user_id', 'key', name='uq_messages_user_id_key'),
        sa.UniqueConstraint('conversation_id', 'number', name='uq_messages_conversation_id_number'),
        sa.ForeignKeyConstraint(
            ['conversation_id'], ['conversations.id'], name='fk_messages_conversation_id', ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_messages_user_id', ondelete='CASCADE'),
    )
    op.create_index(
        'ix_messages_running',
        'messages',
        ['conversation_id'],
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_table(
        'usage',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('message_id', sa.Text(), nullable=False),
        sa.Column('user_id', sa.Text(), nullable=False),
        sa.Column('app', sa.Text(), nullable=False),
        sa.Column('conversation_id', sa.Text(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('outcome', sa.Text(), nullable=False),
        sa.Column('pricing', sa.Text(), nullable=False),
        sa.Column('prompt_tokens', sa.BigInteger(), nullable=True),
        sa.Column('completion_tokens', sa.BigInteger(), nullable=True),
        sa.Column('total_tokens', sa.BigInteger(), nullable=True),
        sa.Column('prompt_nano', sa.BigInteger(), nullable=True),
        sa.Column('completion_nano', sa.BigInteger(), nullable=True),
        sa.Column('total_nano', sa.BigInteger(), nullable=True),
        sa.Column('currency', sa.Text(), nullable=False),
        sa.Column('latency_ms', sa.Integer(), nullable=True),
        sa.Column('first_token_ms', sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint('id', name='pk_usage'),
        sa.UniqueConstraint('message_id', name='uq_usage_message_id'),
    )
    op.create_index('ix_usage_day', 'usage', ['day'])
    op.create_index('ix_usage_user_id_day', 'usage', ['user_id', 'day'])
