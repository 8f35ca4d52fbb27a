"""How a job shows what it is making, beside whether it does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
	"""To the newer tables."""
	op.add_column('jobs', sa.Column('preview_method', sa.String(), nullable=False, server_default='auto'))


def downgrade() -> None:
	"""Back to the older ones."""
	op.drop_column('jobs', 'preview_method')
