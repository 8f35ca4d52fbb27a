"""/v1/workflows: workflows by name, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import jsonschema_rs
import pytest
import pytest_asyncio
from aiohttp import ClientResponse

from engine.formats.document import WorkflowDocument
from tests.server.client import Api

DOCUMENT = {
	'lumengraph': 2,
	'title': 'Mine',
	'nodes': {'a': {'kind': 'Not here', 'inputs': {'seed': 2**64 - 1, 'none': None}, 'more': 1}},
	'own': [2],
}


async def put(api: Api, name: str, document: object = DOCUMENT, **headers: str) -> ClientResponse:
	"""Save a workflow."""
	sent = {header.replace('_', '-'): value for header, value in headers.items()}
	return await api.web.put(f'/v1/workflows/{name}', json=document, headers=sent)


@pytest_asyncio.fixture(loop_scope='session')
async def mine(api: Api) -> AsyncIterator[str]:
	"""The ETag of a saved workflow, `mine`."""
	response = await put(api, 'mine')

	assert response.status == 201, await response.text()
	yield response.headers['ETag']
	await api.web.delete('/v1/workflows/mine')


class TestReading:
	"""Listing and fetching."""

	async def test_listing(self, api: Api, mine: str) -> None:
		"""The program's and one's own, told apart; the title stands in for what is not named."""
		listing = (await api.json('/v1/workflows'))['workflows']

		assert {
			'name': 'mine',
			'title': 'Mine',
			'description': '',
			'built_in': False,
			'form': 'native',
			'pictured': False,
		} in listing
		assert [item['built_in'] for item in listing] == [True] * (len(listing) - 1) + [False]

	async def test_document_is_what_was_saved(self, api: Api, mine: str) -> None:
		"""Nothing is added, nothing is lost; who has it need not get it again."""
		response = await api.get('/v1/workflows/mine')
		again = await api.web.get('/v1/workflows/mine', headers={'If-None-Match': mine})

		assert await response.json() == DOCUMENT
		assert response.headers['ETag'] == mine
		assert again.status == 304

	@pytest.mark.parametrize('name', ['none', '..%2foutside', '%2e%2e%2foutside', '..%5coutside', 'README.md', '%00'])
	async def test_unknown_name_is_404(self, api: Api, name: str) -> None:
		"""Only names of the listing are found."""
		response = await api.get(f'/v1/workflows/{name}')

		assert response.status == 404

	async def test_bundled_workflows_are_served(self, api: Api) -> None:
		"""Those of the repository, each of them; they fit the schema that is served."""
		schema = await api.json('/v1/workflow.schema.json')
		for summary in (await api.json('/v1/workflows'))['workflows']:
			document: Any = await api.json(f'/v1/workflows/{summary["name"]}')

			assert document['lumengraph'] == 2
			jsonschema_rs.validate(schema, document)

	async def test_schema(self, api: Api) -> None:
		"""That of the format itself."""
		response = await api.get('/v1/workflow.schema.json')

		assert response.content_type == 'application/schema+json'
		assert await response.json() == WorkflowDocument.model_json_schema()


class TestOtherForms:
	"""Workflows that ComfyUI's front end and its clients saved."""

	EDITOR: ClassVar[dict[str, Any]] = {
		'nodes': [
			{
				'id': 1,
				'type': 'Shade',
				'pos': [10, 20],
				'outputs': [{'name': 'PAPER', 'type': 'PAPER', 'links': [1]}],
				'widgets_values': [3, 77, 'fixed'],
			},
			{'id': 2, 'type': 'Save', 'pos': [400, 20], 'inputs': [{'name': 'paper', 'type': 'PAPER', 'link': 1}]},
			{'id': 3, 'type': 'Note', 'pos': [10, 300], 'widgets_values': ['remember']},
		],
		'links': [[1, 1, 0, 2, 0, 'PAPER']],
		'version': 0.4,
	}

	async def test_saved_by_the_front_end(self, api: Api) -> None:
		"""It is listed with its form, opens as ours, runs by its name, and the file is left as it was."""
		where = '/userdata/workflows%2Fsub%2Fdrawn.json'
		assert (await api.post(where, self.EDITOR)).status == 200
		listing = (await api.json('/v1/workflows'))['workflows']
		document: Any = await api.json('/v1/workflows/sub%2Fdrawn')
		job = await api.post('/v1/workflows/sub%2Fdrawn/jobs', {'inputs': {}})
		schema = await api.json('/v1/workflow.schema.json')

		assert {
			'name': 'sub/drawn',
			'title': 'sub/drawn',
			'description': '',
			'built_in': False,
			'form': 'editor',
			'pictured': False,
		} in listing
		assert document['nodes']['2']['inputs']['paper'] == {'node': '1', 'output': 'PAPER'}
		assert document['layout']['notes']['3']['text'] == 'remember'
		assert job.status == 201, await job.text()
		jsonschema_rs.validate(schema, document)
		assert await (await api.get(where)).json() == self.EDITOR
		assert (await api.web.delete('/v1/workflows/sub%2Fdrawn')).status == 204
		assert (await api.get(where)).status == 404


