"""`/ws`: a client connects and is told what happens from then on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Sequence

from aiohttp import WSMsgType, web
from pydantic import JsonValue
from pydantic_core import from_json

from server.comfy.discovery import features
from server.comfy.messages import queue_status
from server.comfy.places import Places
from server.comfy.sockets import Client
from server.comfy.teller import executing
from server.keys import HUB, QUEUE, SUPERVISOR
from server.schemas.messages import FeatureFlags, Welcome, WelcomeData

log = logging.getLogger(__name__)
MAX_MESSAGE = 2**20
CLOSE_SECONDS = 2.0


async def connect(request: web.Request) -> web.WebSocketResponse:
	"""Keep a client's socket until it closes."""
	# Not compressed: most bytes are JPEG. No heartbeat: simple clients read their socket only now and then.
	socket = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE, timeout=CLOSE_SECONDS)
	await socket.prepare(request)
	sid = request.query.get('clientId') or uuid.uuid4().hex
	client = Client(sid, socket, request.transport)
	hub = request.app[HUB]
	hub.join(client)
	greet(request.app, client)
	writer = asyncio.create_task(client.write())
	try:
		await listen(request.app, client, socket)
	finally:
		hub.leave(client)
		writer.cancel()
		with contextlib.suppress(asyncio.CancelledError):
			await writer
	return socket


def greet(app: web.Application, client: Client) -> None:
	"""Tell a new socket how the queue stands and, if jobs of its are running, at which nodes they are."""
	status = queue_status(app[QUEUE].remaining)
	client.tell(Welcome(data=WelcomeData(status=status, sid=client.sid)))
	for running in app[SUPERVISOR].running:
		if running.node is not None and running.job.submission.client == client.sid:
			places = Places(running.job.submission.graph, running.job.events)
			client.tell(executing(running.job.id, running.node, places))


async def listen(app: web.Application, client: Client, socket: web.WebSocketResponse) -> None:
	"""Hear a client out. Only its first message counts, and only if it tells its feature flags."""
	first = True
	async for message in socket:
		if message.type is not WSMsgType.TEXT or not first:
			continue
		try:
			document: JsonValue = from_json(message.data)
		except ValueError as error:
			log.warning('A WebSocket client sent something that is not JSON: %s', error)
			continue
		first = False
		if isinstance(document, dict) and document.get('type') == 'feature_flags':
			flags = document.get('data')
			client.flags = flags if isinstance(flags, dict) else {}
			client.tell(FeatureFlags(data=features(app)))


routes: Sequence[web.RouteDef] = (web.get('/ws', connect),)
