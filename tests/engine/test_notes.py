"""What outlives a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.notes import PAGE, Notes, describe_exit
from engine.settings import PROJECT


class TestNotes:
	"""Job, node and kind of what runs."""

	def test_they_outlive_a_crash(self, tmp_path: Path) -> None:
		"""What another process wrote a moment before it died can be read."""
		path = tmp_path / 'notes'
		mine = Notes(path)
		code = (
			'import os, sys; from pathlib import Path; from engine.notes import Notes; '
			"Notes(Path(sys.argv[1])).write('job', 'nöde', 'Kind'); os._exit(7)"
		)
		done = subprocess.run([sys.executable, '-c', code, str(path)], cwd=PROJECT, check=False)

		assert done.returncode == 7
		assert mine.read() == ('job', 'nöde', 'Kind')

	def test_nothing_at_first_and_after_clearing(self, tmp_path: Path) -> None:
		"""No node runs before the first has begun, nor after it has ended."""
		notes = Notes(tmp_path / 'notes')
		before = notes.read()
		notes.write('job', '1', 'A')
		notes.clear()

		assert before is None
		assert notes.read() is None

	def test_a_shorter_note_replaces_a_longer_one(self, tmp_path: Path) -> None:
		"""Nothing of the old one shows."""
		notes = Notes(tmp_path / 'notes')
		notes.write('job', 'a long name of a node', 'A')
		notes.write('job', '', '')

		assert notes.read() == ('job', '', '')

	def test_what_does_not_fit_is_not_noted(self, tmp_path: Path) -> None:
		"""Better no node than a wrong one."""
		notes = Notes(tmp_path / 'notes')
		notes.write('job', '1', 'A')
		notes.write('job', 'x' * PAGE, 'A')

		assert notes.read() is None


class TestDescribeExit:
	"""Exit codes and signals in words."""

	@pytest.mark.parametrize(
		('code', 'told'),
		[
			(None, 'The worker process fell silent.'),
			(0, 'The worker process ended with exit code 0.'),
			(139, 'The worker process ended with exit code 139.'),
			(-11, 'The worker process was killed by signal SIGSEGV.'),
			(-9, 'The worker process was killed by signal SIGKILL. It may have run out of memory.'),
			(-250, 'The worker process was killed by signal 250.'),
		],
	)
	def test_in_words(self, code: int | None, told: str) -> None:
		"""A kill hints at its usual cause."""
		assert describe_exit(code) == told
