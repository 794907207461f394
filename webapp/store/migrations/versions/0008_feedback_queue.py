"""feedback from everywhere, with a state; who may read other people's conversations"""

from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'

LISTED = {'': (), '_by_app': ('app',), '_by_state': ('state',), '_by_rating': ('rating',)}
KEPT = ('message_id', 'user_id', 'rating', 'comment', 'updated_at', 'sent', 'attempts', 'due_at')
BATCH = 1000


def upgrade() -> None:
    op.add_column('identities', sa.Column('claims_reader', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index('ix_conversations_upstream_id', 'conversations', ['upstream_id'])
    _feedback()
    op.create_table(
        'feedback_lists',
        sa.Column('app', sa.Text(), nullable=False),
        sa.Column('claimed_at', sa.BigInteger(), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=False),
        sa.Column('whole_due_at', sa.BigInteger(), nullable=False),
        sa.Column('read_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('app', name='pk_feedback_lists'),
    )
    op.create_table(
        'forgotten',
        sa.Column('app', sa.Text(), nullable=False),
        sa.Column('upstream_id', sa.Text(), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('app', 'upstream_id', name='pk_forgotten'),
    )
    op.create_index('ix_forgotten_at', 'forgotten', ['at'])


def _feedback() -> None:
    """Another primary key is another table, on SQLite; and its names are free only when the old one is gone."""
    op.execute(f'CREATE TABLE feedback_before AS SELECT {", ".join(KEPT)} FROM feedback')  # noqa: S608
    op.drop_table('feedback')
    op.create_table(
        'feedback',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('message_id', sa.Text(), nullable=True),
        sa.Column('user_id', sa.Text(), nullable=True),
        sa.Column('app', sa.Text(), nullable=False),
        sa.Column('source', sa.Text(), nullable=False),
        sa.Column('rater', sa.Text(), nullable=False),
        sa.Column('upstream_message_id', sa.Text(), nullable=False),
        sa.Column('upstream_conversation_id', sa.Text(), nullable=False),
        sa.Column('rating', sa.Text(), nullable=False),
        sa.Column('comment', sa.Text(), nullable=False),
        sa.Column('folded', sa.Text(), nullable=False),
        sa.Column('updated_at', sa.BigInteger(), nullable=False),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('state_by', sa.Text(), nullable=False),
        sa.Column('state_at', sa.BigInteger(), nullable=True),
        sa.Column('sent', sa.Boolean(), nullable=False),
        sa.Column('told_at', sa.BigInteger(), nullable=True),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id', name='pk_feedback'),
        sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name='fk_feedback_message_id', ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_feedback_user_id', ondelete='CASCADE'),
    )
    _fill()
    op.drop_table('feedback_before')
    op.create_index('ix_feedback_user_id', 'feedback', ['user_id'])
    op.create_index('ix_feedback_message_id', 'feedback', ['message_id'])
    op.create_index('ix_feedback_app_upstream_conversation_id', 'feedback', ['app', 'upstream_conversation_id'])
    for name, columns, condition in (
        ('ix_feedback_due_at', ['due_at'], 'due_at IS NOT NULL'),
        *((f'ix_feedback_listed{by}', [*first, 'updated_at', 'id'], "rating <> ''") for by, first in LISTED.items()),
    ):
        where = sa.text(condition)
        op.create_index(name, 'feedback', columns, sqlite_where=where, postgresql_where=where)


def _fill() -> None:
    """Everything so far is of the owners of messages, and nobody has gone through it."""
    reply = sa.column('reply', sa.JSON())
    upstream_id = sa.func.coalesce(reply['message_id'].as_string(), '')
    named = {
        'id': 'b.message_id', 'app': 'c.app', 'source': "'own'", 'rater': "''", 'folded': "''",
        'upstream_conversation_id': "coalesce(c.upstream_id, '')", 'state': "'new'", 'state_by': "''",
        'told_at': 'CASE WHEN b.sent THEN b.updated_at END', **{name: f'b.{name}' for name in KEPT},
    }  # fmt: skip
    connection = op.get_bind()
    words = upstream_id.compile(dialect=connection.dialect, compile_kwargs={'literal_binds': True})
    op.execute(
        f'INSERT INTO feedback ({", ".join(named)}, upstream_message_id) '  # noqa: S608
        f'SELECT {", ".join(named.values())}, {words} FROM feedback_before b '
        'JOIN messages ON messages.id = b.message_id JOIN conversations c ON c.id = messages.conversation_id'
    )
    fold = sa.text('UPDATE feedback SET folded = :folded WHERE id = :id')
    some = sa.text(
        f"SELECT id, comment FROM feedback WHERE comment <> '' AND id > :after ORDER BY id LIMIT {BATCH}"  # noqa: S608
    )
    after = ''
    while rows := connection.execute(some, {'after': after}).all():
        connection.execute(fold, [{'id': id_, 'folded': normalize('NFKC', text).casefold()} for id_, text in rows])
        after = rows[-1].id
