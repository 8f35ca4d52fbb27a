"""/history: what has been run."""

from __future__ import annotations

import pytest

from tests.server.client import Api, call, saving, shade


class TestEntry:
	"""What an entry tells."""

	async def test_success(self, api: Api) -> None:
		"""Graph, outputs, messages with their times, and which node each output belongs to."""
		graph = saving()
		job = await api.submit(graph, extra_data={'extra_pnginfo': {'workflow': {'id': 'w'}}})
		entry = await api.ended(job)
		number, id, prompt, extra, sinks = entry['prompt']
		picture = entry['outputs']['2']['images'][0]

		assert entry.keys() == {'prompt', 'outputs', 'status', 'meta'}
		assert (id, prompt, sinks) == (job, graph, ['2'])
		assert isinstance(number, int)
		assert extra['extra_pnginfo'] == {'workflow': {'id': 'w'}}
		assert picture.keys() == {'filename', 'subfolder', 'type'}
		assert picture['type'] == 'output'
		assert entry['meta'] == {'2': {'node_id': '2', 'display_node': '2', 'parent_node': None, 'real_node_id': '2'}}
		assert entry['status']['status_str'] == 'success'
		assert entry['status']['completed'] is True
		names = [name for name, _ in entry['status']['messages']]
		assert names == ['execution_start', 'execution_cached', 'execution_success']
		for _, data in entry['status']['messages']:
			assert data['prompt_id'] == job
			assert isinstance(data['timestamp'], int)

	async def test_failure(self, api: Api) -> None:
		"""A failed job is an error, with the node's message among its messages, and keeps earlier outputs."""
		graph = {**saving(), '3': call('Fail', paper=['1', 0], text='it broke'), '4': call('Save', paper=['3', 0])}
		entry = await api.ended(await api.submit(graph))
		name, data = entry['status']['messages'][-1]

		assert entry['status']['status_str'] == 'error'
		assert entry['status']['completed'] is False
		assert name == 'execution_error'
		assert 'it broke' in data['exception_message']
		assert (data['node_id'], data['node_type']) == ('3', 'Fail')

	async def test_cached_outputs_are_listed_again(self, api: Api) -> None:
		"""The same graph again shows the same pictures, also for a job without a client."""
		graph = saving()
		first = await api.ended(await api.submit(graph))
		second = await api.ended(await api.submit(graph))

		assert second['outputs'] == first['outputs'] != {}
		assert second['status']['messages'][1][1]['nodes'] == ['1', '2']

	async def test_unknown_and_unfinished_jobs_are_empty(self, api: Api) -> None:
		"""Clients ask until the entry is there."""
		job = await api.submit({'1': call('Slow', seconds=20)})
		await api.running(job)

		assert await api.json('/history/unknown') == {}
		assert await api.json(f'/history/{job}') == {}
		assert await api.json('/history') == {}


class TestWindow:
	"""Parts of the history."""

	@pytest.mark.parametrize(
		('query', 'expected'),
		[
			({}, '01234'),
			({'max_items': 2}, '34'),
			({'max_items': 0}, ''),
			({'max_items': 9}, '01234'),
			({'offset': 2}, '234'),
			({'offset': 5}, ''),
			({'offset': 99}, ''),
			({'offset': 0, 'max_items': 2}, '01'),
			({'offset': 1, 'max_items': 2}, '12'),
			({'offset': 4, 'max_items': 3}, '4'),
			({'offset': -1, 'max_items': 2}, '34'),
			({'max_items': 2, 'clientId': 'x'}, '34'),
			({'max_items': 2**70}, '01234'),
			({'offset': 2**70}, ''),
			({'offset': -(2**70), 'max_items': 2**70}, '01234'),
		],
	)
	async def test_window(self, api: Api, query: dict[str, int], expected: str) -> None:
		"""`max_items` gives the newest, `offset` skips the oldest, both together are a window; oldest first."""
		for index in range(5):
			await api.ended(await api.submit({'1': shade(), '2': call('Show', paper=['1', 0])}, prompt_id=f'{index}'))

		assert ''.join(await api.json('/history', **query)) == expected

	@pytest.mark.parametrize('query', [{'max_items': -1}, {'max_items': 'x'}, {'offset': '1.5'}, {'offset': ''}])
	async def test_bad_numbers(self, api: Api, query: dict[str, str | int]) -> None:
		"""400 with a sentence that names the parameter."""
		response = await api.get('/history', **query)

		assert response.status == 400
		assert next(iter(query)) in (await response.json())['error']['message']


class TestForget:
	"""Entries are dropped."""

	async def test_delete_and_clear(self, api: Api) -> None:
		"""Named entries go, unknown ids are passed over; clear drops the rest."""
		jobs = [await api.submit(saving()) for _ in range(3)]
		await api.ended(jobs[-1])
		deleted = await api.post('/history', {'delete': [jobs[0], 'unknown']})
		left = list(await api.json('/history'))
		await api.post('/history', {'clear': True})

		assert (deleted.status, await deleted.read()) == (200, b'')
		assert left == jobs[1:]
		assert await api.json('/history') == {}

	async def test_many_at_once(self, api: Api) -> None:
		"""A client may name thousands; other bodies are refused and drop nothing."""
		job = await api.submit(saving())
		await api.ended(job)
		bad: tuple[object, ...] = ({'delete': 'x'}, {'delete': [{}]}, [], 'x')
		for body in bad:
			assert (await api.post('/history', body)).status == 400
		nothing = await api.post('/history', {'delete': []})
		kept = list(await api.json('/history'))
		await api.post('/history', {'delete': [*(f'{number}' for number in range(5000)), job]})

		assert nothing.status == 200
		assert kept == [job]
		assert await api.json('/history') == {}

	async def test_running_job_is_not_forgotten(self, api: Api) -> None:
		"""Only ended jobs are part of the history."""
		job = await api.submit({'1': call('Slow', seconds=20)})
		await api.running(job)
		await api.post('/history', {'clear': True, 'delete': [job]})

		assert [item[1] for item in (await api.json('/queue'))['queue_running']] == [job]

	async def test_forgotten_id_may_be_used_again(self, api: Api) -> None:
		"""A client that deletes its finished job may reuse its id."""
		await api.ended(await api.submit(saving(), prompt_id='again'))
		await api.post('/history', {'delete': ['again']})

		assert await api.submit(saving(), prompt_id='again') == 'again'
