"""/v1/workflows/diff: what is another in a workflow."""

from __future__ import annotations

from tests.server.client import Api, call


class TestDiff:
	"""Two documents in, one difference out."""

	async def test_tells_what_is_another(self, api: Api) -> None:
		"""Added nodes, and inputs with both values and the names of outputs."""
		before = {'1': call('Shade', value=3, seed=1), '2': call('Save', paper=['1', 0], prefix='a')}
		after = {**before, '2': call('Save', paper=['3', 0], prefix='b'), '3': call('Shade', value=4, seed=1)}
		response = await api.post('/v1/workflows/diff', {'before': before, 'after': after})
		found = await response.json()

		assert response.status == 200
		assert not found['same']
		assert [mark['node'] for mark in found['added']] == ['3']
		assert {given['input']: given['change'] for given in found['changed'][0]['inputs']} == {
			'paper': 'rewired',
			'prefix': 'changed',
		}
		assert found['changed'][0]['inputs'][0]['after']['link'] == {'node': '3', 'output': 'PAPER'}

	async def test_renumbered_is_the_same(self, api: Api) -> None:
		"""Ids and forms do not count."""
		before = {'1': call('Shade', value=3, seed=1), '2': call('Save', paper=['1', 0], prefix='a')}
		after = {
			'lumengraph': 1,
			'nodes': {
				'x': {'kind': 'Save', 'inputs': {'paper': {'node': 'y', 'output': 'PAPER'}, 'prefix': 'a'}},
				'y': {'kind': 'Shade', 'inputs': {'value': 3, 'seed': 1}},
			},
		}
		found = await (await api.post('/v1/workflows/diff', {'before': before, 'after': after})).json()

		assert found['same']
		assert found['renumbered'] == {'1': 'y', '2': 'x'}

	async def test_bad_requests(self, api: Api) -> None:
		"""What is no workflow, and a body without one, is refused."""
		assert (await api.post('/v1/workflows/diff', {'before': {'a': 1}, 'after': {}})).status == 400
		assert (await api.post('/v1/workflows/diff', {'before': {}})).status == 400
