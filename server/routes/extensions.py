"""`/v1/extensions`: what packs bring for the page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from aiohttp import web
from pydantic import ValidationError

from engine.errors import WorkerLost
from engine.plugins import PackReport
from server.comfy.extensions import scripts
from server.keys import SUPERVISOR
from server.operation import Operation
from server.paths import find_file
from server.routes.packs import PACKS
from server.schemas.extensions import MANIFEST, Extension, ExtensionListing, Manifest
from server.worker import known_nodes


async def list_extensions(request: web.Request) -> ExtensionListing:
	"""What packs bring for the page: modules for our editor, which it loads, and scripts for other front ends.

	A module is for our editor if `lumengraph.json` in the pack's web folder says so. Waits for the packs to be loaded.
	"""
	supervisor = request.app[SUPERVISOR]
	await known_nodes(supervisor)
	return ExtensionListing(extensions=await asyncio.to_thread(lambda: list(read_all(supervisor.packs))))


def read_all(packs: Iterable[PackReport]) -> Iterable[Extension]:
	"""The web folders of all packs."""
	for pack in packs:
		for name, folder in pack.web.items():
			yield read_extension(pack.name, name, folder)


def read_extension(pack: str, name: str, folder: Path) -> Extension:
	"""What lies in a web folder; what is wrong with its manifest is told, not raised."""
	manifest, error = read_manifest(folder)
	return Extension(
		name=name,
		pack=pack,
		title=manifest.title if manifest else '',
		description=manifest.description if manifest else '',
		version=manifest.version if manifest else '',
		api=manifest.api if manifest else None,
		module=None if manifest is None else address(name, manifest.module),
		scripts=[address(name, path) for path in scripts(folder)],
		error=error,
	)


def read_manifest(folder: Path) -> tuple[Manifest | None, str | None]:
	"""A folder's manifest, or what is wrong with it; neither if it has none."""
	path = find_file(folder, MANIFEST)
	if path is None:
		return None, None
	try:
		manifest = Manifest.model_validate_json(path.read_bytes())
	except OSError as error:
		return None, f'{MANIFEST} cannot be read: {error.strerror}'
	except ValidationError as error:
		first = error.errors(include_url=False)[0]
		place = '.'.join(map(str, first['loc']))
		return None, f'{MANIFEST}: {place + ": " if place else ""}{first["msg"]}'
	if find_file(folder, manifest.module) is None:
		return None, f'{MANIFEST}: module: there is no file {manifest.module!r} in the folder'
	return manifest, None


def address(name: str, path: str) -> str:
	"""Where a file of a web folder is served, relative to the page."""
	return f'extensions/{quote(name, safe="")}/{quote(path)}'


routes: Sequence[Operation] = (Operation('GET', '/v1/extensions', list_extensions, tag=PACKS, refuses=(WorkerLost,)),)
