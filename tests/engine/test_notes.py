"""What outlives a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.notes import PAGE, Notes
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

	def test_a_damaged_note_is_no_error(self, tmp_path: Path) -> None:
		"""Whatever a process wrote at last, it can be looked at."""
		notes = Notes(tmp_path / 'notes')
		with (tmp_path / 'notes').open('r+b') as file:
			file.write(b'\xff' * PAGE)

		assert notes.read() is not None
