"""/v1/cache: how much is kept, and dropping it."""

from __future__ import annotations

from pathlib import Path

from server.routes.cache import measure
from tests.server.client import Api, saving


class TestSize:
	"""How much lies on disk."""

	def test_reports_are_not_counted(self, tmp_path: Path) -> None:
		"""Files at any depth count; reports of runs are no results."""
		for name, content in (
			('index', 'abc'),
			('data/ab/blob', 'defgh'),
			('runs/report.json', 'no'),
			('compiled/a', 'no'),
		):
			(tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
			(tmp_path / name).write_text(content)

		assert measure(tmp_path) == (2, 8)

	def test_of_nothing(self, tmp_path: Path) -> None:
		"""A folder that is not there yet is empty."""
		assert measure(tmp_path / 'cache') == (0, 0)

	async def test_answer(self, api: Api) -> None:
		"""Files, bytes, and how many bytes there may be."""
		found = await api.json('/v1/cache')

		assert found.keys() == {'files', 'bytes', 'limit'}
		assert found['limit'] == 20 * 2**30


class TestClear:
	"""Dropping everything."""

	async def test_next_job_runs_anew(self, api: Api) -> None:
		"""What was cached a moment ago is computed again."""
		graph = saving()
		await api.ended(await api.submit(graph))
		response = await api.web.delete('/v1/cache')
		job = await api.submit(graph)
		await api.ended(job)
		steps = (await api.json(f'/v1/jobs/{job}/steps'))['steps']

		assert response.status == 204
		assert [step['ran'] for step in steps] == [True, True]
