"""`/queue`, `/interrupt` and `/free`."""

from __future__ import annotations

from pydantic import JsonValue

from server.schemas.base import Reply, Request

JobItem = tuple[int | float, str, dict[str, JsonValue], dict[str, JsonValue], list[str]]
"""A job as the dialect lists it: number, id, graph, extra data, sinks."""


class QueueListing(Reply):
	"""What runs, and what waits in the order in which it will run."""

	queue_running: list[JobItem]
	queue_pending: list[JobItem]


class JobsChange(Request):
	"""Drop jobs from the queue or from the history: these, or all."""

	clear: bool | None = None
	delete: list[str] | None = None


class InterruptRequest(Request):
	"""Stop this job if it runs; without an id, whichever runs."""

	prompt_id: str | None = None


class FreeRequest(Request):
	"""Let go of models, or of models and cached results."""

	unload_models: bool | None = None
	free_memory: bool | None = None
