"""`export` and `import`, run as a user runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.settings import PROJECT
from server.cli import run_command
from server.cli_transfer import counted
from server.store.store import FILE
from tests.server.store.desk import Desk, damage, rows
from tests.server.store.test_transfer import filled, picture


class TestExport:
	"""Jobs and pictures are written to a file."""

	@pytest.mark.parametrize('name', ['jobs.zip', 'jobs'])
	async def test_there_and_back(self, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
		"""Each command says what it did; a second import has nothing to do."""
		await filled(tmp_path / 'one')
		target = str(tmp_path / name)
		codes = [
			run_command(['export', target, '--base', str(tmp_path / 'one')]),
			run_command(['import', target, '--base', str(tmp_path / 'two')]),
			run_command(['import', target, '--base', str(tmp_path / 'two')]),
		]

		assert codes == [0, 0, 0]
		assert capsys.readouterr().out.splitlines() == [
			f'{target}: 5 jobs, 4 pictures',
			'5 jobs and 4 pictures were added',
			'0 jobs and 0 pictures were added',
			'5 jobs known before and left as they are',
		]

	async def test_folders_of_their_own(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""Database and pictures are looked for, and put, where the flags say."""
		await filled(tmp_path / 'one')
		target = str(tmp_path / 'jobs.zip')
		run_command(['export', target, '--base', str(tmp_path / 'one')])
		flags = ['--data-directory', str(tmp_path / 'here'), '--output', str(tmp_path / 'there')]
		code = run_command(['import', target, '--base', str(tmp_path / 'two'), *flags])

		assert code == 0
		assert len(rows(tmp_path / 'here', 'SELECT id FROM jobs')) == 5
		assert (tmp_path / 'there' / 'sub' / 'b.png').is_file()
		assert not (tmp_path / 'two' / 'data').exists()

	async def test_what_was_missing_or_renamed(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""Is said."""
		await filled(tmp_path / 'one')
		await filled(tmp_path / 'two', 'x')
		(tmp_path / 'one' / 'output' / 'c.png').unlink()
		picture(tmp_path / 'two', 'c.png', b'another')
		target = str(tmp_path / 'jobs.zip')
		run_command(['export', target, '--base', str(tmp_path / 'one')])
		run_command(['import', target, '--base', str(tmp_path / 'two')])
		lines = capsys.readouterr().out.splitlines()

		assert lines[0].endswith('3 pictures; 1 picture that jobs show cannot be found any more')
		assert lines[1:] == [
			'5 jobs and 1 picture were added',
			'2 pictures under a new name, since another has theirs',
		]


class TestRefused:
	"""One message and exit code 2."""

	@pytest.mark.parametrize('command', ['export', 'import'])
	def test_nothing_there(self, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
		"""Neither a database nor an export."""
		code = run_command([command, str(tmp_path / 'x.zip'), '--base', str(tmp_path / 'one')])
		told = capsys.readouterr()

		assert (code, told.out) == (2, '')
		assert told.err.startswith('error: ')
		assert len(told.err.splitlines()) == 1
		assert list(tmp_path.iterdir()) == []

	async def test_a_server_runs(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""An import must wait until it has ended."""
		await filled(tmp_path / 'one')
		run_command(['export', str(tmp_path / 'x.zip'), '--base', str(tmp_path / 'one')])
		desk = await Desk(tmp_path / 'two' / 'data').open()
		code = run_command(['import', str(tmp_path / 'x.zip'), '--base', str(tmp_path / 'two')])
		desk.close()

		assert code == 2
		assert 'Another server uses' in capsys.readouterr().err


class TestServe:
	"""`serve` with a database that cannot be used."""

	def serve(self, base: Path) -> tuple[int, list[str]]:
		"""The exit code, and what is told of errors."""
		done = subprocess.run(
			[sys.executable, 'main.py', 'serve', '--port', '0', '--base', str(base)],
			cwd=PROJECT,
			capture_output=True,
			text=True,
			timeout=60,
			check=False,
		)
		return done.returncode, done.stderr.splitlines()

	async def test_sentences(self, tmp_path: Path) -> None:
		"""One that is in use, one of a newer version, and what is none: exit code 2, and one line that says why."""
		base = await filled(tmp_path / 'one')
		desk = await Desk(base / 'data').open()
		found = [self.serve(base)]
		desk.close()
		damage(base / 'data', "UPDATE alembic_version SET version_num = 'later'")
		found.append(self.serve(base))
		(base / 'data' / FILE).write_bytes(b'no database' * 1000)
		found.append(self.serve(base))

		for (code, lines), reason in zip(found, ('Another server', 'newer version', 'not a database'), strict=True):
			assert code == 2
			assert len(lines) == 1
			assert lines[0].startswith('error: ')
			assert reason in lines[0]


class TestWords:
	"""How many of what."""

	def test_plural(self) -> None:
		"""One is one."""
		assert [counted(number, 'job') for number in (0, 1, 2)] == ['0 jobs', '1 job', '2 jobs']
