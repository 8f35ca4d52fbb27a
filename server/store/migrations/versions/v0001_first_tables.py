"""First tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
	"""To the newer tables."""
	op.create_table(
		'jobs',
		sa.Column('id', sa.String(), primary_key=True),
		sa.Column('number', sa.Double(), nullable=False),
		sa.Column('arrival', sa.Double(), nullable=False),
		sa.Column('state', sa.String(), nullable=False),
		sa.Column('client', sa.String(), nullable=False),
		sa.Column('previews', sa.Boolean(), nullable=False),
		sa.Column('key', sa.String(), nullable=True),
		sa.Column('webhook', sa.String(), nullable=False),
		sa.Column('workflow', sa.String(), nullable=True),
		sa.Column('created', sa.Double(), nullable=False),
		sa.Column('started', sa.Double(), nullable=True),
		sa.Column('finished', sa.Double(), nullable=True),
		sa.Column('attempts', sa.Integer(), nullable=False),
		sa.Column('losses', sa.Integer(), nullable=False),
		sa.Column('failure_json', sa.String(), nullable=True),
		sa.Column('ended', sa.Integer(), nullable=True),
		sa.UniqueConstraint('key', name='jobs_key'),
	)
	op.create_index('jobs_by_state', 'jobs', ['state', 'created', 'id'])
	op.create_index('jobs_by_time', 'jobs', ['created', 'id'])
	op.create_index('jobs_by_finish', 'jobs', ['finished'])
	op.create_index('jobs_by_end', 'jobs', ['ended'])
	op.create_index('jobs_by_workflow', 'jobs', ['workflow', 'created', 'id'])
	op.create_table(
		'submissions',
		sa.Column('job', sa.String(), sa.ForeignKey('jobs.id', ondelete='CASCADE'), primary_key=True),
		sa.Column('prompt_json', sa.String(), nullable=False),
		sa.Column('targets_json', sa.String(), nullable=False),
		sa.Column('extra_json', sa.String(), nullable=False),
	)
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
	op.create_table(
		'outputs',
		sa.Column('job', sa.String(), sa.ForeignKey('jobs.id', ondelete='CASCADE'), primary_key=True),
		sa.Column('position', sa.Integer(), primary_key=True),
		sa.Column('node', sa.String(), nullable=False),
		sa.Column('ui_json', sa.String(), nullable=False),
	)
	op.create_table(
		'events',
		sa.Column('last', sa.Integer(), primary_key=True),
		sa.Column('job', sa.String(), nullable=False),
		sa.Column('body_json', sa.String(), nullable=False),
	)
	op.create_index('events_of_job', 'events', ['job'])
	op.create_table(
		'settings',
		sa.Column('name', sa.String(), primary_key=True),
		sa.Column('value_json', sa.String(), nullable=False),
	)


def downgrade() -> None:
	"""Back to none."""
	for table in ('settings', 'events', 'outputs', 'job_steps', 'submissions', 'jobs'):
		op.drop_table(table)
