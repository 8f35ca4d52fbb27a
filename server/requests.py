"""The outermost middleware: every request has an id, and a line in the log when it is answered."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid

from aiohttp import web
from aiohttp.typedefs import Handler

from engine.logcontext import REQUEST, about

log = logging.getLogger(__name__)
HEADER = 'X-Request-Id'
GOOD_ID = re.compile(r'[\w.:-]{1,64}', re.ASCII)
CLIENT_GONE = 499


@web.middleware
async def requests(request: web.Request, handler: Handler) -> web.StreamResponse:
	"""Carry the id that the client or a proxy gave, else a new one, through all that is done and logged for it."""
	given = request.headers.get(HEADER, '')
	name = given if GOOD_ID.fullmatch(given) else uuid.uuid4().hex[:16]
	began = time.perf_counter()
	status = CLIENT_GONE
	with about(request=name, job='', node=''):
		try:
			response = await handler(request)
			status = response.status
			if not response.prepared:
				response.headers[HEADER] = name
			return response
		except web.HTTPException as answer:
			status = answer.status
			answer.headers[HEADER] = name
			raise
		except asyncio.CancelledError:
			status = CLIENT_GONE
			raise
		finally:
			# What went well is told to those who look closely.
			level = logging.INFO if status >= 400 else logging.DEBUG
			if log.isEnabledFor(level):
				spent = (time.perf_counter() - began) * 1000
				log.log(level, '%s %s %d %.1f ms', request.method, request.raw_path, status, spent)


async def add_request_id(_: web.Request, response: web.StreamResponse) -> None:
	"""Signal: an answer that its handler sends by itself, such as a WebSocket's, begins."""
	if REQUEST.get():
		response.headers.setdefault(HEADER, REQUEST.get())
