"""sign-in: who vouches for people, limits, the audit log"""

from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    _identities()
    _users()
    _sessions()
    op.create_table(
        'attempts',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('browser', sa.Text(), nullable=False),
        sa.Column('provider', sa.Text(), nullable=False),
        sa.Column('nonce', sa.Text(), nullable=False),
        sa.Column('verifier', sa.Text(), nullable=False),
        sa.Column('target', sa.Text(), nullable=False),
        sa.Column('linking', sa.Text(), nullable=True),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_attempts'),
        sa.ForeignKeyConstraint(['linking'], ['sessions.id'], name='fk_attempts_linking', ondelete='CASCADE'),
    )
    op.create_index('ix_attempts_expires_at', 'attempts', ['expires_at'])
    op.create_index('ix_attempts_browser', 'attempts', ['browser'])
    op.create_table(
        'offers',
        sa.Column('session_id', sa.Text(), nullable=False),
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('identity', sa.JSON(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('session_id', name='pk_offers'),
        sa.ForeignKeyConstraint(['session_id'], ['sessions.id'], name='fk_offers_session_id', ondelete='CASCADE'),
    )
    op.create_table(
        'spent_tokens',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_spent_tokens'),
    )
    op.create_index('ix_spent_tokens_expires_at', 'spent_tokens', ['expires_at'])
    op.create_table(
        'hits',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('scope', sa.Text(), nullable=False),
        sa.Column('key', sa.Text(), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.Column('amount', sa.BigInteger(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_hits'),
    )
    op.create_index('ix_hits_scope_key_at', 'hits', ['scope', 'key', 'at'])
    op.create_index('ix_hits_expires_at', 'hits', ['expires_at'])
    op.create_index(
        'ix_messages_running_of_user',
        'messages',
        ['user_id'],
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_table(
        'audit',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.Column('action', sa.Text(), nullable=False),
        sa.Column('actor_id', sa.Text(), nullable=False),
        sa.Column('actor_name', sa.Text(), nullable=False),
        sa.Column('target_id', sa.Text(), nullable=False),
        sa.Column('target_name', sa.Text(), nullable=False),
        sa.Column('folded', sa.Text(), nullable=False),
        sa.Column('address', sa.Text(), nullable=False),
        sa.Column('detail', sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_audit'),
    )
    op.create_index('ix_audit_at_id', 'audit', ['at', 'id'])
    op.create_index('ix_audit_action_at', 'audit', ['action', 'at'])
    op.create_index('ix_audit_actor_id_at', 'audit', ['actor_id', 'at'])
    op.create_index('ix_audit_target_id_at', 'audit', ['target_id', 'at'])


def _identities() -> None:
    """Each person so far has one: they were guests, or the local person. It takes their id; any unique one would do."""
    op.create_table(
        'identities',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('user_id', sa.Text(), nullable=False),
        sa.Column('issuer', sa.Text(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('provider', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('email', sa.Text(), nullable=False),
        sa.Column('email_verified', sa.Boolean(), nullable=False),
        sa.Column('groups', sa.JSON(), nullable=False),
        sa.Column('claims_admin', sa.Boolean(), nullable=False),
        sa.Column('role', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('vouched_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_identities'),
        sa.UniqueConstraint('issuer', 'subject', name='uq_identities_issuer_subject'),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_identities_user_id', ondelete='CASCADE'),
    )
    op.create_index('ix_identities_user_id', 'identities', ['user_id'])
    people = sa.table('users', *map(sa.column, ('id', 'issuer', 'subject', 'name', 'created_at', 'last_seen_at')))
    known = [people.c[name] for name in ('id', 'id', 'issuer', 'subject', 'issuer', 'name')]
    nothing, no, none = sa.literal(''), sa.false(), sa.literal([], sa.JSON())
    rest = [nothing, no, none, no, nothing, *people.c['created_at', 'last_seen_at']]
    names = [
        'id', 'user_id', 'issuer', 'subject', 'provider', 'name',
        'email', 'email_verified', 'groups', 'claims_admin', 'role', 'created_at', 'vouched_at',
    ]  # fmt: skip
    identities = sa.table('identities', *map(sa.column, names))
    op.execute(sa.insert(identities).from_select(names, sa.select(*known, *rest)))


def _users() -> None:
    with op.batch_alter_table('users') as users:
        users.drop_constraint('uq_users_issuer_subject', type_='unique')
        users.drop_column('issuer')
        users.drop_column('subject')
        users.add_column(sa.Column('email', sa.Text(), nullable=False, server_default=''))
        users.add_column(sa.Column('folded', sa.Text(), nullable=False, server_default=''))
        users.add_column(sa.Column('blocked_at', sa.BigInteger(), nullable=True))
    with op.batch_alter_table('users') as users:
        users.alter_column('email', server_default=None)
        users.alter_column('folded', server_default=None)
        users.create_index('ix_users_last_seen_at_id', ['last_seen_at', 'id'])

    people = sa.table('users', *map(sa.column, ('id', 'name', 'folded')))
    for id_, name in op.get_bind().execute(sa.select(people.c.id, people.c.name).where(people.c.name != '')).all():
        folded = normalize('NFKC', name).casefold()
        op.execute(sa.update(people).where(people.c.id == id_).values(folded=folded))


def _sessions() -> None:
    with op.batch_alter_table('sessions') as sessions:
        sessions.add_column(sa.Column('identity_id', sa.Text(), nullable=True))
        for name in ('provider_session', 'id_token', 'refresh_token'):
            sessions.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=''))
        sessions.add_column(sa.Column('refresh_at', sa.BigInteger(), nullable=True))
    op.execute('UPDATE sessions SET identity_id = user_id')
    with op.batch_alter_table('sessions') as sessions:
        sessions.alter_column('identity_id', nullable=False)
        for name in ('provider_session', 'id_token', 'refresh_token'):
            sessions.alter_column(name, server_default=None)
        sessions.create_foreign_key(
            'fk_sessions_identity_id', 'identities', ['identity_id'], ['id'], ondelete='CASCADE'
        )
        sessions.create_index('ix_sessions_identity_id', ['identity_id'])
        sessions.create_index('ix_sessions_provider_session', ['provider_session'])
    op.create_index(
        'ix_sessions_refresh_at',
        'sessions',
        ['refresh_at'],
        sqlite_where=sa.text('refresh_at IS NOT NULL'),
        postgresql_where=sa.text('refresh_at IS NOT NULL'),
    )