class TestSaving:
	"""One's own."""

	async def test_replacing_is_200(self, api: Api, mine: str) -> None:
		"""And gives another ETag, with which the next change is made."""
		response = await put(api, 'mine', {**DOCUMENT, 'title': 'Other'}, If_Match=mine)
		next_one = await put(api, 'mine', If_Match=response.headers['ETag'])

		assert response.status == 200
		assert await response.json() == {
			'name': 'mine',
			'title': 'Other',
			'description': '',
			'built_in': False,
			'form': 'native',
			'pictured': False,
		}
		assert (next_one.status, next_one.headers['ETag']) == (200, mine)

	async def test_written_in_the_one_way(self, api: Api, base: Path) -> None:
		"""A block for each node, inputs in declared order, nothing that says nothing: whoever saves, the file is the same."""
		node = {'inputs': {'seed': 5, 'value': 3}, 'title': '', 'kind': 'Shade'}
		await put(api, 'mine', {'nodes': {'a': node}, 'lumengraph': 2, 'description': ''})
		text = (base / 'user' / 'workflows' / 'mine.json').read_text()
		await api.web.delete('/v1/workflows/mine')

		assert text == (
			'{\n\t"lumengraph": 2,\n\t"nodes": {\n\t\t"a": {\n'
			'\t\t\t"kind": "Shade",\n\t\t\t"inputs": {"value": 3, "seed": 5}\n'
			'\t\t}\n\t}\n}\n'
		)

	async def test_change_of_what_has_changed_is_412(self, api: Api, mine: str) -> None:
		"""Nobody's work is lost unseen."""
		await put(api, 'mine', {**DOCUMENT, 'title': 'Theirs'})
		changed, deleted = (
			await put(api, 'mine', If_Match=mine),
			await api.web.delete('/v1/workflows/mine', headers={'If-Match': mine}),
		)

		assert (changed.status, deleted.status) == (412, 412)
		assert (await changed.json())['error']['code'] == 'outdated'
		assert (await api.json('/v1/workflows/mine'))['title'] == 'Theirs'

	async def test_only_if_there_is_none(self, api: Api, mine: str) -> None:
		"""`If-None-Match: *` creates, and replaces nothing."""
		assert (await put(api, 'mine', If_None_Match='*')).status == 412

	async def test_programs_own_are_403(self, api: Api) -> None:
		"""Neither replaced nor deleted."""
		saved, deleted = await put(api, 'text_to_image'), await api.web.delete('/v1/workflows/text_to_image')

		assert (saved.status, deleted.status) == (403, 403)
		assert (await saved.json())['error']['code'] == 'workflow_read_only'

	@pytest.mark.parametrize(
		'name',
		[
			'..%2foutside',
			'%2e%2e%2foutside',
			'..%5coutside',
			'%2fetc%2fx',
			'.hidden',
			'a%00b',
			'a.',
			'a%20',
			'C:x',
			'x' * 61,
		],
	)
	async def test_names_that_are_none(self, api: Api, name: str) -> None:
		"""400, naming the path."""
		response = await put(api, name)

		assert response.status == 400
		assert [item['place'] for item in (await response.json())['error']['details']] == ['path.name']

	@pytest.mark.parametrize(
		'name', ['a', 'My workflow (2)', 'fluß-äöü', '画像', '😀', "it's 100%25 & more!", 'v1.2', 'x' * 60]
	)
	async def test_names_that_people_give(self, api: Api, name: str) -> None:
		"""Are kept as they are."""
		saved = await put(api, name)
		names = [item['name'] for item in (await api.json('/v1/workflows'))['workflows']]
		deleted = await api.web.delete(f'/v1/workflows/{name}')

		assert (saved.status, deleted.status) == (201, 204)
		assert unquote(name) in names

	@pytest.mark.parametrize(
		('document', 'code'),
		[
			([], 'invalid_request'),
			({}, 'invalid_request'),
			({'lumengraph': 2, 'nodes': {'a': {}}}, 'invalid_request'),
			({'lumengraph': 99, 'nodes': {}}, 'bad_document'),
			({'1': {'class_type': 'X', 'inputs': {}}}, 'invalid_request'),
		],
	)
	async def test_what_is_no_workflow(self, api: Api, document: object, code: str) -> None:
		"""400; nothing is saved."""
		response = await put(api, 'other', document)

		assert response.status == 400
		assert (await response.json())['error']['code'] == code
		assert (await api.get('/v1/workflows/other')).status == 404

	async def test_deleting_what_is_not_there(self, api: Api) -> None:
		"""404."""
		assert (await api.web.delete('/v1/workflows/none')).status == 404
