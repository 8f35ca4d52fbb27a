"""`/history`: what has been run."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from engine.jobs import Job, JobNotFound
from server.comfy.messages import history_entry
from server.errors import BadRequest
from server.http import done, query_number, read_body, reply
from server.keys import QUEUE
from server.schemas.history import History
from server.schemas.queue import JobsChange


async def show_history(request: web.Request) -> web.Response:
	"""Ended jobs, oldest first: all, a window of them, or the newest ones."""
	most, offset = query_number(request, 'max_items'), query_number(request, 'offset')
	if most is not None and most < 0:
		raise BadRequest(f'max_items must not be negative, but is {most}.')
	jobs = window(request.app[QUEUE].store.ended(), most, offset)
	return reply(History({job.id: history_entry(job) for job in jobs}))


def window(jobs: Sequence[Job], most: int | None, offset: int | None) -> Sequence[Job]:
	"""With an offset, up to `most` jobs from there; without one (or a negative one), the last `most`."""
	if offset is not None and offset >= 0:
		return jobs[offset:] if most is None else jobs[offset : offset + most]
	return jobs if most is None else jobs[max(len(jobs) - most, 0) :]


async def show_job(request: web.Request) -> web.Response:
	"""One ended job, or nothing: clients ask until it is there."""
	try:
		job = request.app[QUEUE].store.get(request.match_info['prompt_id'])
	except JobNotFound:
		return reply(History({}))
	return reply(History({job.id: history_entry(job)} if job.state.over else {}))


async def change_history(request: web.Request) -> web.Response:
	"""Forget ended jobs: all, or some. Their pictures stay."""
	change = await read_body(request, JobsChange)
	store = request.app[QUEUE].store
	if change.clear:
		store.forget()
	if change.delete:
		store.forget(change.delete)
	return done()


routes: Sequence[web.RouteDef] = (
	web.get('/history', show_history),
	web.get('/history/{prompt_id}', show_job),
	web.post('/history', change_history),
)
