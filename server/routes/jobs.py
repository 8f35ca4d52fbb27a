"""`/v1/jobs/{id}/steps`: which nodes of a job ran, and why."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from engine.events import NodeFinished, NodesCached, Why
from engine.graph import NodeId
from engine.jobs import Job, JobNotFound
from engine.report import RunReport
from server.http import reply
from server.keys import QUEUE, REPORTS
from server.schemas.runs import JobStep, JobSteps

CACHED = Why(code='cached')


async def show_steps(request: web.Request) -> web.Response:
	"""The steps of a job: of one in memory as it stands, of an older one as its report tells."""
	id = request.match_info['id']
	try:
		job = request.app[QUEUE].store.get(id)
	except JobNotFound:
		report = request.app[REPORTS].of_job(id)
		if report is None:
			raise
		return reply(JobSteps(job=id, steps=steps_of_report(report)))
	return reply(JobSteps(job=id, steps=steps_of_job(job)))


def steps_of_job(job: Job) -> list[JobStep]:
	"""What the events of a job tell of its nodes."""
	calls = job.submission.graph.calls
	steps: dict[str, JobStep] = {}
	for event in job.events:
		if isinstance(event, NodesCached):
			for node in event.nodes:
				steps[node] = JobStep(node=node, kind=calls[NodeId(node)].kind, ran=False, why=CACHED, seconds=0.0)
		elif isinstance(event, NodeFinished):
			why = event.why or (CACHED if event.cached else None)
			steps[event.node] = JobStep(
				node=event.node, kind=event.kind, ran=not event.cached, why=why, seconds=event.seconds
			)
	return list(steps.values())


def steps_of_report(report: RunReport) -> list[JobStep]:
	"""The same from what was kept on disk."""
	return [
		JobStep(node=step.node, kind=step.kind, ran=step.ran, why=step.why, seconds=step.seconds)
		for step in report.steps
	]


routes: Sequence[web.RouteDef] = (web.get('/v1/jobs/{id}/steps', show_steps),)
