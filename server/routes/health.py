"""`/v1/health`: whether the server is up, and whether jobs can run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiohttp import web

from engine.errors import WorkerLost
from server.keys import STARTED, SUPERVISOR
from server.operation import Operation, Tag
from server.schemas.system import Health, Live, Readiness
from server.worker import known_nodes, worker_state

HEALTH = Tag('health', 'Whether the server is up, and whether it can run jobs.')


class NotReady(WorkerLost):
	"""No worker is up, so nothing can be run."""


async def show_health(request: web.Request) -> Health:
	"""How server and worker are. Answers at once, also while the worker is coming up."""
	state = worker_state(request.app[SUPERVISOR])
	return Health(worker=state, seconds_up=round(time.monotonic() - request.app[STARTED], 3))


async def show_live(request: web.Request) -> Live:
	"""Whether the server is up: if it answers at all, it is.

	For whoever restarts a server that does not answer. Workers are no reason to: the server replaces them itself.
	"""
	return Live()


async def show_ready(request: web.Request) -> Readiness:
	"""Whether jobs can be taken: 503 until a worker is up.

	For whoever sends requests to one of several servers, or waits with the first job.
	"""
	supervisor = request.app[SUPERVISOR]
	if worker_state(supervisor) == 'starting':
		raise NotReady('No worker is up yet; this takes some seconds after the start.')
	return Readiness(nodes=len(await known_nodes(supervisor)))


routes: Sequence[Operation] = (
	Operation('GET', '/v1/health', show_health, tag=HEALTH),
	Operation('GET', '/v1/health/live', show_live, tag=HEALTH),
	Operation('GET', '/v1/health/ready', show_ready, tag=HEALTH, refuses=(NotReady,)),
)
