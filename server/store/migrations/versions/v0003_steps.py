"""What became of a job's nodes is told by its events, and is not kept a second time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
	"""To the newer tables."""
	op.drop_table('job_steps')


def downgrade() -> None:
	"""Back to the older ones; the steps of earlier jobs are not made again."""
	op.create_table(
		'job_steps',
		sa.Column('job', sa.String(), sa.ForeignKey('jobs.id', ondelete='CASCADE'), primary_key=True),
		sa.Column('position', sa.Integer(), primary_key=True),
		sa.Column('node', sa.String(), nullable=False),
		sa.Column('kind', sa.String(), nullable=False),
		sa.Column('ran', sa.Boolean(), nullable=False),
		sa.Column('seconds', sa.Double(), nullable=False),
		sa.Column('why_code', sa.String(), nullable=True),
		sa.Column('why_text', sa.String(), nullable=False),
		sa.Column('error', sa.String(), nullable=True),
	)
