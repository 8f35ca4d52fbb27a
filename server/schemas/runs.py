"""`/v1/jobs`, `/v1/packs`: what became of a job's nodes, and how packs of nodes were loaded."""

from __future__ import annotations

from engine.events import Why
from server.schemas.base import Reply


class JobStep(Reply):
	"""One node of a job: whether it was called, why, and how long its last real call took."""

	node: str
	kind: str
	ran: bool
	why: Why | None
	seconds: float


class JobSteps(Reply):
	"""The nodes of a job that have their results, in the order in which they got them."""

	job: str
	steps: list[JobStep]


class Pack(Reply):
	"""A pack in a folder of custom nodes: the kinds that it brought, or the traceback of its failure."""

	name: str
	path: str
	kinds: list[str]
	seconds: float
	error: str


class PackListing(Reply):
	"""All of them."""

	packs: list[Pack]
