"""`/queue`, `/interrupt`, `/free`: what waits, what runs, what is held in memory."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from server.comfy.messages import job_item
from server.errors import BadRequest
from server.http import done, fit, read_body, read_json, reply
from server.keys import QUEUE, STORE, SUPERVISOR
from server.schemas.queue import FreeRequest, InterruptRequest, JobsChange, QueueListing


async def show_queue(request: web.Request) -> web.Response:
	"""What runs and what waits; a waiting job's index is its place in the queue."""
	queue = request.app[QUEUE]
	return reply(
		QueueListing(
			queue_running=[job_item(job) for job in queue.running()],
			queue_pending=[job_item(job) for job in queue.queued()],
		)
	)


async def change_queue(request: web.Request) -> web.Response:
	"""Drop waiting jobs: all, or some. The running job is left alone, unknown ids are passed over."""
	change = await read_body(request, JobsChange)
	queue = request.app[QUEUE]
	if change.clear:
		queue.clear()
	if change.delete:
		queue.remove(change.delete)
	await request.app[STORE].writer.settled()
	return done()


async def interrupt(request: web.Request) -> web.Response:
	"""Stop the running job, or only if it is the named one.

	No body, or one that is no JSON object, names none. A name that cannot be one is `BadRequest`: it means some job, but
	not whichever runs.
	"""
	try:
		document = await read_json(request)
	except BadRequest:
		document = None
	wanted = fit(document, InterruptRequest) if isinstance(document, dict) else InterruptRequest()
	request.app[SUPERVISOR].interrupt(wanted.prompt_id or None)
	return done()


async def free(request: web.Request) -> web.Response:
	"""Have the worker drop models, and cached results too with `free_memory`, before its next job."""
	wanted = await read_body(request, FreeRequest)
	cache = wanted.free_memory is True
	models = cache if wanted.unload_models is None else wanted.unload_models
	if models or cache:
		request.app[SUPERVISOR].free(models=models, cache=cache)
	return done()


routes: Sequence[web.RouteDef] = (
	web.get('/queue', show_queue),
	web.post('/queue', change_queue),
	web.post('/interrupt', interrupt),
	web.post('/free', free),
)
