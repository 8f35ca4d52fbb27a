"""`/v1/workers`: the processes that run jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from aiohttp import web

from server.keys import SUPERVISOR
from server.operation import Operation, Tag
from server.schemas.workers import Worker, WorkerListing

WORKERS = Tag('workers', 'The processes that run jobs, one or several at each device.')


async def list_workers(request: web.Request) -> WorkerListing:
	"""How each worker is doing: which job and node it is at, and how often its like was replaced."""
	return WorkerListing(workers=[Worker(**asdict(worker)) for worker in request.app[SUPERVISOR].workers])


routes: Sequence[Operation] = (Operation('GET', '/v1/workers', list_workers, tag=WORKERS),)
