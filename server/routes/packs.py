"""`/v1/packs`: the packs in folders of custom nodes."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from server.http import reply
from server.keys import SUPERVISOR
from server.schemas.runs import Pack, PackListing
from server.worker import known_nodes


async def list_packs(request: web.Request) -> web.Response:
	"""How each pack was loaded; a broken one has its traceback. Waits for the worker to tell."""
	supervisor = request.app[SUPERVISOR]
	await known_nodes(supervisor)
	return reply(
		PackListing(
			packs=[
				Pack(
					name=pack.name,
					path=str(pack.path),
					kinds=list(pack.kinds),
					seconds=pack.seconds,
					error=pack.error,
				)
				for pack in supervisor.packs
			]
		)
	)


routes: Sequence[web.RouteDef] = (web.get('/v1/packs', list_packs),)
