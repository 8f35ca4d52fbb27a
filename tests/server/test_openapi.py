"""The OpenAPI document: every operation is in it, and what it says of them is true of their models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

import jsonschema_rs
import pytest
from aiohttp import web
from pydantic import Field

from engine.errors import FileMissing
from engine.settings import PROJECT
from server.app import OPERATIONS
from server.docs import ApiPages
from server.errors import status_of
from server.openapi import make_document, plain_path
from server.operation import Operation, Tag
from server.schemas.base import Parameters, Reply
from tests.server.client import Api

DOCUMENT: dict[str, Any] = ApiPages(OPERATIONS).openapi.root
README = (PROJECT / 'server' / 'README.md').read_text()
TAG = Tag('tests', 'Only for tests.')


def part(operation: Operation) -> dict[str, Any]:
	"""What the document says of an operation."""
	found: dict[str, Any] = DOCUMENT['paths'][plain_path(operation.path)][operation.method.lower()]
	return found


def refs(value: object) -> Iterator[str]:
	"""Every reference in a document."""
	if isinstance(value, dict):
		if isinstance(value.get('$ref'), str):
			yield value['$ref']
		value = list(value.values())
	for item in value if isinstance(value, list) else ():
		yield from refs(item)


class TestEveryOperation:
	"""Nothing of `/v1` is left unsaid."""

	@pytest.mark.parametrize('operation', OPERATIONS, ids=lambda item: f'{item.method} {item.path}')
	def test_is_typed_and_told(self, operation: Operation) -> None:
		"""Its path, a summary, a group, a row in the README; a parameter for each name; a schema or type per answer."""
		told = part(operation)
		takes = operation.signature.takes
		path_names = [item['name'] for item in told.get('parameters', ()) if item['in'] == 'path']

		assert operation.path.startswith('/v1/')
		assert told['summary'].endswith('.')
		assert told['tags'] == [operation.tag.name]
		assert f'| {operation.method} | `{plain_path(operation.path)}` |' in README
		assert path_names == re.findall(r'\{(\w+)', operation.path)
		assert ('requestBody' in told) == ('body' in takes)
		assert ('requestBody' in told) <= (operation.method in ('POST', 'PUT', 'PATCH'))
		for status in operation.good_statuses:
			content = told['responses'][str(status)].get('content')
			assert (content is None) == (status in (101, 204))
			for media, body in (content or {}).items():
				assert '$ref' in body.get('schema', {}) or 'json' not in media

	@pytest.mark.parametrize('operation', OPERATIONS, ids=lambda item: f'{item.method} {item.path}')
	def test_tells_its_refusals(self, operation: Operation) -> None:
		"""Each with the status of the one table, and the body that every refusal has."""
		responses = part(operation)['responses']

		for refusal in operation.refusals:
			schema = responses[str(status_of(refusal))]['content']['application/json']['schema']
			assert schema == {'$ref': '#/components/schemas/ErrorBody'}

	def test_has_a_name_of_its_own(self) -> None:
		"""Clients that are generated call it by that."""
		names = [operation.name for operation in OPERATIONS]

		assert sorted(names) == sorted(set(names))

	def test_what_deletes_is_marked(self) -> None:
		"""So that nobody tries it out by accident."""
		for operation in OPERATIONS:
			assert (operation.method == 'DELETE') <= part(operation).get('x-destructive', False)


class TestDocument:
	"""The document as a whole."""

	def test_every_reference_leads_somewhere(self) -> None:
		"""And no schema is there for nothing."""
		schemas = DOCUMENT['components']['schemas']
		wanted = {ref.removeprefix('#/components/schemas/') for ref in refs(DOCUMENT)}

		assert wanted == set(schemas)

	def test_every_schema_is_one(self) -> None:
		"""By the meta-schema of JSON Schema."""
		for schema in DOCUMENT['components']['schemas'].values():
			jsonschema_rs.meta.validate({'$schema': 'https://json-schema.org/draft/2020-12/schema', **schema})

	def test_every_schema_says_what_it_is(self) -> None:
		"""The docstrings of the models are the documentation."""
		schemas = DOCUMENT['components']['schemas']

		assert [name for name, schema in schemas.items() if not schema.get('description')] == ['JsonValue']

	async def test_is_served(self, api: Api) -> None:
		"""With an ETag, by which it need not be sent twice."""
		response = await api.get('/v1/openapi.json')
		again = await api.web.get('/v1/openapi.json', headers={'If-None-Match': response.headers['ETag']})

		served = await response.json()

		assert {**served, 'paths': DOCUMENT['paths'], 'components': DOCUMENT['components']} == DOCUMENT
		# Saved workflows are added.
		assert DOCUMENT['paths'].items() <= served['paths'].items()
		assert DOCUMENT['components']['schemas'].items() <= served['components']['schemas'].items()
		assert (DOCUMENT['openapi'], DOCUMENT['info']['title']) == ('3.1.0', 'Lumengraph')
		assert again.status == 304


class Where(Parameters):
	"""A path."""

	path: str


class Which(Parameters):
	"""A query."""

	size: Annotated[int | None, Field(ge=1, description='how large')] = None
	choice: Annotated[int | str | None, Field(description='one of two')] = None


class Found(Reply):
	"""An answer."""

	there: bool = True


async def find(request: web.Request, path: Where, query: Which) -> Found:
	"""Find it."""
	return Found()


class TestTranslation:
	"""From models to the document."""

	def told(self, **options: Any) -> dict[str, Any]:
		"""What is said of one operation."""
		operation = Operation('GET', '/v1/{path:.+}', find, tag=TAG, **options)
		document = make_document([operation], title='x', version='1')
		found: dict[str, Any] = document.model_dump(mode='json', by_alias=True, exclude_none=True)
		return found

	def test_patterns_of_paths_are_left_out(self) -> None:
		"""They are the router's affair."""
		assert list(self.told()['paths']) == ['/v1/{path}']

	def test_parameters(self) -> None:
		"""One for each field; null is what it is when it is not sent. Their models are no schemas."""
		document = self.told()

		assert document['paths']['/v1/{path}']['get']['parameters'] == [
			{'name': 'path', 'in': 'path', 'required': True, 'schema': {'type': 'string'}},
			{
				'name': 'size',
				'in': 'query',
				'description': 'how large',
				'required': False,
				'schema': {'type': 'integer', 'minimum': 1},
			},
			{
				'name': 'choice',
				'in': 'query',
				'description': 'one of two',
				'required': False,
				'schema': {'anyOf': [{'type': 'integer'}, {'type': 'string'}]},
			},
		]
		assert 'Which' not in document['components']['schemas']

	def test_defaults_are_always_sent(self) -> None:
		"""So an answer's field with a default is required; not so in an answer that may have gaps."""
		assert self.told()['components']['schemas']['Found']['required'] == ['there']
		assert 'required' not in self.told(partial=True)['components']['schemas']['Found']

	def test_refusals_of_one_status(self) -> None:
		"""Are told together, by their codes."""
		responses = self.told(refuses=(FileMissing,))['paths']['/v1/{path}']['get']['responses']

		assert list(responses) == ['200', '400', '404', 'default']
		assert responses['404']['description'] == 'Not Found: `file_missing`.'

	def test_conditions_are_headers(self) -> None:
		"""What has a tag can be asked for with it, what is guarded can be changed with it."""

		def headers(**options: Any) -> list[str]:
			parameters = self.told(**options)['paths']['/v1/{path}']['get']['parameters']
			return [item['name'] for item in parameters if item['in'] == 'header']

		assert headers() == []
		assert headers(etag=True) == ['If-None-Match']
		assert headers(guarded=True) == ['If-Match', 'If-None-Match']
