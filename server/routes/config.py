"""`/v1/config`: the settings as this run of the server has them."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from aiohttp import web

from engine.versions import version_of
from server.keys import ACCESS, MAX_BODY, SETTINGS
from server.operation import Operation, Tag
from server.schemas.config import Abilities, Config, FolderPaths, Limits, Versions
from server.thumbnails import MAX_PIXELS

CONFIG = Tag('config', 'The settings as this run of the server has them.')


async def show_config(request: web.Request) -> Config:
	"""Folders, limits, versions, and what is switched on."""
	settings = request.app[SETTINGS]
	return Config(
		folders=FolderPaths(
			base=settings.base,
			input=settings.input_folder,
			output=settings.output_folder,
			temp=settings.temp_folder,
			models=settings.models_folder,
			cache=settings.cache_folder,
			workflows=settings.workflows_folder,
			custom_nodes=list(settings.pack_folders),
		),
		limits=Limits(
			body=request.app[MAX_BODY],
			memory_cache=settings.cache_bytes,
			disk_cache=settings.disk_bytes,
			models=settings.model_bytes,
			picture_pixels=MAX_PIXELS,
		),
		versions=Versions(
			lumengraph=version_of('lumengraph'),
			python=platform.python_version(),
			torch=version_of('torch'),
			aiohttp=version_of('aiohttp'),
		),
		features=Abilities(
			metadata=settings.metadata,
			packs=settings.packs,
			cache_mode=settings.cache_mode,
			cors_origin=request.app[ACCESS].cors_origin,
		),
	)


routes: Sequence[Operation] = (Operation('GET', '/v1/config', show_config, tag=CONFIG),)
