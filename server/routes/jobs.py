"""`/v1/jobs`: workflows that wait, run, or ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web
from pydantic import TypeAdapter

from engine.errors import BadDocument, InvalidGraph, WorkerLost, WrongInputs
from engine.events import JobStarted
from engine.jobs import IdTaken, IllegalTransition, Job, JobIsLive, JobNotFound, JobState
from server.errors import InvalidRequest
from server.keys import QUEUE, STORE, SUPERVISOR
from server.operation import Answer, Operation, Tag
from server.paging import read_cursor, write_cursor
from server.schemas.errors import Misfit
from server.schemas.runs import (
	CancelReply,
	JobChange,
	JobDetail,
	JobPage,
	JobPath,
	JobReply,
	JobRequest,
	JobsQuery,
	JobStep,
	JobSteps,
)
from server.store.archive import JobQuery, JobSummary
from server.store.steps import steps_of
from server.store.writer import NotStored
from server.submitting import enqueue, submit, sweep_of

JOBS = Tag('jobs', 'Workflows that wait, run, or ran.')
KEY = TypeAdapter(tuple[float, str])


async def submit_job(request: web.Request, body: JobRequest) -> Answer[JobDetail]:
	"""Run a workflow: it is checked and queued.

	Everything that is wrong with it is told at once, and nothing is queued then. 201 for a new job, 200 if there is one
	with this `key` already. Once this is answered, the job is on disk.
	"""
	job, is_new = await submit(request.app, body)
	return Answer(detail_of(request.app, job), 201 if is_new else 200, {'Location': f'/v1/jobs/{job.id}'})


async def list_jobs(request: web.Request, query: JobsQuery) -> JobPage:
	"""Jobs in all states, newest first."""
	found, total = await request.app[STORE].archive.page(
		JobQuery(
			states=query.state or None,
			client=query.client,
			workflow=query.workflow,
			descending=not query.ascending,
			limit=query.limit + 1,
			after=read_cursor(query, KEY),
		)
	)
	page = found[: query.limit]
	more = len(found) > len(page)
	return JobPage(
		items=[reply_of(job) for job in page],
		next=write_cursor((page[-1].created, page[-1].id)) if more else None,
		total=total,
	)


async def show_job(request: web.Request, path: JobPath) -> JobDetail:
	"""One job, with its graph and what its nodes showed."""
	return detail_of(request.app, await find(request.app, path.id))


async def move_job(request: web.Request, path: JobPath, body: JobChange) -> JobDetail:
	"""Give a waiting job another place in the queue."""
	queue = request.app[QUEUE]
	if (body.number is None) == (body.before is None):
		raise InvalidRequest([Misfit(place='body', message='Give either a number or the job to run before')])
	if body.number is not None:
		queue.renumber(path.id, body.number)
	elif body.before is not None:
		queue.move(path.id, before=body.before)
	await request.app[STORE].writer.settled()
	# It may have begun meanwhile, or even be over.
	return detail_of(request.app, await find(request.app, path.id))


async def cancel_job(request: web.Request, path: JobPath) -> CancelReply:
	"""Cancel a job: a waiting one is dropped, a running one asked to stop, and stopped if it does not.

	Never touches another job, whatever happens meanwhile.
	"""
	app = request.app
	done = bool(app[QUEUE].remove([path.id])) or app[SUPERVISOR].interrupt(path.id)
	if not done:
		await find(app, path.id)
	await app[STORE].writer.settled()
	return CancelReply(cancelled=done)


async def retry_job(request: web.Request, path: JobPath) -> Answer[JobDetail]:
	"""Run a job that is over once more, as a new job; its finished nodes come from the cache."""
	job = await find(request.app, path.id)
	if not job.state.over:
		raise IllegalTransition(job.id, job.state, JobState.QUEUED)
	again = await enqueue(request.app, replace(job.submission, key=''))
	return Answer(detail_of(request.app, again), 201, {'Location': f'/v1/jobs/{again.id}'})


async def forget_job(request: web.Request, path: JobPath) -> None:
	"""Forget a job that is over. Its pictures stay."""
	job = await find(request.app, path.id)
	if not job.state.over:
		raise JobIsLive(job.id)
	store = request.app[STORE]
	store.jobs.forget([job.id])
	await store.writer.settled()


async def show_steps(request: web.Request, path: JobPath) -> JobSteps:
	"""Which nodes of a job ran, and why.

	Of a running one, those that have their results so far.
	"""
	try:
		found = steps_of(request.app[QUEUE].get(path.id))
	except JobNotFound:
		found = await request.app[STORE].archive.steps(path.id)
	steps = [
		JobStep(node=step.node, kind=step.kind, ran=step.ran, why=step.why, seconds=step.seconds, error=step.error)
		for step in found
	]
	return JobSteps(job=path.id, steps=steps)


async def find(app: web.Application, job: str) -> Job:
	"""A job, live or over. Raises `JobNotFound`."""
	try:
		return app[QUEUE].get(job)
	except JobNotFound:
		return await app[STORE].archive.job(job)


def reply_of(job: Job | JobSummary) -> JobReply:
	"""A job as lists show it."""
	return JobReply(
		id=job.id,
		state=job.state,
		number=job.number,
		client=job.submission.client if isinstance(job, Job) else job.client,
		created=job.created,
		started=job.started,
		finished=job.finished,
		attempts=job.attempts,
		failure=job.failure,
		outputs=dict(job.outputs),
		title=title_of(job) if isinstance(job, Job) else job.title,
	)


def title_of(job: Job) -> str:
	"""The title of a job's workflow; empty if it has none."""
	info = job.submission.extra.get('extra_pnginfo')
	document = info.get('lumengraph') if isinstance(info, dict) else None
	title = document.get('title') if isinstance(document, dict) else None
	return title if isinstance(title, str) else ''


