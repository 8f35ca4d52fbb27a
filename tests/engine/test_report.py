from pathlib import Path

import pytest

from engine.events import Why
from engine.report import KEPT_RUNS, InputTrace, Reports, RunReport, StepReport


def report(job: str, at: float = 1.0) -> RunReport:
	"""The report of a run of one node."""
	inputs = {'seed': InputTrace(constant='5'), 'model': InputTrace(source='m', output=1, digest='k')}
	step = StepReport('n', 'KSampler', True, Why(code='first_time'), 'key', 1.5, '1', 'print', inputs)
	return RunReport(job=job, at=at, state='succeeded', seconds=2.0, steps=(step,))


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
	return Reports(tmp_path / 'runs')


class TestReports:
	def test_what_was_saved_is_read(self, reports: Reports) -> None:
		"""As it was, by its job."""
		reports.save(report('a'))

		assert reports.of_job('a') == report('a')
		assert reports.last() == report('a')

	def test_newest_first(self, reports: Reports) -> None:
		"""By the time of the run."""
		for at, job in enumerate('abc'):
			reports.save(report(job, float(at)))

		assert [found.job for found in reports.newest(2)] == ['c', 'b']

	def test_nothing_is_there_at_first(self, reports: Reports, tmp_path: Path) -> None:
		"""And asking makes no folder."""
		assert reports.last() is None
		assert reports.of_job('a') is None
		assert list(tmp_path.iterdir()) == []

	def test_old_ones_are_dropped(self, reports: Reports, tmp_path: Path) -> None:
		"""Only so many are kept."""
		for at in range(KEPT_RUNS + 3):
			reports.save(report(f'j{at}', float(at)))

		assert len(list((tmp_path / 'runs').iterdir())) == KEPT_RUNS
		assert reports.of_job('j0') is None

	def test_odd_ids(self, reports: Reports, tmp_path: Path) -> None:
		"""A job's id may hold anything; its file lies in the folder all the same."""
		reports.save(report('../../x/ä b'))

		assert reports.of_job('../../x/ä b') == report('../../x/ä b')
		assert [path.parent for path in tmp_path.rglob('*.json')] == [tmp_path / 'runs']

	def test_damaged_files_are_passed_over(self, reports: Reports, tmp_path: Path) -> None:
		"""What cannot be read is not there."""
		reports.save(report('a', 1.0))
		reports.save(report('b', 2.0))
		newest = max((tmp_path / 'runs').iterdir())
		newest.write_bytes(newest.read_bytes()[:40])

		assert reports.of_job('b') is None
		assert [found.job for found in reports.newest(5)] == ['a']

	def test_a_full_disk_is_only_logged(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
		"""The run itself is done."""
		(tmp_path / 'runs').write_text('a file in its place')
		Reports(tmp_path / 'runs').save(report('a'))

		assert 'cannot be kept' in caplog.text
