"""`/v1/workers`: the processes that run jobs."""

from __future__ import annotations

from engine.office import State
from server.schemas.base import Reply


class Worker(Reply):
	"""How a worker is doing.

	`seconds` is for how long its node has been at work; `jobs` are those that this process has done, `restarts` counts the
	processes that were here before it.
	"""

	name: str
	device: str
	state: State
	pid: int | None
	job: str | None
	node: str | None
	kind: str
	seconds: float
	jobs: int
	restarts: int


class WorkerListing(Reply):
	"""All of them."""

	workers: list[Worker]
