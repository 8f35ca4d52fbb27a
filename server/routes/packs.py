"""`/v1/packs`: the packs in folders of custom nodes."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from engine.errors import WorkerLost
from server.keys import SUPERVISOR
from server.operation import Operation, Tag
from server.schemas.pack_reports import Pack, PackListing
from server.worker import known_nodes

PACKS = Tag('packs', 'Packs of custom nodes.')


async def list_packs(request: web.Request) -> PackListing:
	"""How the packs of custom nodes were loaded; a broken one has its traceback.

	Waits for the worker to tell.
	"""
	supervisor = request.app[SUPERVISOR]
	await known_nodes(supervisor)
	return PackListing(
		packs=[
			Pack(name=pack.name, path=str(pack.path), kinds=list(pack.kinds), seconds=pack.seconds, error=pack.error)
			for pack in supervisor.packs
		]
	)


routes: Sequence[Operation] = (Operation('GET', '/v1/packs', list_packs, tag=PACKS, refuses=(WorkerLost,)),)