def detail_of(app: web.Application, job: Job) -> JobDetail:
	"""A job with all that is known of it."""
	queued = [one.id for one in app[QUEUE].queued()]
	return JobDetail(
		**dict(reply_of(job)),
		position=queued.index(job.id) if job.id in queued else None,
		prompt=dict(job.submission.prompt),
		targets=list(job.submission.targets),
		extra=dict(job.submission.extra),
		sweep=sweep_of(job),
		losses=job.losses,
		record=next((event.record for event in job.events if isinstance(event, JobStarted)), None),
	)


SUBMITTING = (BadDocument, WrongInputs, InvalidGraph, IdTaken, WorkerLost, NotStored)
routes: Sequence[Operation] = (
	Operation('POST', '/v1/jobs', submit_job, tag=JOBS, statuses=(201, 200), refuses=SUBMITTING),
	Operation('GET', '/v1/jobs', list_jobs, tag=JOBS, refuses=(NotStored,)),
	Operation('GET', '/v1/jobs/{id}', show_job, tag=JOBS, refuses=(JobNotFound, NotStored)),
	Operation('PATCH', '/v1/jobs/{id}', move_job, tag=JOBS, refuses=(JobNotFound, IllegalTransition, NotStored)),
	Operation(
		'DELETE', '/v1/jobs/{id}', forget_job, tag=JOBS, refuses=(JobNotFound, JobIsLive, NotStored), destructive=True
	),
	Operation('POST', '/v1/jobs/{id}/cancel', cancel_job, tag=JOBS, refuses=(JobNotFound, NotStored), destructive=True),
	Operation(
		'POST',
		'/v1/jobs/{id}/retry',
		retry_job,
		tag=JOBS,
		statuses=(201,),
		refuses=(JobNotFound, IllegalTransition, NotStored),
	),
	Operation('GET', '/v1/jobs/{id}/steps', show_steps, tag=JOBS, refuses=(JobNotFound, NotStored)),
)
