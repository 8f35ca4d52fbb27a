"""Prompts that went wrong in all ways, as the benchmark sends thousands of them."""

from __future__ import annotations

from server.keys import SUPERVISOR
from tests.server.client import Api, saving, stepping
from tests.server.mutations import mutations

COUNT = 400


class TestMalformedPrompts:
	async def test_none_does_harm(self, api: Api) -> None:
		"""Each is taken or refused with a reason; no worker dies of one, and a good prompt runs afterwards."""
		assert api.web.app is not None
		supervisor = api.web.app[SUPERVISOR]
		await api.ended(await api.submit(saving()))
		before = [worker.pid for worker in supervisor.workers]
		statuses: dict[int, int] = {}
		for body in mutations(
			[saving(), stepping(), {**saving(), **{f'{key}0': node for key, node in saving().items()}}], COUNT
		):
			response = await api.post('/prompt', body)
			told = await response.json()
			statuses[response.status] = statuses.get(response.status, 0) + 1

			assert response.status == 200 or told['error']['message'], body
		await api.idle()
		done = await api.ended(await api.submit(saving()))

		assert set(statuses) <= {200, 400, 413}
		assert min(statuses[200], statuses[400]) > COUNT / 20
		assert [worker.pid for worker in supervisor.workers] == before
		assert done['status']['completed']
