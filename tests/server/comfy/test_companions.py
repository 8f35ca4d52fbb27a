"""What packs and front ends bring beside nodes, through the real server."""

from __future__ import annotations

import json

import pytest
from yarl import URL

from tests.server.client import Api


class TestTranslations:
	async def test_texts_by_language(self, host: Api) -> None:
		"""Merged from the files of the pack; broken ones are left out."""
		assert await host.json('/i18n') == {
			'de': {
				'title': 'Begleiter',
				'nodeDefs': {'CompanionNew': {'display_name': 'Neu'}, 'Other': {'display_name': 'Anderes'}},
			}
		}

	async def test_server_without_packs_says_nothing(self, api: Api) -> None:
		"""An object all the same: the front end waits for it."""
		for path in ('/i18n', '/workflow_templates', '/global_subgraphs', '/node_replacements'):
			assert await api.json(path) == {}


class TestWorkflowTemplates:
	"""GET /workflow_templates."""

	async def test_names_and_files(self, host: Api) -> None:
		"""Listed by pack, and served where the front end looks for them."""
		listed = await host.json('/workflow_templates')
		workflow = await host.get('/api/workflow_templates/companion%20pack/start.json')
		picture = await host.get('/api/workflow_templates/companion%20pack/start.jpg')

		assert listed == {'companion pack': ['second', 'start']}
		assert workflow.content_type == 'application/json'
		assert await workflow.json() == {'nodes': [], 'links': []}
		assert picture.content_type == 'image/jpeg'

	@pytest.mark.parametrize(
		'path',
		[
			'companion%20pack/none.json',
			'none/start.json',
			'companion%20pack/..%2F__init__.py',
			'companion%20pack/..%5C__init__.py',
			'companion%20pack/%2Fetc%2Fpasswd',
			'..%2Fcompanion%20pack/start.json',
			'single_file/start.json',
		],
	)
	async def test_anything_else_is_404(self, host: Api, path: str) -> None:
		"""Nothing but what lies among the examples of a pack."""
		response = await host.web.get(URL(f'/api/workflow_templates/{path}', encoded=True))

		assert response.status == 404
		assert (await response.json())['error']['code'] in ('template_not_found', 'not_found')


class TestTemplates:
	"""GET /templates, where the front end brings none."""

	@pytest.mark.parametrize(
		('name', 'body'),
		[('index.json', []), ('index.de.json', []), ('index.zh-TW.json', []), ('index_logo.json', {})],
	)
	async def test_lists_are_empty(self, api: Api, name: str, body: object) -> None:
		"""JSON, as the front end insists."""
		response = await api.get(f'/templates/{name}')

		assert response.content_type == 'application/json'
		assert await response.json() == body

	@pytest.mark.parametrize('name', ['flux.json', 'flux-1.webp', 'index.json.txt', '..%2Findex.html'])
	async def test_no_template_is_404(self, api: Api, name: str) -> None:
		"""There is none."""
		assert (await api.web.get(URL(f'/templates/{name}', encoded=True))).status == 404


class TestSubgraphs:
	"""GET /global_subgraphs."""

	async def test_listed_and_shown(self, host: Api) -> None:
		"""Without and with the graph, which is JSON in a text; the broken file is left out."""
		[(key, listed)] = (await host.json('/global_subgraphs')).items()
		shown = await host.json(f'/global_subgraphs/{key}')

		assert listed == {
			'source': 'custom_node',
			'name': 'blend',
			'info': {'node_pack': 'custom_nodes.companion pack'},
		}
		assert json.loads(shown.pop('data'))['definitions']['subgraphs'] == [{'id': 's', 'name': 'Blend'}]
		assert shown == listed

	async def test_unknown_id_is_404(self, host: Api) -> None:
		"""Which the front end takes for none."""
		assert (await host.get('/global_subgraphs/unknown')).status == 404


class TestReplacements:
	async def test_as_front_ends_read_them(self, host: Api) -> None:
		"""An input is either taken over or set: only the one that holds is told."""
		told = await host.json('/node_replacements')

		assert told.keys() == {'CompanionOld', 'CompanionOlder'}
		assert [entry['new_node_id'] for entry in told['CompanionOld']] == ['CompanionGone', 'CompanionNew']
		assert told['CompanionOld'][1] == {
			'new_node_id': 'CompanionNew',
			'old_node_id': 'CompanionOld',
			'old_widget_ids': ['count'],
			'input_mapping': [{'new_id': 'amount', 'old_id': 'count'}, {'new_id': 'unit', 'set_value': 'pieces'}],
			'output_mapping': [{'new_idx': 1, 'old_idx': 0}],
		}
		assert told['CompanionOlder'] == [
			{
				'new_node_id': 'CompanionNew',
				'old_node_id': 'CompanionOlder',
				'old_widget_ids': None,
				'input_mapping': None,
				'output_mapping': None,
			}
		]


class TestStyles:
	async def test_there_always_is_a_style_sheet(self, api: Api) -> None:
		"""Pages of the official front end ask for it, whether it is there or not."""
		response = await api.get('/user.css')

		assert (response.status, response.content_type) == (200, 'text/css')
		assert await response.read() == b''


class TestDocs:
	async def test_help_of_nodes_is_404(self, api: Api) -> None:
		"""There is none; the front end does without."""
		assert (await api.get('/docs/KSampler/en.md')).status == 404
