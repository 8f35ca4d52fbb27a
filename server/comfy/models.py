"""`/models`, `/embeddings`, `/experiment/models`, `/view_metadata`: the model files, and what they tell of themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from aiohttp import web

from engine.catalogue import Catalogue
from engine.errors import EngineError, ModelNotFound
from engine.tensorfile import read_metadata
from server.comfy.model_previews import model_preview
from server.http import reply
from server.keys import PICTURE_SLOTS, STORAGE
from server.paths import names_drive, slashed
from server.schemas.models import Metadata, ModelFile, ModelFiles, ModelFolder, ModelFolders
from server.schemas.system import Names

# Folders that hold no models, though packs may look for them among those.
NO_MODELS = ('configs', 'custom_nodes')
LONGEST_HEADER = 2**20


async def list_embeddings(request: web.Request) -> web.Response:
	"""The embeddings, without their extensions: as they are written in prompts."""
	names = request.app[STORAGE].catalogue.names('embeddings')
	return reply(Names([str(PurePath(name).with_suffix('')) for name in names]))


async def list_folders(request: web.Request) -> web.Response:
	"""The kinds of model folders."""
	return reply(Names(list(request.app[STORAGE].catalogue.places)))


async def list_models(request: web.Request) -> web.Response:
	"""The model files of one kind of folder."""
	catalogue, folder = request.app[STORAGE].catalogue, request.match_info['folder']
	places_of(catalogue, folder)
	return reply(Names(list(await asyncio.to_thread(catalogue.names, folder))))


async def list_places(request: web.Request) -> web.Response:
	"""The kinds of model folders, with the places where such files lie."""
	places = request.app[STORAGE].catalogue.places
	return reply(
		ModelFolders(
			[
				ModelFolder(name=kind, folders=[str(place) for place in found])
				for kind, found in places.items()
				if kind not in NO_MODELS
			]
		)
	)


async def list_files(request: web.Request) -> web.Response:
	"""The model files of one kind, with sizes and times."""
	catalogue, folder = request.app[STORAGE].catalogue, request.match_info['folder']
	places = places_of(catalogue, folder)
	return reply(ModelFiles(await asyncio.to_thread(lambda: list(told(catalogue, folder, places)))))


def told(catalogue: Catalogue, folder: str, places: Sequence[Path]) -> Iterator[ModelFile]:
	"""The files of a kind that are there."""
	for place, path in catalogue.files(folder):
		try:
			status = (place / path).stat()
		except OSError:  # A link to nothing.
			continue
		yield ModelFile(
			name=path.as_posix(),
			pathIndex=places.index(place),
			modified=status.st_mtime,
			created=status.st_ctime,
			size=status.st_size,
		)


async def show_preview(request: web.Request) -> web.Response:
	"""The picture of a model file, as WebP."""
	folder, name = request.match_info['folder'], request.match_info['name']
	places = places_of(request.app[STORAGE].catalogue, folder)
	# Looked up by how they are written, so that what is no number is none of them.
	place = {str(index): place for index, place in enumerate(places)}.get(request.match_info['index'])
	picture: bytes | None = None
	if place is not None and is_below(name):
		async with request.app[PICTURE_SLOTS]:
			picture = await asyncio.to_thread(model_preview, place, slashed(name))
	if picture is None:
		raise ModelNotFound(name, folder)
	return web.Response(body=picture, content_type='image/webp', headers={'X-Content-Type-Options': 'nosniff'})


async def show_metadata(request: web.Request) -> web.Response:
	"""What a safetensors file says of itself. 404 has no body: front ends read any as the answer."""
	catalogue, name = request.app[STORAGE].catalogue, request.query.get('filename', '')
	metadata = None
	if name.lower().endswith('.safetensors') and is_below(name):
		try:
			path = catalogue.path(request.match_info['folder'], name)
			metadata = await asyncio.to_thread(read_metadata, path, LONGEST_HEADER)
		except EngineError:  # There is no such file, or it is no such file, or its header is too long.
			metadata = None
	return reply(Metadata(dict(metadata))) if metadata else web.Response(status=404)


def places_of(catalogue: Catalogue, folder: str) -> Sequence[Path]:
	"""Where the files of a kind lie, or `ModelNotFound`."""
	if folder not in catalogue.places:
		raise ModelNotFound('', folder)
	return catalogue.places[folder]


def is_below(name: str) -> bool:
	"""Whether a name leads down into its folder only. Links are followed: models often lie elsewhere."""
	plain = slashed(name)
	parts = PurePath(plain).parts
	return bool(parts) and not (plain.startswith('/') or names_drive(plain) or '\0' in plain or '..' in parts)


routes: Sequence[web.RouteDef] = (
	web.get('/embeddings', list_embeddings),
	web.get('/models', list_folders),
	web.get('/models/{folder}', list_models),
	web.get('/experiment/models', list_places),
	web.get('/experiment/models/{folder}', list_files),
	web.get('/experiment/models/preview/{folder}/{index}/{name:.+}', show_preview),
	web.get('/view_metadata/{folder}', show_metadata),
)
