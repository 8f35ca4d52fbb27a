import shutil
from pathlib import Path

import pytest

from engine.events import Why
from engine.report import KEPT_RUNS, RUNS_A_FILE, InputTrace, Reports, RunReport, StepReport


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
		"""Only so many are kept, and a few more in the file that has the oldest of them."""
		for at in range(KEPT_RUNS + 3 * RUNS_A_FILE):
			reports.save(report(f'j{at}', float(at)))

		assert KEPT_RUNS <= len(reports.newest(1000)) <= KEPT_RUNS + 2 * RUNS_A_FILE
		assert reports.of_job('j0') is None
		assert reports.of_job(f'j{2 * RUNS_A_FILE}') is not None

	def test_several_processes(self, reports: Reports, tmp_path: Path) -> None:
		"""Each writes files of its own; together they are told by the time of the run."""
		other = Reports(tmp_path / 'runs')
		for at, (where, job) in enumerate([(reports, 'a'), (other, 'b'), (reports, 'c'), (other, 'd')]):
			where.save(report(job, float(at)))

		assert [found.job for found in reports.newest(3)] == ['d', 'c', 'b']
		assert len(list((tmp_path / 'runs').iterdir())) == 2

	def test_odd_ids(self, reports: Reports) -> None:
		"""A job's id may hold anything."""
		for job in ('../../x/ä b', '"quoted"\\', 'two\nlines'):
			reports.save(report(job))

			assert reports.of_job(job) == report(job)

	def test_the_folder_is_emptied_meanwhile(self, reports: Reports, tmp_path: Path) -> None:
		"""What comes next is kept all the same, once the loss was noticed."""
		reports.save(report('a'))
		shutil.rmtree(tmp_path / 'runs')
		for job in 'bc':
			reports.save(report(job))

		assert reports.of_job('c') is not None

	def test_damaged_lines_are_passed_over(self, reports: Reports, tmp_path: Path) -> None:
		"""A line that was cut by a kill is not there; the others are."""
		reports.save(report('a', 1.0))
		reports.save(report('b', 2.0))
		[file] = (tmp_path / 'runs').iterdir()
		file.write_bytes(file.read_bytes()[:-20])

		assert reports.of_job('b') is None
		assert [found.job for found in reports.newest(5)] == ['a']

	def test_a_full_disk_is_only_logged(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
		"""The run itself is done."""
		(tmp_path / 'runs').write_text('a file in its place')
		Reports(tmp_path / 'runs').save(report('a'))

		assert 'cannot be kept' in caplog.text
