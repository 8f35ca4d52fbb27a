"""`/v1/models`: the catalogue of model files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from aiohttp import web
from pydantic import TypeAdapter

from engine.catalogue import Catalogue
from engine.errors import ModelNotFound
from server.keys import STORAGE
from server.operation import Operation, Tag
from server.paging import cut
from server.schemas.catalogue import ModelFile, ModelPage, ModelQuery

MODELS = Tag('models', 'Model files that lie on disk.')
Named = tuple[str, str]
KEY = TypeAdapter(Named)


async def list_models(request: web.Request, query: ModelQuery) -> ModelPage:
	"""The model files that lie on disk, by kind and name.

	No more of a file is read than its header, and that once.
	"""
	return await asyncio.to_thread(read_page, request.app[STORAGE].catalogue, query)


def read_page(catalogue: Catalogue, query: ModelQuery) -> ModelPage:
	"""The page that is asked for. Takes time: not for the event loop."""
	kinds = sorted(catalogue.places)
	found = [(kind, name) for kind in kinds if query.kind in ('', kind) for name in catalogue.names(kind)]
	words = query.text.casefold().split()
	fitting = [item for item in found if all(word in item[1].casefold() for word in words)]
	page, following = cut(fitting, query, lambda item: item, KEY)
	return ModelPage(items=list(described(catalogue, page)), next=following, kinds=kinds)


def described(catalogue: Catalogue, files: Iterable[Named]) -> Iterator[ModelFile]:
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
		)


routes: Sequence[Operation] = (Operation('GET', '/v1/models', list_models, tag=MODELS),)
