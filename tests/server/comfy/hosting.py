"""Graphs of ComfyUI-style nodes for a server with the testing pack, and what it answers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from tests.server.client import Api, Graph, call

fresh = itertools.count(100)


def show(node: str, output: int = 0) -> dict[str, Any]:
	"""An output node behind another."""
	return call('TestingShow', value=[node, output])


def number() -> dict[str, Any]:
	"""A number that no other test has in the cache."""
	return call('TestingInt', value=next(fresh))


async def errors_of(host: Api, graph: Graph, node: str) -> list[dict[str, Any]]:
	"""Why a graph that cannot run at all is refused, at one node."""
	status, body = await host.prompt(graph)

	assert status == 400, body
	found: list[dict[str, Any]] = body['node_errors'][node]['errors']
	return found


async def messages(host: Api, graph: Graph) -> list[dict[str, Any]]:
	"""All messages of a job, to the client that submitted it."""
	async with host.listening('me') as socket:
		return await socket.until_over(await host.submit(graph, client_id='me'))


def names(told: list[dict[str, Any]], type: str) -> list[str]:
	"""The nodes of the messages of one type."""
	return [item['data']['node'] for item in told if item['type'] == type and item['data']['node'] is not None]


def data_of(told: Iterable[dict[str, Any]], type: str) -> list[dict[str, Any]]:
	"""The data of the messages of one type."""
	return [item['data'] for item in told if item['type'] == type]
