"""`/internal`: what only the official front end asks. Not served under `/api`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from engine.files import FOLDERS, is_text
from server.http import reply
from server.keys import STORAGE
from server.schemas.errors import PlainError
from server.schemas.files import FolderPaths
from server.schemas.system import Names


async def list_folder_paths(request: web.Request) -> web.Response:
	"""Where the model files of each kind lie."""
	places = request.app[STORAGE].catalogue.places
	return reply(FolderPaths({kind: list(found) for kind, found in places.items()}))


async def list_files(request: web.Request) -> web.Response:
	"""The files of the input, output or temp folder, newest first, each with the folder it lies in: `a.png [input]`."""
	wanted = request.match_info['folder']
	for folder in FOLDERS:
		if folder == wanted:
			names = await asyncio.to_thread(newest, request.app[STORAGE].files.root(folder))
			return reply(Names([f'{name} [{folder}]' for name in names]))
	return reply(PlainError(error=f'The folder must be one of {", ".join(FOLDERS)}.'), status=400)


def newest(folder: Path) -> list[str]:
	"""The files in a folder, not below it, newest first. Hidden ones are left out."""
	found: list[tuple[int, str]] = []
	try:
		with os.scandir(folder) as entries:
			for entry in entries:
				if entry.is_file() and not entry.name.startswith('.') and is_text(entry.name):
					found.append((-entry.stat().st_mtime_ns, entry.name))
	except FileNotFoundError:  # Nothing was ever put there, or something has just gone.
		pass
	return [name for _, name in sorted(found)]


routes: Sequence[web.RouteDef] = (
	web.get('/internal/folder_paths', list_folder_paths),
	web.get('/internal/files/{folder}', list_files),
)
