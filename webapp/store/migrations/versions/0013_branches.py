"""turns have versions: which message each one follows, and in which of upstream's conversations it was asked"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'


def upgrade() -> None:
    # with defaults that stay: to take them away, SQLite would have to write every message anew
    op.add_column('messages', sa.Column('parent', sa.Integer(), nullable=False, server_default='0'))
    for name in ('is_chosen', 'is_shown'):
        op.add_column('messages', sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column('messages', sa.Column('upstream_id', sa.Text(), nullable=False, server_default=''))
    op.execute(
        'UPDATE messages SET parent = coalesce((SELECT max(earlier.number) FROM messages AS earlier'
        ' WHERE earlier.conversation_id = messages.conversation_id AND earlier.number < messages.number), 0),'
        ' upstream_id = coalesce((SELECT conversations.upstream_id FROM conversations'
        " WHERE conversations.id = messages.conversation_id), '')"
    )
    op.create_index('ix_messages_conversation_id_parent', 'messages', ['conversation_id', 'parent'])
    for name, columns, is_unique in (
        ('chosen', ['conversation_id', 'parent'], True),
        ('shown', ['conversation_id', 'number'], False),
    ):
        op.create_index(
            f'ix_messages_{name}',
            'messages',
            columns,
            unique=is_unique,
            sqlite_where=sa.text(f'is_{name} IS 1'),
            postgresql_where=sa.text(f'is_{name} IS true'),
        )
    op.create_index('ix_messages_upstream_id_number', 'messages', ['upstream_id', 'number'])
    op.drop_index('ix_conversations_upstream_id', 'conversations')
    op.drop_column('conversations', 'upstream_id')
