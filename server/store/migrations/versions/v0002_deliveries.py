"""Webhooks that are still to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
	"""To the newer tables."""
	op.create_table(
		'deliveries',
		sa.Column('id', sa.Integer(), primary_key=True),
		sa.Column('job', sa.String(), nullable=False),
		sa.Column('url', sa.String(), nullable=False),
		sa.Column('body', sa.String(), nullable=False),
		sa.Column('attempts', sa.Integer(), nullable=False),
		sa.Column('due', sa.Double(), nullable=False),
	)
	op.create_index('deliveries_by_time', 'deliveries', ['due'])


def downgrade() -> None:
	"""Back to the older ones."""
	op.drop_table('deliveries')
