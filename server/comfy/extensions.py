"""`/extensions`: the scripts that the official front end loads, its own and those of packs."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from engine.errors import WorkerLost
from engine.supervisor import Supervisor
from server.http import reply
from server.keys import EDITOR, SUPERVISOR
from server.paths import find_file
from server.schemas.system import Names
from server.static import static_file
from server.worker import known_nodes

log = logging.getLogger(__name__)
OWN = 'extensions'
SCRIPT = '.js'


async def list_extensions(request: web.Request) -> web.Response:
	"""The paths of all scripts, those of packs below their percent-encoded names. Waits for the packs to be loaded."""
	folders = await web_folders(request.app[SUPERVISOR])
	return reply(Names(await asyncio.to_thread(lambda: list(listed(request.app[EDITOR] / OWN, folders)))))


def listed(own: Path, packs: Mapping[str, Path]) -> Iterator[str]:
	"""The paths under which the scripts of the front end and of packs are served."""
	for path in scripts(own):
		yield f'/{OWN}/{quote(path)}'
	for name, folder in packs.items():
		for path in scripts(folder):
			yield f'/{OWN}/{quote(name, safe="")}/{quote(path)}'


def scripts(root: Path) -> Iterator[str]:
	"""The scripts below a folder, by path. Hidden ones are left out."""
	for folder, folders, files in os.walk(root):
		folders[:] = sorted(name for name in folders if not name.startswith('.'))
		for name in sorted(files):
			if name.endswith(SCRIPT) and not name.startswith('.'):
				yield Path(folder, name).relative_to(root).as_posix()


async def web_folders(supervisor: Supervisor) -> Mapping[str, Path]:
	"""Name → folder that browsers may read, as the packs declare it; none if no worker comes up to tell."""
	try:
		await known_nodes(supervisor)
	except WorkerLost as error:
		log.warning('No scripts of packs are offered: %s', error)
	return {name: folder for pack in supervisor.packs for name, folder in pack.web.items()}


async def show_extension(request: web.Request) -> web.StreamResponse:
	"""A file of the front end's own extensions, or of a pack's web folder."""
	pack, name = request.match_info['pack'], request.match_info['name']
	path = find_file(request.app[EDITOR] / OWN, f'{pack}/{name}')
	if path is None:
		folder = (await web_folders(request.app[SUPERVISOR])).get(pack)
		path = None if folder is None else find_file(folder, name)
	if path is None:
		raise web.HTTPNotFound
	return static_file(path)


routes: Sequence[web.RouteDef] = (web.get('/extensions', list_extensions),)
file_routes: Sequence[web.RouteDef] = (web.get('/extensions/{pack}/{name:.+}', show_extension),)
