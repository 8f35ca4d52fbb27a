"""`/v1/models`: the catalogue of model files, and those in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from aiohttp import web
from pydantic import TypeAdapter

from engine.catalogue import Catalogue
from engine.errors import ModelNotFound
from server.keys import MODEL_WATCH, STORAGE, SUPERVISOR
from server.operation import Operation, Tag
from server.paging import cut
from server.schemas.catalogue import ModelFile, ModelPage, ModelQuery
from server.schemas.residents import LoadCancel, LoadCancelled, LoadPath, ModelsStatus, Unloaded, WorkerModels

MODELS = Tag('models', 'Model files that lie on disk, and models in memory.')
Named = tuple[str, str]
KEY = TypeAdapter(Named)
Sums = Callable[[Path], str | None]


async def list_models(request: web.Request, query: ModelQuery) -> ModelPage:
	"""The model files that lie on disk, by kind and name.

	No more of a file is read than its header, and that once.
	"""
	return await asyncio.to_thread(read_page, request.app[STORAGE].catalogue, query, request.app[MODEL_WATCH].sha256)


def read_page(catalogue: Catalogue, query: ModelQuery, sha256: Sums = lambda path: None) -> ModelPage:
	"""The page that is asked for. Takes time: not for the event loop."""
	kinds = sorted(catalogue.places)
	found = [(kind, name) for kind in kinds if query.kind in ('', kind) for name in catalogue.names(kind)]
	words = query.text.casefold().split()
	fitting = [item for item in found if all(word in item[1].casefold() for word in words)]
	page, following = cut(fitting, query, lambda item: item, KEY)
	return ModelPage(items=list(described(catalogue, page, sha256)), next=following, kinds=kinds)


def described(catalogue: Catalogue, files: Iterable[Named], sha256: Sums = lambda path: None) -> Iterator[ModelFile]:
	"""What is known of these files; one that has gone meanwhile is passed over."""
	for kind, name in files:
		try:
			path = catalogue.path(kind, name)
			status = path.stat()
			family, damage = catalogue.facts(path).get('family'), catalogue.damage(path)
		except (ModelNotFound, OSError):
			continue
		yield ModelFile(
			kind=kind,
			name=name,
			size=status.st_size,
			modified=status.st_mtime,
			family=None if family is None else str(family),
			damage=damage,
			sha256=sha256(path),
		)


async def show_status(request: web.Request) -> ModelsStatus:
	"""The models that the workers hold in memory, or are loading: where, how many bytes, who uses them.

	Answered while jobs run. A worker that is not up, or does not answer within seconds, is left out.
	"""
	supervisor = request.app[SUPERVISOR]
	devices = {worker.name: worker.device for worker in supervisor.workers}
	return ModelsStatus(
		workers=[
			WorkerModels(worker=name, device=devices.get(name, ''), **dict(told))
			for name, told in (await supervisor.models()).items()
		]
	)


async def cancel_load(request: web.Request, path: LoadPath, body: LoadCancel) -> LoadCancelled:
	"""End a load of a model, for all jobs that wait for it; they are cancelled.

	What was read is let go of. The id is told by `model_loading` events, and by the status. A load may end by itself at any
	moment: then there is nothing to cancel.
	"""
	return LoadCancelled(cancelled=await request.app[SUPERVISOR].cancel_load(path.id, body.reason))


async def unload_models(request: web.Request) -> Unloaded:
	"""Drop all models that no job uses now."""
	return Unloaded(freed=await request.app[SUPERVISOR].unload())


async def unload_model(request: web.Request, path: LoadPath) -> Unloaded:
	"""Drop one model, if it is there, no job uses it now and no other one shares its weights."""
	return Unloaded(freed=await request.app[SUPERVISOR].unload(path.id))


routes: Sequence[Operation] = (
	Operation('GET', '/v1/models', list_models, tag=MODELS),
	Operation('GET', '/v1/models/status', show_status, tag=MODELS),
	Operation('DELETE', '/v1/models/status', unload_models, tag=MODELS, destructive=True),
	Operation('DELETE', '/v1/models/status/{id}', unload_model, tag=MODELS, destructive=True),
	Operation('POST', '/v1/models/loads/{id}/cancel', cancel_load, tag=MODELS, destructive=True),
)
