"""`/internal/logs`: the last log lines, and further ones over the WebSocket for those who ask. Not under `/api`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from aiohttp import web

from server.comfy.logteller import entries
from server.http import done, read_body, reply
from server.keys import LOG_TELLER, LOGS
from server.schemas.logs import LogEntries, LogSubscription, LogText, TerminalSize


async def show_logs(request: web.Request) -> web.Response:
	"""The last lines as one text."""
	return reply(LogText(''.join(f'{line.human}\n' for line in request.app[LOGS].lines)))


async def show_raw_logs(request: web.Request) -> web.Response:
	"""The last lines one by one."""
	size = shutil.get_terminal_size()
	return reply(
		LogEntries(entries=entries(request.app[LOGS].lines), size=TerminalSize(cols=size.columns, rows=size.lines))
	)


async def subscribe_logs(request: web.Request) -> web.Response:
	"""Begin or end to tell a socket of further lines."""
	wanted = await read_body(request, LogSubscription)
	teller = request.app[LOG_TELLER]
	if wanted.enabled:
		teller.subscribe(wanted.client)
	else:
		teller.unsubscribe(wanted.client)
	return done()


routes: Sequence[web.RouteDef] = (
	web.get('/internal/logs', show_logs),
	web.get('/internal/logs/raw', show_raw_logs),
	web.patch('/internal/logs/subscribe', subscribe_logs),
)
