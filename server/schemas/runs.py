"""`/v1/jobs` and `/v1/queue`. Times are seconds since the epoch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from engine.axes import Values
from engine.events import Failure, Ui, Why
from engine.jobs import JobState
from engine.previews import PreviewMethod
from engine.record import RunRecord
from engine.sweep import SweepTable
from server.schemas.base import Parameters, Reply, Request
from server.schemas.paging import Page, PageQuery

Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r'^[^\x00-\x1f/]+$')]


class JobPath(Parameters):
	"""Which job."""

	id: str


class RunRequest(Request):
	"""How a workflow is to be run.

	`inputs` set its named inputs, or `NODE.INPUT`. `sweep` runs it for every combination of several values of some inputs
	(100 at most), as one job: each is a list, or evenly spaced numbers `{"from": 1, "to": 8, "steps": 8}`. Only the
	`targets` and what they need are run, or all that save or show something. Lower `number` runs
	first; `front` runs it before all that wait now. A second request with the same `key` is answered with the first one's job. `webhook` is
	told of the end. `previews` says how to show what is made meanwhile; true is `auto`. `extra` goes along: its
	`extra_pnginfo` is written into saved pictures; without one, the workflow is.
	"""

	inputs: dict[str, JsonValue] = Field(default_factory=dict)
	sweep: dict[str, Values] = Field(default_factory=dict)
	targets: list[str] | None = None
	id: Id | None = None
	client: str = ''
	number: float | None = Field(default=None, allow_inf_nan=False)
	front: bool = False
	previews: bool | PreviewMethod = False
	key: str = Field(default='', max_length=200)
	webhook: str = Field(default='', max_length=2000, pattern=r'^(https?://\S+)?$')
	extra: dict[str, JsonValue] = Field(default_factory=dict)


class JobRequest(RunRequest):
	"""A workflow to run: a native document, or one of ComfyUI's forms (`AnyWorkflow`); the rest is as in `RunRequest`."""

	workflow: dict[str, JsonValue]


class WorkflowJobRequest(RunRequest):
	"""Values for a saved workflow's named inputs, and how it is to be run, as in `RunRequest`.

	What the inputs take is told by `/v1/workflows/{name}/schema`; those that are left out have the workflow's own values.
	"""


class JobReply(Reply):
	"""A job as lists show it. `outputs` are what its nodes showed: node → name → list; `title` is its workflow's."""

	id: str
	state: JobState
	number: float
	client: str
	created: float
	started: float | None
	finished: float | None
	attempts: int
	failure: Failure | None
	outputs: dict[str, Ui]
	title: str = ''


class JobDetail(JobReply):
	"""A job with its graph in API form. A waiting one has its `position` in the queue, from 0.

	Of a sweep, `sweep` tells which nodes belong to which values, and which save them all as one picture.

	`record` tells what it ran with: versions, device, settings, files by digest; null before it has begun.
	"""

	position: int | None
	prompt: dict[str, JsonValue]
	targets: list[str]
	extra: dict[str, JsonValue]
	sweep: SweepTable | None
	losses: int
	record: RunRecord | None


class JobsQuery(PageQuery):
	"""Which jobs, newest first unless `ascending`."""

	state: Annotated[list[JobState], Field(description='only jobs in these states', default_factory=list)]
	client: Annotated[str | None, Field(max_length=500, description='only those of this client')] = None
	workflow: Annotated[str | None, Field(max_length=500, description='only those of the workflow with this id')] = None
	ascending: bool = False


class JobPage(Page[JobReply]):
	"""Some jobs, and how many there are in all."""

	total: int


class JobChange(Request):
	"""Another place in the queue: another `number`, or the place right `before` a waiting job."""

	number: float | None = Field(default=None, allow_inf_nan=False)
	before: str | None = None


class CancelReply(Reply):
	"""Whether the job was waiting, or running and was asked to stop. One that is over stays as it is."""

	cancelled: bool


class JobStep(Reply):
	"""One node of a job: whether it was called, why, how long that took in seconds, and what it raised if it did."""

	node: str
	kind: str
	ran: bool
	why: Why | None
	seconds: float
	error: str | None


class JobSteps(Reply):
	"""The nodes of a job that have their results, in the order in which they got them."""

	job: str
	steps: list[JobStep]


class QueueReply(Reply):
	"""What runs, and what waits in the order in which it will run; while it is paused, nothing begins."""

	paused: bool
	running: list[str]
	queued: list[str]


class ClearReply(Reply):
	"""How many waiting jobs were cancelled."""

	cancelled: int
