"""`/history`: what has been run."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from engine.jobs import JobNotFound
from server.comfy.messages import history_entry
from server.errors import BadRequest
from server.http import done, query_number, read_body, reply
from server.keys import STORE
from server.schemas.history import History
from server.schemas.queue import JobsChange


async def show_history(request: web.Request) -> web.Response:
	"""Ended jobs, oldest first: all, a window of them, or the newest ones."""
	most, offset = query_number(request, 'max_items'), query_number(request, 'offset')
	if most is not None and most < 0:
		raise BadRequest(f'max_items must not be negative, but is {most}.')
	jobs = await request.app[STORE].archive.ended(most, offset if offset is not None and offset >= 0 else None)
	return reply(History({job.id: history_entry(job) for job in jobs}))


async def show_job(request: web.Request) -> web.Response:
	"""One ended job, or nothing: clients ask until it is there."""
	try:
		job = await request.app[STORE].archive.job(request.match_info['prompt_id'])
	except JobNotFound:
		return reply(History({}))
	return reply(History({job.id: history_entry(job)} if job.state.over and job.started is not None else {}))


async def change_history(request: web.Request) -> web.Response:
	"""Forget ended jobs: all, or some. Their pictures stay."""
	change = await read_body(request, JobsChange)
	store = request.app[STORE]
	if change.clear:
		store.jobs.forget()
	if change.delete:
		store.jobs.forget(change.delete)
	await store.writer.settled()
	return done()


routes: Sequence[web.RouteDef] = (
	web.get('/history', show_history),
	web.get('/history/{prompt_id}', show_job),
	web.post('/history', change_history),
)
