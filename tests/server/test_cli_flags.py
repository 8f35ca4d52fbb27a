"""Flags, and the settings that they make."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.errors import BadDocument
from engine.settings import Settings
from server.cli import parser
from server.cli_flags import GIGABYTE, settings_from


def settings(*flags: str, command: str = 'serve') -> Settings:
	"""The settings of a command line."""
	return settings_from(parser().parse_args([command, *flags]))


class TestFolders:
	"""Where things lie."""

	@pytest.mark.parametrize(
		('flag', 'spelling', 'name'),
		[
			('--base', '--base-directory', 'base'),
			('--input', '--input-directory', 'input'),
			('--output', '--output-directory', 'output'),
			('--temp', '--temp-directory', 'temp'),
			('--user', '--user-directory', 'user'),
			('--data', '--data-directory', 'data'),
		],
	)
	def test_both_spellings(self, flag: str, spelling: str, name: str) -> None:
		"""Ours and ComfyUI's; a relative folder is seen from here."""
		assert settings(flag, 'x') == settings(spelling, 'x')
		assert getattr(settings(flag, 'x'), name) == Path('x').resolve()

	@pytest.mark.parametrize('flag', ['--base', '--input', '--output', '--temp', '--models', '--custom-nodes'])
	def test_a_file_is_no_folder(self, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
		"""It is refused before anything is computed that could not be saved there."""
		with pytest.raises(SystemExit):
			settings(flag, __file__)

		assert f'{__file__!r} is a file, not a folder' in capsys.readouterr().err

	@pytest.mark.parametrize('flag', ['--base', '--custom-nodes', '--front-end-root'])
	def test_a_name_that_no_folder_can_have(self, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
		"""It is refused in the system's words."""
		with pytest.raises(SystemExit):
			settings(flag, 'x' * 300)

		assert f'argument {flag}' in (told := capsys.readouterr().err)
		assert f"xxx': {os.strerror(errno.ENAMETOOLONG)}" in told

	@pytest.mark.parametrize('command', ['graph', 'bundle'])
	def test_a_file_that_is_written_is_no_folder_of_results(self, command: str) -> None:
		"""`--output` of these commands is a file."""
		assert settings('a', '--output', __file__, command=command).output is None

	def test_custom_nodes(self, tmp_path: Path) -> None:
		"""Each folder that is named comes after that of the base; all can be turned off."""
		given = ['--base', str(tmp_path), '--custom-nodes', 'a', '--custom-nodes', 'b']

		assert settings(*given).pack_folders == (tmp_path / 'custom_nodes', Path('a').resolve(), Path('b').resolve())
		assert settings(*given, '--disable-all-custom-nodes').pack_folders == ()

	def test_allowed_packs(self, tmp_path: Path) -> None:
		"""Packs that are named are loaded although all are disabled; only those."""
		chosen = settings('--disable-all-custom-nodes', '--whitelist-custom-nodes', 'one', 'two.py', '--port', '0')

		assert chosen.pack_folders == (chosen.base / 'custom_nodes',)
		assert chosen.allows_pack(tmp_path / 'one')
		assert chosen.allows_pack(tmp_path / 'one.py')
		assert chosen.allows_pack(tmp_path / 'two.py')
		assert not chosen.allows_pack(tmp_path / 'three')
		assert settings().allows_pack(tmp_path / 'three')

	def test_extra_paths(self, tmp_path: Path) -> None:
		"""Files of more folders are read in the order in which they are named, and add up."""
		for name in ('one', 'two'):
			(tmp_path / f'{name}.yaml').write_text(f'{name}:\n  loras: {name}\n  custom_nodes: packs of {name}\n')
		flags = [
			part for name in ('one', 'two') for part in ('--extra-model-paths-config', str(tmp_path / f'{name}.yaml'))
		]
		found = settings(*flags, command='nodes')

		assert found.extra_models == {'loras': (tmp_path / 'one', tmp_path / 'two')}
		assert found.custom_nodes == (tmp_path / 'packs of one', tmp_path / 'packs of two')

	def test_extra_paths_that_cannot_be_read(self) -> None:
		"""The file is named."""
		with pytest.raises(BadDocument, match='nowhere'):
			settings('--extra-model-paths-config', 'nowhere.yaml')


class TestCache:
	"""What is kept of results."""

	@pytest.mark.parametrize(
		('flags', 'expected'),
		[
			([], {'cache_mode': 'bytes'}),
			(['--cache-classic'], {'cache_mode': 'classic'}),
			(['--cache-lru', '7'], {'cache_mode': 'lru', 'cache_entries': 7}),
			(['--cache-ram'], {'cache_mode': 'ram', 'headroom_bytes': None}),
			(['--cache-ram', '2.5'], {'cache_mode': 'ram', 'headroom_bytes': 5 * GIGABYTE // 2}),
			(['--cache-none'], {'cache_mode': 'none'}),
			(['--no-disk-cache'], {'cache_mode': 'bytes', 'disk_bytes': 0}),
		],
	)
	def test_modes(self, flags: list[str], expected: dict[str, object]) -> None:
		"""One mode of memory; the disk can be left out."""
		assert settings(*flags).model_dump(include=set(expected)) == expected

	@pytest.mark.parametrize(
		'flags',
		[['--cache-none', '--cache-classic'], ['--cache-lru', '0'], ['--cache-ram', 'much'], ['--cache-ram', '-1']],
	)
	def test_what_makes_no_sense(self, flags: list[str]) -> None:
		"""Two modes at once, and sizes that are none, are refused."""
		with pytest.raises(SystemExit):
			settings(*flags)


class TestFrontEnds:
	"""What front ends get."""

	def test_by_default(self) -> None:
		"""The program's editor, one user, uploads of up to 100 megabytes."""
		options = parser().parse_args(['serve'])

		assert (options.front_end_root, options.max_upload_size) == (None, 100 * 2**20)
		assert not settings().multi_user

	def test_given(self, tmp_path: Path) -> None:
		"""A folder that is there, several users, megabytes."""
		flags = ['--front-end-root', str(tmp_path), '--multi-user', '--max-upload-size', '0.5']
		options = parser().parse_args(['serve', *flags])

		assert (options.front_end_root, options.max_upload_size) == (tmp_path, 2**19)
		assert settings(*flags).multi_user

	@pytest.mark.parametrize(
		'flags',
		[
			['--front-end-root', 'nowhere'],
			['--front-end-root', __file__],
			['--max-upload-size', '0'],
			['--max-upload-size', '-5'],
			['--max-upload-size', 'nan'],
			['--max-upload-size', 'inf'],
			['--max-upload-size', 'much'],
		],
	)
	def test_what_makes_no_sense(self, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""A folder that is none, a size that is none: refused with what was given."""
		with pytest.raises(SystemExit):
			settings(*flags)

		assert flags[1] in capsys.readouterr().err


class TestComfySpellings:
	"""Flags that people bring along."""

	def test_cpu_and_metadata(self) -> None:
		"""The CPU is used anyway; pictures without workflows are wanted by some."""
		assert settings('--cpu').metadata
		assert settings('--cpu').cpu
		assert not settings().cpu
		assert not settings('--cpu', '--disable-metadata').metadata

	def test_precision(self) -> None:
		"""What suits the device and the model, unless exact results are asked for."""
		assert not settings().exact
		assert settings('--precision', 'exact').exact
		assert settings('--precision', 'exact', 'workflow.json', command='run').exact

	def test_compile(self) -> None:
		"""Only if it is asked for, of the server and of single runs."""
		assert not settings().compile
		assert settings('--compile').compile
		assert settings('--compile', 'workflow.json', command='run').compile


class TestHistory:
	"""How long jobs that are over are remembered."""

	def test_defaults(self) -> None:
		"""The last ten thousand, however old."""
		assert (settings().keep_jobs, settings().keep_days) == (10_000, None)

	def test_given(self) -> None:
		"""Days may be parts of one."""
		found = settings('--keep-jobs', '5', '--keep-days', '0.5')

		assert (found.keep_jobs, found.keep_days) == (5, 0.5)

	@pytest.mark.parametrize('flag', ['--keep-jobs', '--keep-days'])
	@pytest.mark.parametrize('value', ['0', '-1', 'x', '', 'nan', 'inf'])
	def test_refused(self, flag: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
		"""What is no number, or none that makes sense."""
		with pytest.raises(SystemExit):
			settings(flag, value)

		assert flag in capsys.readouterr().err
