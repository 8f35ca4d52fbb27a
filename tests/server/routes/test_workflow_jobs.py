"""Saved workflows called like functions: interface, schema, jobs, sweeps, and the OpenAPI document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import jsonschema_rs
import pytest
import pytest_asyncio

from tests.server.client import Api, call
from tests.server.routes.test_jobs import over, steps, submit

DOCUMENT = {
	'lumengraph': 1,
	'title': 'A shade',
	'description': 'Saves a square of one grey.',
	'inputs': {
		'shade': {'node': 'a', 'input': 'value', 'description': 'how light it is'},
		'seed': {'node': 'a', 'input': 'seed'},
		'prefix': {'node': 'b', 'input': 'prefix'},
	},
	'outputs': {'picture': {'node': 'b', 'description': 'the square'}},
	'nodes': {
		'a': {'kind': 'Shade', 'inputs': {'value': 9, 'seed': 5000}},
		'b': {'kind': 'Save', 'inputs': {'paper': {'node': 'a', 'output': 'PAPER'}, 'prefix': 'square'}},
	},
}
PLACE = '/v1/workflows/a shade'


@pytest_asyncio.fixture(loop_scope='session', autouse=True)
async def saved(api: Api) -> AsyncIterator[None]:
	"""The workflow is saved as `a shade`."""
	response = await api.web.put(PLACE, json=DOCUMENT)

	assert response.status == 201, await response.text()
	yield
	await api.web.delete(PLACE)


async def run(api: Api, status: int = 201, **fields: object) -> dict[str, Any]:
	"""POST to the workflow's jobs; gives the body."""
	response = await api.post(f'{PLACE}/jobs', fields)
	body: dict[str, Any] = await response.json()

	assert response.status == status, body
	return body


class TestInterface:
	async def test_inputs_and_outputs(self, api: Api) -> None:
		"""All that a form needs: types, defaults, bounds, descriptions."""
		told = await api.json(f'{PLACE}/interface')

		assert (told['name'], told['title'], told['description']) == (
			'a shade',
			DOCUMENT['title'],
			DOCUMENT['description'],
		)
		assert [(item['name'], item['type'], item['default']) for item in told['inputs']] == [
			('shade', 'INT', 9),
			('seed', 'INT', 5000),
			('prefix', 'STRING', 'square'),
		]
		assert told['inputs'][0]['widget']['max'] == 255
		assert [(item['name'], item['node']) for item in told['outputs']] == [('picture', 'b')]

	async def test_schema(self, api: Api) -> None:
		"""A JSON Schema of the inputs; who has it need not get it again."""
		response = await api.get(f'{PLACE}/schema')
		schema = await response.json()
		again = await api.web.get(f'{PLACE}/schema', headers={'If-None-Match': response.headers['ETag']})

		assert response.content_type == 'application/schema+json'
		assert again.status == 304
		assert schema['properties']['shade'] == {
			'description': 'how light it is',
			'type': 'integer',
			'minimum': 0,
			'maximum': 255,
			'default': 9,
		}
		jsonschema_rs.validate(schema, {'shade': 7})
		assert not jsonschema_rs.is_valid(schema, {'shad': 7})

	@pytest.mark.parametrize('part', ['interface', 'schema'])
	async def test_unknown_workflow(self, api: Api, part: str) -> None:
		"""404."""
		assert (await api.get(f'/v1/workflows/none/{part}')).status == 404

	async def test_input_of_no_node(self, api: Api) -> None:
		"""A workflow whose input stands for a node that is not there is told so."""
		await api.web.put('/v1/workflows/broken', json={**DOCUMENT, 'inputs': {'x': {'node': 'gone', 'input': 'y'}}})
		response = await api.get('/v1/workflows/broken/schema')
		await api.web.delete('/v1/workflows/broken')

		assert response.status == 400
		assert "'gone'" in (await response.json())['error']['message']


class TestCalling:
	async def test_values_are_set(self, api: Api) -> None:
		"""The values reach their nodes, the others keep what the workflow has; the job runs."""
		body = await run(api, inputs={'shade': 40, 'prefix': 'called'}, client='me')
		done = await over(api, body['id'])

		assert body['prompt']['a']['inputs'] == {'value': 40, 'seed': 5000}
		assert (done['state'], done['client'], done['sweep']) == ('succeeded', 'me', None)
		assert done['outputs']['b']['images'][0]['filename'].startswith('called')

	async def test_once_per_key(self, api: Api) -> None:
		"""The same key brings the same job, with 200."""
		first = await run(api, key='only once')
		second = await run(api, 200, key='only once')

		assert second['id'] == first['id']

	async def test_bad_values_are_told_all_at_once(self, api: Api) -> None:
		"""Which input, what was expected, what came; nothing is queued."""
		before = (await api.json('/v1/jobs'))['total']
		body = await run(api, 400, inputs={'shade': 256, 'sed': 1})

		assert body['error']['code'] == 'wrong_inputs'
		assert body['error']['details'] == [
			{'place': 'inputs.shade', 'message': 'Expected a whole number from 0 to 255, got 256'},
			{
				'place': 'inputs.sed',
				'message': "Expected one of the workflow's inputs: shade, seed, prefix, got an input 'sed' "
				"(did you mean 'seed'?)",
			},
		]
		assert (await api.json('/v1/jobs'))['total'] == before

	async def test_unknown_workflow(self, api: Api) -> None:
		"""404."""
		assert (await api.post('/v1/workflows/none/jobs', {})).status == 404


