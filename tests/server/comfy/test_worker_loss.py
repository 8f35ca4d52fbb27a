"""The worker process dies in the middle of a job."""

from __future__ import annotations

import os
import signal

from server.keys import SUPERVISOR
from tests.server.client import Api, call, eventually, saving, shade, slow


class TestWorkerLoss:
	"""A crash costs one job, not the server."""

	async def test_job_fails_with_the_cause_and_the_next_runs(self, api: Api) -> None:
		"""The owner is told which node ended the process and how; the server answers; the next job runs."""
		graph = {'1': shade(), '2': call('Show', paper=['1', 0]), '3': call('Die', code=7)}
		async with api.listening('me') as socket:
			job = await api.submit(graph, client_id='me')
			waiting = await api.submit(saving(), client_id='me')
			messages = await socket.until_over(job)
			alive = await api.get('/object_info/Die')
			after = await socket.until_over(waiting)
		error = next(item['data'] for item in messages if item['type'] == 'execution_error')
		entry = await api.ended(job)

		assert [item['type'] for item in messages][-3:] == ['execution_error', 'status', 'executing']
		assert (error['node_id'], error['node_type'], error['exception_type']) == ('3', 'Die', 'WorkerLost')
		assert 'exit code 7' in error['exception_message']
		assert error['traceback'] == []
		assert entry['status']['status_str'] == 'error'
		assert entry['status']['messages'][-1] == ['execution_error', error]
		assert alive.status == 200
		assert 'execution_success' in [item['type'] for item in after]

	async def test_kill_from_outside(self, api: Api) -> None:
		"""The kernel's killer, or a user's, is named as the cause once it has struck twice."""
		assert api.web.app is not None
		supervisor = api.web.app[SUPERVISOR]
		job = await api.submit(slow())
		for attempt in (1, 2):

			async def has_begun(attempt: int = attempt) -> bool:
				return any(running.node and running.job.attempts == attempt for running in supervisor.running)

			await eventually(has_begun, f'attempt {attempt}')
			[worker] = supervisor.workers
			assert worker.pid is not None
			os.kill(worker.pid, signal.SIGKILL)
		entry = await api.ended(job)

		assert 'SIGKILL' in entry['status']['messages'][-1][1]['exception_message']
		assert (await api.ended(await api.submit(saving())))['status']['completed']
