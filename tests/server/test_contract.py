"""The server keeps what its OpenAPI document promises, whatever it is sent: schemathesis makes the requests.

Every operation is called, also those that stop or delete things: the server here is one of its own.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from PIL import Image
from pydantic import JsonValue
from schemathesis import Case, CheckFunction, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
	content_type_conformance,
	negative_data_rejection,
	response_headers_conformance,
	response_schema_conformance,
	status_code_conformance,
)

from engine.settings import Settings
from server.app import OPERATIONS, build_app
from server.docs import ApiPages
from server.openapi import plain_path
from server.operation import Operation
from tests.server.client import Api, saving

EXAMPLES = 20
MOSTLY = st.sampled_from((True, True, False))
LONGEST_ADDRESS = 8000
"""Longer ones are refused by aiohttp before anything of ours is asked."""
CHECKS: Sequence[CheckFunction] = (
	not_a_server_error,
	status_code_conformance,
	content_type_conformance,
	response_headers_conformance,
	response_schema_conformance,
)
VERSION = f'{1_700_000_000_000}-{"a" * 32}'
KNOWN: Mapping[str, Sequence[str]] = {
	'id': ('job', 'waiting', '1'),
	'GET /v1/workflows/{name}/versions/{id}': (VERSION,),
	'GET /v1/drafts/{id}': ('draft',),
	'name': ('text_to_image', 'mine'),
	'POST /v1/workflows/{name}/jobs': ('shade',),
	'kind': ('Shade', 'Mix', 'Listing'),
	'path': ('a.png', 'sub/b.webp', 'damaged.png'),
	'file': ('docs.css', 'docs.js'),
}
"""Values of the path by which something is found, of any operation or of one; made-up ones hardly ever find anything."""
BODIES: Mapping[str, Sequence[JsonValue]] = {
	'POST /v1/jobs': (
		{
			'workflow': {
				'1': {'class_type': 'Shade', 'inputs': {'value': 3, 'seed': 5}},
				'2': {'class_type': 'Show', 'inputs': {'paper': ['1', 0]}},
			}
		},
		{'workflow': {'1': {'class_type': 'Steps', 'inputs': {'count': 3, 'seed': 5}}}, 'key': 'once', 'front': True},
	),
	'POST /v1/workflows/{name}/jobs': (
		{'inputs': {'value': 7}},
		{'inputs': {'value': 700, 'other': 1}},
		{'sweep': {'value': {'from': 1, 'to': 3, 'steps': 3}}},
	),
	'PATCH /v1/jobs/{id}': ({'number': 3}, {'before': 'waiting'}),
	'POST /v1/models/downloads': (
		{'url': 'http://127.0.0.1:9/x.safetensors', 'folder': 'checkpoints', 'name': 'x.safetensors'},
		{'url': 'http://elsewhere/x.safetensors', 'folder': 'checkpoints', 'name': 'x.safetensors'},
	),
	'POST /v1/convert': (
		{'1': {'class_type': 'Shade', 'inputs': {'value': 999, 'seed': 0}}},
		{'nodes': [{'id': 1, 'type': 'Shade', 'widgets_values': [3, 5]}, {'id': 2, 'type': 'Elsewhere'}], 'links': []},
	),
	'POST /v1/workflows/diff': (
		{
			'before': {'1': {'class_type': 'Shade', 'inputs': {'value': 3, 'seed': 5}}},
			'after': {'lumengraph': 2, 'nodes': {'a': {'kind': 'Shade', 'inputs': {'value': 4}}, 'b': {'kind': 'No'}}},
		},
	),
	'PUT /v1/drafts/{id}': ({'document': {'lumengraph': 2, 'nodes': {}}, 'workflow': 'mine', 'client': 'me'},),
	'POST /v1/check': (
		{'1': {'class_type': 'Shade', 'inputs': {'value': 999, 'seed': 0}}},
		{
			'lumengraph': 2,
			'nodes': {'a': {'kind': 'Slow', 'inputs': {'seconds': 1, 'after': {'node': 'b', 'output': 0}}}},
		},
	),
}
"""Bodies that mean something; made-up ones hardly ever do."""


SHADE: JsonValue = {
	'lumengraph': 1,
	'inputs': {'value': {'node': 'a', 'input': 'value'}},
	'nodes': {
		'a': {'kind': 'Shade', 'inputs': {'value': 3, 'seed': 5}},
		'b': {'kind': 'Show', 'inputs': {'paper': {'node': 'a', 'output': 'PAPER'}}},
	},
}
"""A saved workflow that can be run."""


def strict_document() -> dict[str, Any]:
	"""The document without `default` answers, which would allow any status."""
	document: dict[str, Any] = copy.deepcopy(ApiPages(OPERATIONS).openapi.root)
	for path in document['paths'].values():
		for operation in path.values():
			del operation['responses']['default']
	return document


SCHEMA = schemathesis.openapi.from_dict(strict_document())


@pytest_asyncio.fixture(scope='module', loop_scope='session')
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
	"""A server that has run a job, and has pictures, a workflow and models."""
	base = tmp_path_factory.mktemp('contract')
	for name in ('output/sub', 'models/checkpoints'):
		(base / name).mkdir(parents=True)
	Image.new('RGB', (300, 200)).save(base / 'output' / 'a.png')
	Image.new('RGBA', (30, 20)).save(base / 'output' / 'sub' / 'b.webp')
	(base / 'user' / 'versions' / VERSION).mkdir(parents=True)
	(base / 'user' / 'versions' / VERSION / f'{VERSION}.json').write_text('{"lumengraph": 2, "nodes": {}}')
	(base / 'output' / 'damaged.png').write_bytes(b'no picture')
	(base / 'models' / 'checkpoints' / 'one.safetensors').write_bytes(b'weights')
	app = build_app(Settings(base=base), pack='tests.server.pack', model_hosts=('127.0.0.1',))
	async with TestClient(TestServer(app)) as web:
		api = Api(web)
		await api.ended(await api.submit(saving(), prompt_id='job'))
		await web.put('/v1/workflows/mine', json={'lumengraph': 2, 'nodes': {}})
		await web.put('/v1/workflows/shade', json=SHADE)
		await web.post('/v1/models/downloads', json=BODIES['POST /v1/models/downloads'][0])
		await web.put('/v1/drafts/draft', json={'document': SHADE})
		yield str(web.make_url('')).rstrip('/')


async def prepare(address: str) -> None:
	"""See to it that there is a job that is over, and one that waits in a queue where nothing begins."""
	workflow = saving()
	async with ClientSession(address) as session:
		await session.post('/v1/queue/clear')
		async with session.get('/v1/jobs/job') as found:
			is_there = found.status == 200
		if not is_there:
			await session.post('/v1/queue/resume')
			await session.post('/v1/jobs', json={'workflow': workflow, 'id': 'job'})
			async with session.get('/v1/jobs/job/events') as stream:
				await stream.read()
		await session.post('/v1/queue/pause')
		await session.delete('/v1/jobs/waiting')
		await session.post('/v1/jobs', json={'workflow': workflow, 'id': 'waiting'})


def send(address: str, case: Case[Any], checks: Sequence[CheckFunction]) -> int:
	"""Send a request and check the answer; gives its status."""
	response = case.call(base_url=address)
	if len(response.request.url or '') > LONGEST_ADDRESS:
		reject()
	case.validate_response(response, checks=list(checks))
	return response.status_code


def try_out(address: str, method: str, path: str, mode: GenerationMode) -> set[int]:
	"""Call an operation many times, mostly for something that is there; gives the statuses that came."""
	statuses: set[int] = set()
	checks = (*CHECKS, *((negative_data_rejection,) if mode is GenerationMode.NEGATIVE else ()))

	@settings(
		max_examples=EXAMPLES,
		deadline=None,
		database=None,
		derandomize=True,
		phases=[Phase.generate],
		suppress_health_check=list(HealthCheck),
	)
	@given(case=SCHEMA[path][method].as_strategy(generation_mode=mode), data=st.data())
	def call(case: Case[Any], data: st.DataObject) -> None:
		named = [name for name in KNOWN if f'{{{name}}}' in path]
		if mode is GenerationMode.POSITIVE and named and data.draw(MOSTLY):
			case.path_parameters = {
				name: data.draw(st.sampled_from(KNOWN.get(f'{method} {path}', KNOWN[name]))) for name in named
			}
		bodies = BODIES.get(f'{method} {path}', ())
		if mode is GenerationMode.POSITIVE and bodies and data.draw(MOSTLY):
			case.body = data.draw(st.sampled_from(bodies))
		statuses.add(send(address, case, checks))

	try:
		call()
	except Unsatisfiable:
		assert mode is GenerationMode.NEGATIVE  # There is nothing to get wrong in a request that takes nothing.
	return statuses


ENDING = [operation for operation in OPERATIONS if not operation.endless]


@pytest.mark.parametrize('operation', ENDING, ids=lambda item: f'{item.method} {plain_path(item.path)}')
class TestContract:
	"""No 5xx, no status that is not announced, no body that does not fit its schema."""

	async def test_good_requests(self, address: str, operation: Operation) -> None:
		"""Requests that fit the document, for things that exist and for others."""
		await prepare(address)
		path = plain_path(operation.path)
		statuses = await asyncio.to_thread(try_out, address, operation.method, path, GenerationMode.POSITIVE)

		assert statuses & set(operation.good_statuses)

	async def test_bad_requests(self, address: str, operation: Operation) -> None:
		"""Requests that do not fit: all of them are refused, and none does harm."""
		path = plain_path(operation.path)
		await asyncio.to_thread(try_out, address, operation.method, path, GenerationMode.NEGATIVE)