class TestSweep:
	async def test_one_job_for_all_combinations(self, api: Api) -> None:
		"""What no swept input reaches runs once; each combination is told with its nodes, also when asked again."""
		body = await run(api, inputs={'seed': 6001}, sweep={'prefix': ['x', 'y', 'z']})
		done = await over(api, body['id'])
		ran = await steps(api, body['id'])

		assert done['state'] == 'succeeded'
		assert sorted(ran) == ['a', 'b#0', 'b#1', 'b#2']
		assert done['sweep']['axes'] == {'prefix': ['x', 'y', 'z']}
		assert done['sweep']['cells'][1] == {'values': {'prefix': 'y'}, 'nodes': {'b': 'b#1'}}
		assert done['outputs']['b#1']['images'][0]['filename'].startswith('y')

	async def test_range_and_list(self, api: Api) -> None:
		"""Evenly spaced numbers, times a list."""
		body = await run(api, sweep={'shade': {'from': 0, 'to': 20, 'steps': 3}, 'seed': [7001, 7002]})

		assert body['sweep']['axes'] == {'shade': [0, 10, 20], 'seed': [7001, 7002]}
		assert len(body['sweep']['cells']) == 6
		assert body['prompt']['a#2-1']['inputs'] == {'value': 20, 'seed': 7002}

	async def test_targets_of_a_sweep(self, api: Api) -> None:
		"""Those of the workflow stand for all their copies."""
		body = await run(api, sweep={'shade': [1, 2]}, targets=['b'])

		assert body['targets'] == ['b#0', 'b#1']

	async def test_any_workflow_can_be_swept(self, api: Api) -> None:
		"""One that is posted as it is, too, by `NODE.INPUT`."""
		body = await submit(
			api,
			{'1': call('Shade', value=3, seed=8001), '2': call('Save', paper=['1', 0])},
			sweep={'1.value': [1, 2]},
		)

		assert [cell['nodes'] for cell in body['sweep']['cells']] == [{'2': '2#0'}, {'2': '2#1'}]

	async def test_too_many(self, api: Api) -> None:
		"""More than 100 combinations are refused, with their number."""
		body = await run(api, 400, sweep={'shade': list(range(51)), 'seed': [1, 2]})

		assert body['error']['code'] == 'wrong_inputs'
		assert '51 × 2 = 102' in body['error']['message']

	@pytest.mark.parametrize('given', [{'from': 1, 'to': 2}, {'from': 1, 'to': 2, 'steps': 0}, 3])
	async def test_no_values(self, api: Api, given: object) -> None:
		"""What is neither a list nor a range is refused by its place."""
		body = await run(api, 400, sweep={'shade': given})

		assert body['error']['code'] == 'invalid_request'
		assert body['error']['details'][0]['place'].startswith('body.sweep.shade')

	async def test_what_is_no_axis(self, api: Api) -> None:
		"""The place is told, and what should stand there, in words of the API."""
		body = await run(api, 400, sweep={'shade': 3, 'seed': {'from': 1, 'to': 2, 'steps': 300}})

		assert [detail['place'] for detail in body['error']['details']] == [
			'body.sweep.shade',
			'body.sweep.seed.range.steps',
		]
		assert 'a list of values, or a range' in body['error']['details'][0]['message']


class TestOpenApi:
	async def test_each_workflow_is_an_operation(self, api: Api) -> None:
		"""With the schema of its own inputs, under a name of its own."""
		document = await api.json('/v1/openapi.json')
		operation = document['paths']['/v1/workflows/a%20shade/jobs']['post']
		reference = operation['requestBody']['content']['application/json']['schema']['$ref']
		schema = document['components']['schemas'][reference.rpartition('/')[2]]

		assert operation['operationId'] == 'run_a_shade'
		assert operation['summary'] == 'Run the workflow A shade.'
		assert operation['responses'] == document['paths']['/v1/workflows/{name}/jobs']['post']['responses']
		assert schema['properties']['inputs'] == {
			key: value for key, value in (await api.json(f'{PLACE}/schema')).items() if key != '$schema'
		}
		assert 'sweep' in schema['properties']

	async def test_it_follows_what_is_saved(self, api: Api) -> None:
		"""A workflow that is deleted is in it no more."""
		await api.web.delete(PLACE)

		assert '/v1/workflows/a%20shade/jobs' not in (await api.json('/v1/openapi.json'))['paths']
