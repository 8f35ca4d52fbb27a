"""`/v1/health`: whether jobs can run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiohttp import web

from server.http import reply
from server.keys import STARTED, SUPERVISOR
from server.schemas.system import Health
from server.worker import worker_state


async def show_health(request: web.Request) -> web.Response:
	"""Answers at once, also while the worker is coming up."""
	state = await worker_state(request.app[SUPERVISOR])
	return reply(Health(worker=state, seconds_up=round(time.monotonic() - request.app[STARTED], 3)))


routes: Sequence[web.RouteDef] = (web.get('/v1/health', show_health),)
