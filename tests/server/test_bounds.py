"""How much one request may hold."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from engine.formats.prompt import write_prompt
from engine.graph import Graph
from engine.settings import Settings
from server.app import build_app
from server.bounds import check_bytes, check_graph, check_values
from server.errors import TooLarge
from server.serving import Limits
from tests.benchmarks.shapes import layered
from tests.server.client import Web, call

SMALL = Limits(json_bytes=20_000, json_values=2000, nodes=20, links=10, silence_seconds=0.2)


class TestChecks:
	"""Each limit by itself: what fits passes, one more is too much."""

	def test_bytes(self) -> None:
		"""Counted after decompression, and announced ones beforehand."""
		check_bytes(10, Limits(json_bytes=10))
		with pytest.raises(TooLarge, match='10 bytes'):
			check_bytes(11, Limits(json_bytes=10))

	@pytest.mark.parametrize('document', [b'[1,2,3,4]', b'[[[[]]]]', b'[{},{},{}]', b'{"a":{"b":{"c":[0]}}}'])
	def test_values(self, document: bytes) -> None:
		"""No document of more values passes; one of as many does."""
		counted = sum(map(document.count, (b',', b'[', b'{')))
		check_values(document, Limits(json_values=counted))

		with pytest.raises(TooLarge, match='values'):
			check_values(document, Limits(json_values=counted - 1))

	def test_graph(self) -> None:
		"""Nodes and links."""
		graph = layered(100)
		links = sum(1 for _ in graph.links())
		check_graph(graph, Limits(nodes=len(graph.calls), links=links))

		with pytest.raises(TooLarge, match='nodes'):
			check_graph(graph, Limits(nodes=len(graph.calls) - 1))
		with pytest.raises(TooLarge, match='links'):
			check_graph(graph, Limits(links=links - 1))

	def test_a_hundred_thousand_nodes_pass(self) -> None:
		"""With the editor's own document of them beside, which tells each node in full."""
		graph: Graph = layered(100_000)
		node = {
			'id': 1,
			'type': 'Add3',
			'pos': [100.5, 200.5],
			'size': [210, 90],
			'flags': {},
			'order': 5,
			'mode': 0,
			'inputs': [{'name': name, 'type': 'INT', 'link': 7} for name in 'abc'],
			'outputs': [{'name': 'INT', 'type': 'INT', 'links': [8, 9, 10], 'slot_index': 0}],
			'properties': {'Node name for S&R': 'Add3'},
			'widgets_values': [1, 2.5, 'text'],
		}
		workflow = {'nodes': [node] * len(graph.calls), 'links': [[1, 1, 0, 2, 0, 'INT']] * 300_000}
		body = {'prompt': write_prompt(graph), 'extra_data': {'extra_pnginfo': {'workflow': workflow}}}
		raw = json.dumps(body, separators=(',', ':')).encode()
		limits = Limits()

		check_bytes(len(raw), limits)
		check_values(raw, limits)
		check_graph(graph, limits)

	def test_a_smaller_limit_of_all_bodies_holds_for_json(self) -> None:
		"""The smaller of both."""
		assert Limits(json_bytes=10).within(20).json_bytes == 10
		assert Limits(json_bytes=30).within(20).json_bytes == 20


class TestRequests:
	"""A server with small limits."""

	@pytest_asyncio.fixture(loop_scope='session')
	async def small(self, tmp_path: Path) -> AsyncIterator[Web]:
		"""The server."""
		app = build_app(Settings(base=tmp_path), pack='tests.server.pack', limits=SMALL)
		async with TestClient(TestServer(app)) as client:
			yield client

	@pytest.mark.parametrize('path', ['/prompt', '/queue', '/history', '/free', '/v1/check'])
	async def test_large_bodies_are_413(self, small: Web, path: str) -> None:
		"""Too many bytes, too many values, and too many bytes once decompressed; what is wrong is said."""
		bodies: tuple[tuple[bytes, dict[str, str], str], ...] = (
			(b'"' + b'x' * SMALL.json_bytes + b'"', {}, 'bytes'),
			(b'[' * 100 + b',' * SMALL.json_values, {}, 'values'),
			(gzip.compress(b' ' * 1_000_000), {'Content-Encoding': 'gzip'}, 'bytes'),
		)
		for body, headers, told in bodies:
			answer = await small.post(path, data=body, headers=headers)

			assert answer.status == 413
			assert told in (await answer.json())['error']['message']

	async def test_large_graphs_are_413_in_the_words_of_the_dialect(self, small: Web) -> None:
		"""With both keys that clients look for."""
		nodes = {str(index): call('Show') for index in range(SMALL.nodes + 1)}
		links = {'0': call('Mix', **{f'i{index}': ['0', 0] for index in range(SMALL.links + 1)})}
		for graph, told in ((nodes, '21 nodes'), (links, '11 links')):
			answer = await small.post('/prompt', json={'prompt': graph})
			body = await answer.json()

			assert answer.status == 413
			assert body['error']['type'] == 'prompt_too_large'
			assert told in body['error']['message']
			assert body['node_errors'] == {}

	async def test_large_graphs_are_not_checked_either(self, small: Web) -> None:
		"""Checking costs as much as queueing."""
		graph = {str(index): call('Show') for index in range(SMALL.nodes + 1)}

		assert (await small.post('/v1/check', json=graph)).status == 413

	async def test_a_body_that_stops_coming_is_408(self, small: Web) -> None:
		"""Nobody waits for the rest."""
		more = asyncio.Event()

		async def half() -> AsyncIterator[bytes]:
			yield b'{"prompt": '
			await more.wait()

		answer = await small.post('/queue', data=half())
		more.set()

		assert answer.status == 408
		assert (await answer.json())['error']['code'] == 'too_slow'

	async def test_what_fits_is_taken(self, small: Web) -> None:
		"""The limits are no others than they say."""
		graph = {'1': call('Shade', value=1, seed=1), '2': call('Show', paper=['1', 0])}

		assert (await small.post('/prompt', json={'prompt': graph})).status == 200
