"""/v1/check: everything that is wrong with a workflow, without running it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.client import Api, call, saving, shade


async def checked(api: Api, document: object) -> dict[str, Any]:
	"""What the server says of a workflow."""
	response = await api.post('/v1/check', document)

	assert response.status == 200, await response.text()
	body: dict[str, Any] = await response.json()
	return body


class TestForms:
	"""Workflows as they come."""

	async def test_a_good_one(self, api: Api) -> None:
		"""No problems; its sinks can run; nothing is queued."""
		found = await checked(api, saving())

		assert (found['problems'], found['sinks']) == ([], ['2'])
		assert (await api.json('/prompt'))['exec_info']['queue_remaining'] == 0

	async def test_a_native_one(self, api: Api) -> None:
		"""Links by name; inputs that are not declared are told, since nobody but us writes such files."""
		document = {
			'lumengraph': 2,
			'nodes': {
				'shade': {'kind': 'Shade', 'inputs': {'value': 3, 'seed': 0}},
				'save': {'kind': 'Save', 'inputs': {'paper': {'node': 'shade', 'output': 'PAPER'}, 'odd': 1}},
			},
		}
		[problem] = (await checked(api, document))['problems']

		assert (problem['code'], problem['input']) == ('unknown_input', 'odd')

	async def test_a_native_one_that_was_another(self, api: Api) -> None:
		"""What came from a form that may carry inputs that are not declared may carry them still."""
		prompt = {'1': shade(), '2': call('Save', paper=['1', 0], upload='image')}
		made = (await (await api.post('/v1/convert', prompt)).json())['workflow']

		assert not (await checked(api, made))['problems']

	async def test_what_is_not_here(self, api: Api) -> None:
		"""Models that the file asks for, with the place where they are found."""
		models = {'gone.safetensors': {'folder': 'loras', 'url': 'https://example.org/gone'}}
		document = {
			'lumengraph': 2,
			'requires': {'models': models},
			'nodes': {'a': {'kind': 'Odd', 'pack': 'odd-pack'}},
		}
		found = await checked(api, document)

		assert found['models'] == [
			{'name': 'gone.safetensors', 'folder': 'loras', 'url': 'https://example.org/gone', 'differs': False}
		]
		assert found['missing'] == [{'kind': 'Odd', 'nodes': ['a'], 'pack': 'odd-pack'}]

	async def test_an_api_one_may_carry_more(self, api: Api) -> None:
		"""ComfyUI's editor sends inputs that are only its own."""
		assert not (await checked(api, {'1': shade(), '2': call('Save', paper=['1', 0], upload='image')}))['problems']

	@pytest.mark.parametrize(
		'body', [b'', b'{', b'[1]', b'3', b'{}', b'{"nodes": {}}', b'{"lumengraph": 99, "nodes": {}}']
	)
	async def test_what_is_no_workflow(self, api: Api, body: bytes) -> None:
		"""400, with a sentence."""
		response = await api.post('/v1/check', body)

		assert response.status == 400
		assert (await response.json())['error']['message']


class TestMemory:
	"""What it would take to run it."""

	async def test_without_models(self, api: Api) -> None:
		"""Nothing, of what the worker has."""
		memory = (await checked(api, saving()))['memory']

		assert (memory['place'], memory['peak'], memory['nodes']) == ('cpu', 0, [])
		assert memory['budget'] > 0

	async def test_nothing_can_run(self, api: Api) -> None:
		"""Then there is nothing to tell."""
		assert (await checked(api, {'1': call('Unknown')}))['memory'] is None


class TestOutlook:
	"""What a run would do now."""

	async def test_before_and_after_a_run(self, api: Api) -> None:
		"""First all would run, then nothing."""
		graph = saving()
		before = (await checked(api, graph))['outlook']
		await api.ended(await api.submit(graph))
		after = (await checked(api, graph))['outlook']

		assert (before['cached'], sorted(before['pending'])) == ([], ['1', '2'])
		assert (sorted(after['cached']), after['pending'], after['seconds']) == (['1', '2'], [], 0)

	async def test_nothing_can_run(self, api: Api) -> None:
		"""Then there is nothing to tell."""
		assert (await checked(api, {'1': call('Unknown')}))['outlook'] is None


class TestProblems:
	"""What is wrong, in full."""

	async def test_a_problem_says_all_of_it(self, api: Api) -> None:
		"""Where, what was expected, what came, and the sentence of all that."""
		body = await checked(api, {'1': shade(999), '2': call('Save', paper=['1', 0])})

		assert body['sinks'] == []
		assert body['problems'] == [
			{
				'code': 'value_bigger_than_max',
				'node': '1',
				'kind': 'Shade',
				'input': 'value',
				'expected': 'a whole number from 0 to 255',
				'received': '999',
				'sentence': "node '1' (Shade), input 'value': expected a whole number from 0 to 255, got 999",
				'source': None,
				'cycle': [],
			}
		]

	async def test_a_wrong_link_names_its_source(self, api: Api) -> None:
		"""Node and output number, to point at."""
		mix = call('Mix', first=['1', 0], second=['1', 0], share=0.5, mode='mean', note='')
		[problem] = (await checked(api, {'1': shade(), '2': mix, '3': call('Save', paper=['2', 1])}))['problems']

		assert problem['code'] == 'return_type_mismatch'
		assert problem['source'] == ['2', 1]

	async def test_a_circle_names_its_nodes(self, api: Api) -> None:
		"""At each of them."""
		graph = {
			'a': call('Fail', paper=['b', 0], text=''),
			'b': call('Fail', paper=['a', 0], text=''),
			's': call('Save', paper=['b', 0]),
		}
		problems = (await checked(api, graph))['problems']

		assert [set(problem['cycle']) for problem in problems] == [{'a', 'b'}, {'a', 'b'}]

	async def test_a_graph_that_saves_nothing(self, api: Api) -> None:
		"""A problem of the whole has no node."""
		[problem] = (await checked(api, {'1': shade()}))['problems']

		assert problem['node'] is None
		assert problem['code'] == 'prompt_no_outputs'

	async def test_what_else_can_run(self, api: Api) -> None:
		"""A sink that needs nothing wrong is listed beside the problems of another."""
		body = await checked(api, {**saving(), '3': call('Nothing'), '4': call('Save', paper=['3', 0])})

		assert [problem['code'] for problem in body['problems']] == ['missing_node_type']
		assert body['sinks'] == ['2']
