"""/v1/queue: the order in which jobs run, and whether they begin."""

from __future__ import annotations

from tests.server.client import Api, saving, slow


class TestQueue:
	async def test_what_runs_and_what_waits(self, api: Api) -> None:
		"""In the order in which they will run."""
		running = await api.submit(slow())
		await api.running(running)
		waiting = [await api.submit(saving()) for _ in range(3)]

		assert await api.json('/v1/queue') == {'paused': False, 'running': [running], 'queued': waiting}

	async def test_pause_and_resume(self, api: Api) -> None:
		"""Nothing begins meanwhile, though a worker is idle; then all do."""
		paused = await (await api.post('/v1/queue/pause', {})).json()
		jobs = [await api.submit(saving()) for _ in range(2)]
		waiting = await api.json('/v1/queue')
		resumed = await (await api.post('/v1/queue/resume', {})).json()
		for job in jobs:
			await api.ended(job)

		assert paused['paused']
		assert (waiting['running'], waiting['queued']) == ([], jobs)
		assert not resumed['paused']

	async def test_what_runs_goes_on(self, api: Api) -> None:
		"""A pause stops nothing that has begun."""
		job = await api.submit(slow(0.2))
		await api.running(job)
		await api.post('/v1/queue/pause', {})
		entry = await api.ended(job)
		await api.post('/v1/queue/resume', {})

		assert entry['status']['completed']

	async def test_clear(self, api: Api) -> None:
		"""What waits is cancelled, what runs is not."""
		running = await api.submit(slow())
		await api.running(running)
		for _ in range(2):
			await api.submit(saving())
		cleared = await (await api.post('/v1/queue/clear', {})).json()

		assert cleared == {'cancelled': 2}
		assert await api.json('/v1/queue') == {'paused': False, 'running': [running], 'queued': []}
