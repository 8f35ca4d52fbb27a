"""`/v1/events`: what happens, as a WebSocket or as Server-Sent Events.

A client that was cut off comes back with the number of the last event that it has, as `after` or as `Last-Event-ID`, and
is told what it missed, be it before a restart of the server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from aiohttp import WSCloseCode, web

from engine.events import Event, JobDropped, JobFinished
from engine.jobs import JobNotFound
from server.feed import Feed, Interest, Told, TooSlow
from server.keys import STORE
from server.operation import Operation, Tag
from server.routes.jobs import find
from server.schemas.runs import JobPath
from server.schemas.stream import EventMessage, EventsQuery, JobEventsQuery
from server.sse import BEAT_SECONDS, MEDIA, last_event_id, message, over_sse, streaming
from server.store.writer import NotStored

EVENTS = Tag('events', 'What happens, as it happens, and what was missed.')
CLOSE_SECONDS = 2.0


async def stream_events(request: web.Request, query: EventsQuery) -> web.StreamResponse:
	"""What happens to all jobs, or to one: a WebSocket if the client asks for one, else Server-Sent Events.

	Each message is an `EventMessage` as JSON. After a reconnect, `after` (or the header `Last-Event-ID`) says what the
	client has already. A client that reads too slowly is sent away, and may come back like that.
	"""
	after = query.after if query.after is not None else last_event_id(request)
	feed = Feed(request.app[STORE], Interest(query.job, query.previews), after)
	with streaming(request.app):
		if request.headers.get('Upgrade', '').lower() == 'websocket':
			return await over_websocket(request, feed.all())
		return await over_sse(request, feed.all(), sse_of)


async def stream_job(request: web.Request, path: JobPath, query: JobEventsQuery) -> web.StreamResponse:
	"""What happened to one job, and what happens until its end, as Server-Sent Events.

	The stream ends with the job.
	"""
	job = await find(request.app, path.id)
	feed = Feed(request.app[STORE], Interest(job.id, query.previews), max(query.after, last_event_id(request) or 0))
	with streaming(request.app):
		return await over_sse(request, feed.missed() if job.state.over else until_end(feed.all()), sse_of)


async def until_end(events: Told) -> Told:
	"""Events up to the one that ends the job."""
	async with contextlib.aclosing(events):
		async for number, event in events:
			yield number, event
			if isinstance(event, JobFinished | JobDropped):
				return


async def over_websocket(request: web.Request, events: Told) -> web.WebSocketResponse:
	"""Send events until the client closes, or has to be sent away."""
	socket = web.WebSocketResponse(heartbeat=BEAT_SECONDS, timeout=CLOSE_SECONDS, max_msg_size=2**16)
	await socket.prepare(request)
	reading = asyncio.create_task(read_on(socket))
	sending = asyncio.create_task(send_all(socket, events))
	try:
		await asyncio.wait((reading, sending), return_when=asyncio.FIRST_COMPLETED)
	finally:
		for task in (reading, sending):
			task.cancel()
		await asyncio.gather(reading, sending, return_exceptions=True)
	return socket


async def read_on(socket: web.WebSocketResponse) -> None:
	"""What a client sends here means nothing, but for its farewell."""
	async for _ in socket:
		pass


async def send_all(socket: web.WebSocketResponse, events: Told) -> None:
	"""Every event as a text message."""
	async with contextlib.aclosing(events):
		try:
			async for number, event in events:
				await socket.send_str(message_of(number, event))
		except TooSlow as error:
			await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=str(error).encode())
		except ConnectionError:
			return


def message_of(number: int, event: Event) -> str:
	"""An event as JSON."""
	return EventMessage.model_validate({'number': number, 'event': event}).model_dump_json()


def sse_of(told: tuple[int, Event]) -> bytes:
	"""An event as Server-Sent Events write it."""
	number, event = told
	return message(number, message_of(number, event))


routes: Sequence[Operation] = (
	Operation('GET', '/v1/events', stream_events, tag=EVENTS, media=MEDIA, refuses=(NotStored,), endless=True),
	Operation('GET', '/v1/jobs/{id}/events', stream_job, tag=EVENTS, media=MEDIA, refuses=(JobNotFound, NotStored)),
)
