"""`/api/jobs`: the list of jobs in all states, one job, and cancelling some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web
from pydantic import ValidationError

from engine.events import JobFinished, Ui
from engine.graph import Graph
from engine.jobs import Job, JobNotFound, JobState
from server.comfy.media import preview_of, shown
from server.comfy.messages import execution_error, history_entry, milliseconds
from server.comfy.places import Places
from server.errors import BadRequest
from server.http import query_number, read_json, reply
from server.keys import QUEUE, STORE, SUPERVISOR
from server.schemas.errors import BadJobIds, PlainError
from server.schemas.jobs import (
	Cancelled,
	JobList,
	JobListed,
	JobShown,
	JobStatus,
	JobsToCancel,
	JobWorkflow,
	Pagination,
)
from server.schemas.messages import ErrorData
from server.store.archive import JobQuery, JobSummary, Sort
from server.store.rows import workflow_of

STATUSES: Mapping[JobState, JobStatus] = {
	JobState.QUEUED: 'pending',
	JobState.RUNNING: 'in_progress',
	JobState.SUCCEEDED: 'completed',
	JobState.FAILED: 'failed',
	JobState.CANCELLED: 'cancelled',
}
STATES: Mapping[str, JobState] = {status: state for state, status in STATUSES.items()}
SORTS: Mapping[str, Sort] = {'created_at': 'created', 'execution_duration': 'duration'}


async def show_jobs(request: web.Request) -> web.Response:
	"""A part of the list of jobs, newest first unless the query says otherwise."""
	try:
		query = query_of(request)
	except BadRequest as error:
		return refuse(str(error))
	archive = request.app[STORE].archive
	found, total = await archive.page(query)
	failed = await archive.jobs([summary.id for summary in found if summary.state is JobState.FAILED])
	jobs = [listed(summary, error_of(summary, failed.get(summary.id))) for summary in found]
	more = query.limit is not None and query.offset + len(jobs) < total
	pagination = Pagination(offset=query.offset, limit=query.limit, total=total, has_more=more)
	return reply(JobList(jobs=jobs, pagination=pagination), exclude_unset=True)


async def show_job(request: web.Request) -> web.Response:
	"""One job with its graph; of one that is over, its outputs too."""
	id = request.match_info['job']
	try:
		job = request.app[QUEUE].get(id)
	except JobNotFound:
		try:
			job = await request.app[STORE].archive.job(id)
		except JobNotFound:
			return refuse('Job not found', 404)
	summary = summary_of(job)
	fields = listed(summary, error_of(summary, job)).model_dump(exclude_unset=True)
	workflow = JobWorkflow(prompt=dict(job.submission.prompt), extra_data=dict(job.submission.extra))
	if job.state.over and job.started is not None:
		entry = history_entry(job)
		outputs = {node: without_nulls(ui) for node, ui in entry.outputs.items()}
		fields.update(outputs=outputs, execution_status=entry.status)
	return reply(JobShown(**fields, workflow=workflow), exclude_unset=True)


async def cancel_job(request: web.Request) -> web.Response:
	"""Cancel one job, whether it waits or runs; one that is over or unknown stays as it is."""
	done = cancel(request.app, request.match_info['job'])
	await request.app[STORE].writer.settled()
	return reply(Cancelled(cancelled=done))


async def cancel_jobs(request: web.Request) -> web.Response:
	"""Cancel several."""
	try:
		wanted = JobsToCancel.model_validate(await read_json(request))
	except BadRequest as error:
		return refuse(str(error))
	except ValidationError:
		return refuse('The body must be {"job_ids": […]}, a list of ids.')
	bad = [str(job) for job in wanted.job_ids if not isinstance(job, str) or not job]
	if bad:
		return reply(BadJobIds(error='Some of these are no ids of jobs.', invalid_ids=bad), status=400)
	done = [cancel(request.app, str(job)) for job in wanted.job_ids]
	await request.app[STORE].writer.settled()
	return reply(Cancelled(cancelled=any(done)))


def cancel(app: web.Application, job: str) -> bool:
	"""Drop a waiting job or interrupt a running one; tells whether it was one of these."""
	return bool(app[QUEUE].remove([job])) or app[SUPERVISOR].interrupt(job)


def query_of(request: web.Request) -> JobQuery:
	"""What a request asks for. Raises `BadRequest`."""
	asked = request.query
	words = [word.strip() for word in asked.get('status', '').split(',') if word.strip()]
	for word in words:
		if word not in STATES:
			raise BadRequest(f'status must be some of {", ".join(STATES)}, not {word[:80]!r}.')
	order = asked.get('sort_order') or 'desc'
	if order not in ('asc', 'desc'):
		raise BadRequest(f'sort_order must be asc or desc, not {order[:80]!r}.')
	sort = asked.get('sort_by') or 'created_at'
	if sort not in SORTS:
		raise BadRequest(f'sort_by must be {" or ".join(SORTS)}, not {sort[:80]!r}.')
	return JobQuery(
		states=[STATES[word] for word in words] or None,
		workflow=asked.get('workflow_id') or None,
		sort=SORTS[sort],
		descending=order == 'desc',
		limit=limit_of(request),
		offset=max(0, query_number(request, 'offset') or 0),
	)


def limit_of(request: web.Request) -> int | None:
	"""How many jobs at most. Raises `BadRequest`."""
	limit = query_number(request, 'limit')
	if limit is not None and limit <= 0:
		raise BadRequest(f'limit must be a number from 1, not {limit}.')
	return limit


def listed(job: JobSummary, error: ErrorData | None) -> JobListed:
	"""A job as lists show it: what is not known is left out."""
	things = list(shown(job.outputs))
	known: dict[str, object] = {
		'execution_start_time': None if job.started is None else milliseconds(job.started),
		'execution_end_time': None if job.finished is None else milliseconds(job.finished),
		'execution_error': error,
		'preview_output': preview_of(job.outputs),
		'workflow_id': job.workflow,
	}
	return JobListed.model_validate(
		{
			'id': job.id,
			'status': STATUSES[job.state],
			'priority': job.number,
			'create_time': milliseconds(job.created),
			'outputs_count': sum(thing.is_file for thing in things),
			'previewable_outputs_count': sum(thing.is_visual for thing in things),
			**{name: value for name, value in known.items() if value is not None},
		}
	)


def summary_of(job: Job) -> JobSummary:
	"""What lists show of a job."""
	return JobSummary(
		job.id,
		job.number,
		job.state,
		job.submission.client,
		workflow_of(job.submission),
		job.created,
		job.started,
		job.finished,
		job.attempts,
		job.failure,
		job.outputs,
	)


def error_of(summary: JobSummary, job: Job | None) -> ErrorData | None:
	"""Why a job failed: as its history tells it, or as far as is known if that cannot be read."""
	if summary.state is not JobState.FAILED:
		return None
	messages = [] if job is None else history_entry(job).status.messages
	told = next((data for _, data in messages if isinstance(data, ErrorData)), None)
	if told is not None or summary.failure is None:
		return told
	end = JobFinished(job=summary.id, state='failed', at=summary.finished or summary.created)
	return execution_error(end, summary.failure, Places(Graph({}))).data


def without_nulls(ui: Ui) -> Ui:
	"""What a node showed, but for the gaps in it."""
	return Ui({name: [item for item in items if item is not None] for name, items in ui.root.items()})


def refuse(sentence: str, status: int = 400) -> web.Response:
	"""The answer to what cannot be done here."""
	return reply(PlainError(error=sentence), status=status, exclude_unset=True)


routes: Sequence[web.RouteDef] = (
	web.get('/jobs', show_jobs),
	web.post('/jobs/cancel', cancel_jobs),
	web.get('/jobs/{job}', show_job),
	web.post('/jobs/{job}/cancel', cancel_job),
)
