"""Server-Sent Events: sends what comes until it ends or the client goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TypeVar

from aiohttp import web
from pydantic import ValidationError

from server.errors import InvalidRequest
from server.feed import TooSlow
from server.keys import STREAMS
from server.schemas.errors import Misfit
from server.schemas.stream import EventsQuery

T = TypeVar('T')
BEAT_SECONDS = 15.0
MEDIA = ('text/event-stream',)


async def over_sse(
	request: web.Request, items: AsyncGenerator[T, None], written: Callable[[T], bytes]
) -> web.StreamResponse:
	"""Send items until they end or the client goes; a line now and then keeps the connection open."""
	response = web.StreamResponse(
		headers={'Content-Type': MEDIA[0], 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no'}
	)
	await response.prepare(request)
	if request.method == 'HEAD':
		return response  # Whatever came now would be taken for the next answer of the connection.
	# Both are closed here, the outer one first: it may be waiting for the inner one.
	async with contextlib.aclosing(items), contextlib.aclosing(with_beats(items)) as beating:
		try:
			await response.write(b': here you are\n\n')
			async for item in beating:
				await response.write(b': still here\n\n' if item is None else written(item))
		except (ConnectionError, TooSlow):
			return response
	await response.write_eof()
	return response


async def with_beats(items: AsyncGenerator[T, None]) -> AsyncGenerator[T | None, None]:
	"""The items, and None whenever there was none for a while."""
	while True:
		following = asyncio.ensure_future(anext(items, None))
		try:
			while not (await asyncio.wait((following,), timeout=BEAT_SECONDS))[0]:
				yield None
			item = following.result()
		finally:
			following.cancel()
			await asyncio.wait((following,))
		if item is None:
			return
		yield item


def message(number: int, text: str) -> bytes:
	"""One numbered message: browsers that come back send its number."""
	return f'id: {number}\ndata: {text}\n\n'.encode()


def last_event_id(request: web.Request) -> int | None:
	"""What browsers send when they come back. `InvalidRequest` if it is no number of ours."""
	text = request.headers.get('Last-Event-ID')
	if text is None:
		return None
	try:
		return EventsQuery.model_validate({'after': text}).after
	except ValidationError as error:
		reason = error.errors()[0]['msg']
		raise InvalidRequest([Misfit(place='header.Last-Event-ID', message=reason)]) from None


@contextlib.contextmanager
def streaming(app: web.Application) -> Iterator[None]:
	"""While this lasts, the end of the server ends the stream."""
	task = asyncio.current_task()
	if task is not None:
		app[STREAMS].add(task)
	try:
		yield
	finally:
		app[STREAMS].discard(task)
