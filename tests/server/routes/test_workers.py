"""/v1/workers: the processes that run jobs."""

from __future__ import annotations

from typing import Any

from tests.server.client import Api, call, eventually, slow


class TestWorkers:
	async def test_at_work_and_at_rest(self, api: Api) -> None:
		"""Its job and node while it has one; afterwards none, and one job more that it has done."""
		job = await api.submit(slow())
		found: dict[str, Any] = {}

		async def at_work() -> bool:
			found.update((await api.json('/v1/workers'))['workers'][0])
			return bool(found['node'])

		await eventually(at_work, 'the node to begin')
		busy = dict(found)
		await api.web.post('/interrupt')
		await api.ended(job)
		[idle] = (await api.json('/v1/workers'))['workers']

		assert (busy['state'], busy['job'], busy['node'], busy['kind']) == ('busy', job, '1', 'Slow')
		assert (idle['state'], idle['job'], idle['node'], idle['pid']) == ('idle', None, None, busy['pid'])
		assert idle['jobs'] == busy['jobs'] + 1

	async def test_one_that_was_replaced(self, api: Api) -> None:
		"""Another process, and two restarts more: the job ended both that it was given to."""
		[before] = (await api.json('/v1/workers'))['workers']
		await api.ended(await api.submit({'1': call('Die', code=7)}))
		found: dict[str, Any] = {}

		async def is_back() -> bool:
			found.update((await api.json('/v1/workers'))['workers'][0])
			return bool(found['state'] == 'idle')

		await eventually(is_back, 'another worker')

		assert found['pid'] != before['pid']
		assert found['restarts'] == before['restarts'] + 2
