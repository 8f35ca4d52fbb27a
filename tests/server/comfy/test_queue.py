"""/queue, /interrupt, /free and GET /prompt."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.client import Api, saving, slow


class TestQueue:
	"""What waits and what runs."""

	async def test_items(self, api: Api) -> None:
		"""Items are five: number, id, graph, extra data, sinks."""
		graph, waiting = slow(), saving()
		first, second = await api.submit(graph), await api.submit(waiting, client_id='me')
		await api.running(first)
		queue = await api.json('/queue')

		assert queue.keys() == {'queue_running', 'queue_pending'}
		assert queue['queue_running'][0][1:3] == [first, graph]
		number, id, prompt, extra, sinks = queue['queue_pending'][0]
		assert isinstance(number, int)
		assert (id, prompt, sinks) == (second, waiting, ['2'])
		assert extra['client_id'] == 'me'

	async def test_whose_a_job_is(self, api: Api) -> None:
		"""Its extra data tells the client, by whichever door it came."""
		await api.running(await api.submit(slow()))
		await api.post('/v1/jobs', {'workflow': saving(), 'client': 'you'})
		[waiting] = (await api.json('/queue'))['queue_pending']

		assert waiting[3]['client_id'] == 'you'

	async def test_remaining_counts_running_and_waiting(self, api: Api) -> None:
		"""GET /prompt counts what runs too."""
		first = await api.submit(slow())
		await api.submit(saving())
		await api.running(first)

		assert await api.json('/prompt') == {'exec_info': {'queue_remaining': 2}}

	async def test_delete_drops_waiting_jobs_only(self, api: Api) -> None:
		"""Named waiting jobs go; the running one and unknown ids are passed over; everybody is told."""
		first, second, third = [await api.submit(graph) for graph in (slow(), saving(), saving())]
		await api.running(first)
		async with api.listening() as socket:
			response = await api.post('/queue', {'delete': [first, second, 'unknown']})
			told = (await socket.until('status'))[-1]
		queue = await api.json('/queue')

		assert response.status == 200
		assert await response.read() == b''
		assert told['data'] == {'status': {'exec_info': {'queue_remaining': 2}}}
		assert [item[1] for item in queue['queue_running']] == [first]
		assert [item[1] for item in queue['queue_pending']] == [third]

	async def test_clear_drops_all_waiting_jobs(self, api: Api) -> None:
		"""The waiting jobs go, and never come into the history; everybody is told."""
		first, second = await api.submit(slow()), await api.submit(saving())
		await api.running(first)
		async with api.listening() as socket:
			await api.post('/queue', {'clear': True})
			await socket.until('status', status={'exec_info': {'queue_remaining': 1}})
		await api.web.post('/interrupt')
		await api.ended(first)

		assert await api.json(f'/history/{second}') == {}
		assert (await api.json('/queue'))['queue_pending'] == []


class TestInterrupt:
	"""Stopping the running job."""

	async def test_without_a_body(self, api: Api) -> None:
		"""Simple clients send none: whatever runs is stopped."""
		job = await api.submit(slow())
		await api.running(job)
		response = await api.web.post('/interrupt')
		entry = await api.ended(job)

		assert (response.status, await response.read()) == (200, b'')
		assert entry['status']['status_str'] == 'error'
		assert not entry['status']['completed']
		assert entry['status']['messages'][-1][0] == 'execution_interrupted'

	async def test_of_another_job_does_nothing(self, api: Api) -> None:
		"""An id that does not run is passed over."""
		job, waiting = await api.submit(slow()), await api.submit(saving())
		await api.running(job)
		for id in ('another', waiting):
			assert (await api.post('/interrupt', {'prompt_id': id})).status == 200
		await asyncio.sleep(0.2)

		assert [item[1] for item in (await api.json('/queue'))['queue_running']] == [job]

	@pytest.mark.parametrize('id', [['x'], {}, True])
	async def test_of_what_cannot_be_a_job_is_400(self, api: Api, id: object) -> None:
		"""Some job was meant, but not whichever runs: that one goes on."""
		job = await api.submit(slow())
		await api.running(job)
		response = await api.post('/interrupt', {'prompt_id': id})
		await asyncio.sleep(0.2)

		assert response.status == 400
		assert 'prompt_id' in (await response.json())['error']['message']
		assert [item[1] for item in (await api.json('/queue'))['queue_running']] == [job]

	@pytest.mark.parametrize('body', [b'', b' ', b'stop', b'[]', b'{}', b'{"prompt_id":null}', b'{"prompt_id":""}'])
	async def test_that_names_no_job_stops_whatever_runs(self, api: Api, body: bytes) -> None:
		"""Simple clients send all sorts of bodies, and mean the running job."""
		job = await api.submit(slow())
		await api.running(job)
		response = await api.post('/interrupt', body)

		assert response.status == 200
		assert (await api.ended(job))['status']['messages'][-1][0] == 'execution_interrupted'

	async def test_of_the_running_job(self, api: Api) -> None:
		"""The named job is stopped; the next one runs."""
		job, waiting = await api.submit(slow()), await api.submit(saving())
		await api.running(job)
		await api.post('/interrupt', {'prompt_id': job})

		assert (await api.ended(job))['status']['messages'][-1][0] == 'execution_interrupted'
		assert (await api.ended(waiting))['status']['completed']

	async def test_when_idle_leaves_the_next_job_alone(self, api: Api) -> None:
		"""An interrupt with nothing running is forgotten."""
		await api.web.post('/interrupt')

		assert (await api.ended(await api.submit(saving())))['status']['completed']


class TestFree:
	"""Letting go of what is in memory."""

	async def cached(self, api: Api, graph: dict[str, dict[str, object]]) -> list[str]:
		"""Run a graph; gives the nodes that were in the cache."""
		messages = dict((await api.ended(await api.submit(graph)))['status']['messages'])
		nodes: list[str] = messages['execution_cached']['nodes']
		return nodes

	async def test_free_memory_drops_results(self, api: Api) -> None:
		"""The next job of the same graph runs anew; to unload models only leaves the results."""
		graph = saving()
		await self.cached(api, graph)
		again = await self.cached(api, graph)
		unloaded = await api.post('/free', {'unload_models': True})
		after_unload = await self.cached(api, graph)
		freed = await api.post('/free', {'free_memory': True})
		after_free = await self.cached(api, graph)

		assert again == after_unload == ['1', '2']
		assert after_free == []
		assert (unloaded.status, freed.status, await freed.read()) == (200, 200, b'')
