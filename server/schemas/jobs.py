"""`/api/jobs`: jobs as the official front end lists them. Times are milliseconds since the epoch."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, JsonValue

from engine.events import Ui
from server.schemas.base import Reply, Request
from server.schemas.history import HistoryStatus
from server.schemas.messages import ErrorData

JobStatus = Literal['pending', 'in_progress', 'completed', 'failed', 'cancelled']


class JobOutput(Reply):
	"""One thing that a node showed; what else it says of itself is passed on."""

	model_config = ConfigDict(extra='allow')

	nodeId: str  # noqa: N815 - as clients know it
	mediaType: str  # noqa: N815 - as clients know it


class JobListed(Reply):
	"""A job in a list. What is not known is left out."""

	id: str
	status: JobStatus
	priority: int | float
	create_time: int
	execution_start_time: int | None = None
	execution_end_time: int | None = None
	execution_error: ErrorData | None = None
	outputs_count: int
	previewable_outputs_count: int
	preview_output: JobOutput | None = None
	workflow_id: str | None = None


class JobWorkflow(Reply):
	"""What was submitted."""

	prompt: dict[str, JsonValue]
	extra_data: dict[str, JsonValue]


class JobShown(JobListed):
	"""A job with all that is known of it."""

	outputs: dict[str, Ui] | None = None
	execution_status: HistoryStatus | None = None
	workflow: JobWorkflow


class Pagination(Reply):
	"""Which part of the list this is. `limit` is null if none was asked for."""

	offset: int
	limit: int | None
	total: int
	has_more: bool


class JobList(Reply):
	"""A part of the list."""

	jobs: list[JobListed]
	pagination: Pagination


class JobsToCancel(Request):
	"""Jobs to cancel."""

	job_ids: list[JsonValue]


class Cancelled(Reply):
	"""Whether anything was cancelled."""

	cancelled: bool
