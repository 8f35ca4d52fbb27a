"""`/v1/queue`: what waits and what runs, as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from server.keys import QUEUE, STORE
from server.operation import Operation, Tag
from server.schemas.runs import ClearReply, QueueReply
from server.store.writer import NotStored

QUEUE_TAG = Tag('queue', 'The order in which jobs run, and whether they begin at all.')


async def show_queue(request: web.Request) -> QueueReply:
	"""What runs, what waits, and whether the queue is paused."""
	queue = request.app[QUEUE]
	return QueueReply(
		paused=queue.paused,
		running=[job.id for job in queue.running()],
		queued=[job.id for job in queue.queued()],
	)


async def pause_queue(request: web.Request) -> QueueReply:
	"""Begin no further jobs; those that run go on.

	It stays so over a restart.
	"""
	request.app[QUEUE].pause()
	await request.app[STORE].writer.settled()
	return await show_queue(request)


async def resume_queue(request: web.Request) -> QueueReply:
	"""Begin jobs again."""
	request.app[QUEUE].resume()
	await request.app[STORE].writer.settled()
	return await show_queue(request)


async def clear_queue(request: web.Request) -> ClearReply:
	"""Cancel every waiting job."""
	cancelled = request.app[QUEUE].clear()
	await request.app[STORE].writer.settled()
	return ClearReply(cancelled=cancelled)


routes: Sequence[Operation] = (
	Operation('GET', '/v1/queue', show_queue, tag=QUEUE_TAG),
	Operation('POST', '/v1/queue/pause', pause_queue, tag=QUEUE_TAG, refuses=(NotStored,)),
	Operation('POST', '/v1/queue/resume', resume_queue, tag=QUEUE_TAG, refuses=(NotStored,)),
	Operation('POST', '/v1/queue/clear', clear_queue, tag=QUEUE_TAG, refuses=(NotStored,), destructive=True),
)
