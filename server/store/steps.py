"""What became of the nodes of a job."""

from __future__ import annotations

from dataclasses import dataclass

from engine.events import NodeFinished, NodesCached, Why
from engine.graph import NodeId
from engine.jobs import Job

CACHED = Why(code='cached')


@dataclass(frozen=True, slots=True)
class JobStep:
	"""One node: whether it was called, why, how long that took in seconds, and what it raised if it did."""

	node: str
	kind: str
	ran: bool
	seconds: float = 0.0
	why: Why | None = None
	error: str | None = None


def steps_of(job: Job) -> list[JobStep]:
	"""The nodes that have their results, as the job's events tell, and the one that failed; in the order of their ends."""
	calls = job.submission.graph.calls
	steps: dict[str, JobStep] = {}
	for event in job.events:
		if isinstance(event, NodesCached):
			for node in event.nodes:
				call = calls.get(NodeId(node))
				steps[node] = JobStep(node, '' if call is None else call.kind, False, why=CACHED)
		elif isinstance(event, NodeFinished):
			why = event.why or (CACHED if event.cached else None)
			steps[event.node] = JobStep(event.node, event.kind, not event.cached, event.seconds, why)
	failure = job.failure
	if failure is not None and failure.node:
		steps[failure.node] = JobStep(failure.node, failure.kind, True, error=failure.message)
	return list(steps.values())
