"""`/v1/cache`: how much is kept of the nodes' results, and dropping it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from server.keys import SETTINGS, SUPERVISOR
from server.operation import Operation, Tag
from server.schemas.cache import CacheSize

CACHE = Tag('cache', 'Results of nodes that are kept, so that nothing is computed twice.')
APART = ('runs', 'compiled')
"""What lies beside results: reports of runs, and the code of compiled models."""


async def show_cache(request: web.Request) -> CacheSize:
	"""How much of the nodes' results is kept on disk."""
	# The cache itself is the worker's: here, only its files are counted.
	settings = request.app[SETTINGS]
	files, size = await asyncio.to_thread(measure, settings.cache_folder)
	return CacheSize(files=files, bytes=size, limit=settings.disk_bytes)


def measure(folder: Path) -> tuple[int, int]:
	"""How many files lie below a folder, and their bytes, as far as they are results."""
	files, size = 0, 0
	for place, folders, names in os.walk(folder):
		folders[:] = [name for name in folders if Path(place) != folder or name not in APART]
		for name in names:
			try:
				size += Path(place, name).stat().st_size
			except OSError:  # It has left meanwhile.
				continue
			files += 1
	return files, size


async def clear_cache(request: web.Request) -> None:
	"""Drop all results, in memory and on disk, before the next job begins."""
	request.app[SUPERVISOR].free(models=False, cache=True)


routes: Sequence[Operation] = (
	Operation('GET', '/v1/cache', show_cache, tag=CACHE),
	Operation('DELETE', '/v1/cache', clear_cache, tag=CACHE, destructive=True),
)
