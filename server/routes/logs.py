"""`/v1/logs`: the last log lines, and those that come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence

from aiohttp import web
from pydantic import TypeAdapter

from server.keys import LOGS
from server.logring import LogLine, LogRing
from server.operation import Operation, Tag
from server.paging import cut
from server.schemas.logs import LogFilter, LogPage, LogsQuery, LogStreamQuery, NumberedLine
from server.sse import MEDIA, last_event_id, message, over_sse, streaming

LOG = Tag('logs', 'What the server and its workers log.')
LEVELS = ('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL')
Key = tuple[int]
KEY = TypeAdapter(Key)
GATHER_SECONDS = 0.1


async def list_logs(request: web.Request, query: LogsQuery) -> LogPage:
	"""The last lines that the server and its workers have logged, newest first.

	The last 1,000 are kept. Secrets are left out of them.
	"""
	fitting = list(chosen(reversed(request.app[LOGS].since(0)), query))
	page, following = cut(fitting, query, lambda item: (-item.number,), KEY)
	return LogPage(items=page, next=following)


async def stream_logs(request: web.Request, query: LogStreamQuery) -> web.StreamResponse:
	"""Every further line as Server-Sent Events; each message is a `NumberedLine` as JSON.

	After a reconnect, `after` (or the header `Last-Event-ID`) says what the client has already.
	"""
	ring = request.app[LOGS]
	known = query.after if query.after is not None else last_event_id(request)
	with streaming(request.app):
		return await over_sse(request, told(ring, query, known), sse_of)


async def told(ring: LogRing, filter: LogFilter, after: int | None) -> AsyncGenerator[NumberedLine, None]:
	"""Lines as they come, together for what comes within a moment; those that the ring has dropped meanwhile are missed."""
	loop, arrived = asyncio.get_running_loop(), asyncio.Event()

	def hear(_: LogLine) -> None:
		if not loop.is_closed():
			loop.call_soon_threadsafe(arrived.set)

	with ring.listen(hear):
		last = ring.last if after is None else after
		while True:
			arrived.clear()
			for number, line in ring.since(last):
				last = number
				for item in chosen(((number, line),), filter):
					yield item
			await arrived.wait()
			await asyncio.sleep(GATHER_SECONDS)


def chosen(lines: Iterable[tuple[int, LogLine]], filter: LogFilter) -> Iterable[NumberedLine]:
	"""Those for which all that is asked for holds."""
	least, words = LEVELS.index(filter.level), filter.text.casefold().split()
	for number, line in lines:
		# Python lets modules have levels of their own; they count as INFO.
		level = LEVELS.index(line.level) if line.level in LEVELS else LEVELS.index('INFO')
		about = f'{line.source} {line.text}'.casefold()
		if level >= least and filter.job in (None, line.job) and all(word in about for word in words):
			yield NumberedLine(number=number, line=line)


def sse_of(item: NumberedLine) -> bytes:
	"""A line as Server-Sent Events write it."""
	return message(item.number, item.model_dump_json())


routes: Sequence[Operation] = (
	Operation('GET', '/v1/logs', list_logs, tag=LOG),
	Operation('GET', '/v1/logs/events', stream_logs, tag=LOG, media=MEDIA, endless=True),
)
