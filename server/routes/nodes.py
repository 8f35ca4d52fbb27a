"""`/v1/nodes`: the kinds of nodes, as the engine declares them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence

from aiohttp import web
from pydantic import TypeAdapter

from engine.declaration import NodeInfo
from engine.errors import NotFound, WorkerLost
from engine.storage import Storage
from server.keys import STORAGE, SUPERVISOR
from server.operation import Operation, Tag
from server.paging import cut
from server.schemas.declarations import NodePage, NodePath, NodeQuery
from server.worker import current_nodes

NODES = Tag('nodes', 'What can be placed on the canvas: inputs, widgets, outputs.')
KEY = TypeAdapter(tuple[str])


class NodeNotFound(NotFound):
	"""No node is of this kind."""

	def __init__(self, kind: str) -> None:
		super().__init__(f'There is no node of the kind {kind!r}; GET /v1/nodes lists them.')
		self.kind = kind


async def list_nodes(request: web.Request, query: NodeQuery) -> NodePage:
	"""The kinds of nodes, in the order of the alphabet.

	Choices of files list what lies on disk now. Waits for the worker to tell its nodes.
	"""
	nodes = await current_nodes(request.app[SUPERVISOR])
	return await asyncio.to_thread(read_page, request.app[STORAGE], nodes.values(), query)


def read_page(storage: Storage, nodes: Iterable[NodeInfo], query: NodeQuery) -> NodePage:
	"""The page that is asked for. Takes time: not for the event loop."""
	found = sorted((node for node in nodes if fits(node, query)), key=lambda node: node.kind)
	described = storage.described(found)
	items, following = cut(described, query, lambda node: (node.kind,), KEY)
	return NodePage(items=items, next=following, total=len(described), hash=hash_of(described))


def fits(node: NodeInfo, query: NodeQuery) -> bool:
	"""Whether a node is among those that are asked for."""
	if query.origin and node.origin != query.origin:
		return False
	if query.category and not f'{node.category}/'.startswith(f'{query.category.rstrip("/")}/'):
		return False
	texts = (node.kind, node.title, node.category, node.description, *node.aliases)
	return all(any(word in text.casefold() for text in texts) for word in query.text.casefold().split())


def hash_of(nodes: Iterable[NodeInfo]) -> str:
	"""A name for the content of these declarations."""
	digest = hashlib.blake2b(digest_size=16)
	for node in nodes:
		digest.update(node.model_dump_json().encode() + b'\n')
	return digest.hexdigest()


async def show_node(request: web.Request, path: NodePath) -> NodeInfo:
	"""One kind of node."""
	node = (await current_nodes(request.app[SUPERVISOR], path.kind)).get(path.kind)
	if node is None:
		raise NodeNotFound(path.kind)
	(described,) = await asyncio.to_thread(request.app[STORAGE].described, [node])
	return described


routes: Sequence[Operation] = (
	Operation('GET', '/v1/nodes', list_nodes, tag=NODES, refuses=(WorkerLost,), etag=True),
	Operation('GET', '/v1/nodes/{kind}', show_node, tag=NODES, refuses=(NodeNotFound, WorkerLost), etag=True),
)
