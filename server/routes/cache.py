"""`/v1/cache`: how much is kept of the nodes' results, and dropping it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from server.http import done, reply
from server.keys import SETTINGS, SUPERVISOR
from server.schemas.cache import CacheSize

RUNS = 'runs'


async def show_size(request: web.Request) -> web.Response:
	"""What lies on disk. The cache itself is the worker's: here, only its files are counted."""
	settings = request.app[SETTINGS]
	files, size = await asyncio.to_thread(measure, settings.cache_folder)
	return reply(CacheSize(files=files, bytes=size, limit=settings.disk_bytes))


def measure(folder: Path) -> tuple[int, int]:
	"""How many files lie below a folder, and their bytes; reports of runs are no results."""
	files, size = 0, 0
	for place, folders, names in os.walk(folder):
		folders[:] = [name for name in folders if Path(place, name) != folder / RUNS]
		for name in names:
			try:
				size += Path(place, name).stat().st_size
			except OSError:  # It has left meanwhile.
				continue
			files += 1
	return files, size


async def clear(request: web.Request) -> web.Response:
	"""Have the worker drop all results, in memory and on disk, before its next job."""
	request.app[SUPERVISOR].free(models=False, cache=True)
	return done()


routes: Sequence[web.RouteDef] = (web.get('/v1/cache', show_size), web.delete('/v1/cache', clear))
