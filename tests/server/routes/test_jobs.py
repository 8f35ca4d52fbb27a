"""/v1/jobs/{id}/steps: which nodes of a job ran, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.events import Why
from engine.report import Reports, RunReport, StepReport
from tests.server.client import Api, call, saving


async def steps(api: Api, job: str) -> dict[str, dict[str, Any]]:
	"""Node → step."""
	body = await api.json(f'/v1/jobs/{job}/steps')

	assert body['job'] == job
	return {step['node']: step for step in body['steps']}


class TestJobsInMemory:
	"""Jobs that this server ran."""

	async def test_what_ran_and_what_was_cached(self, api: Api) -> None:
		"""At first all nodes run for the first time; then only what changed, and the rest is said to be cached."""
		graph = saving()
		first = await api.submit(graph)
		await api.ended(first)
		changed = {**graph, '2': call('Save', paper=['1', 0], prefix='other')}
		second = await api.submit(changed)
		await api.ended(second)
		before, after = await steps(api, first), await steps(api, second)

		assert [(node, step['kind'], step['ran']) for node, step in before.items()] == [
			('1', 'Shade', True),
			('2', 'Save', True),
		]
		assert before['1']['why']['code'] == 'first_time' or before['1']['why']['code'] == 'input_changed'
		assert (after['1']['ran'], after['1']['why']['code']) == (False, 'cached')
		assert (after['2']['ran'], after['2']['why']['code']) == (True, 'input_changed')
		assert 'prefix' in after['2']['why']['text']
		assert after['2']['seconds'] > 0

	async def test_unknown_job(self, api: Api) -> None:
		"""404 with a sentence."""
		response = await api.get('/v1/jobs/nobody/steps')

		assert response.status == 404
		assert (await response.json())['error']['code'] == 'job_not_found'


class TestOlderJobs:
	"""Jobs that the server has forgotten, or that ran before it began."""

	async def test_are_told_from_their_report(self, api: Api, base: Path) -> None:
		"""As long as the report is kept."""
		step = StepReport(node='9', kind='Old', ran=True, why=Why(code='evicted', text='gone'), seconds=2.5, key='k')
		Reports(base / 'cache' / 'runs').save(RunReport(job='long ago', state='succeeded', seconds=3, steps=(step,)))

		assert await steps(api, 'long ago') == {
			'9': {
				'node': '9',
				'kind': 'Old',
				'ran': True,
				'why': {'code': 'evicted', 'text': 'gone'},
				'seconds': 2.5,
			}
		}
