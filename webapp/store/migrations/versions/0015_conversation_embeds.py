"""conversations know the page of another site in which they were begun"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'


def upgrade() -> None:
    op.add_column('conversations', sa.Column('embed', sa.Text(), nullable=False, server_default=''))
