"""answers that wait for a person are found without reading all of them"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'


def upgrade() -> None:
    op.create_index(
        'ix_messages_waiting',
        'messages',
        ['created_at'],
        sqlite_where=sa.text("status = 'waiting'"),
        postgresql_where=sa.text("status = 'waiting'"),
    )
