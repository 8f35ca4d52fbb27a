"""The folders of a pack that browsers are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from engine.plugins import Kit
from nodes.comfy.importer import open_pack
from nodes.comfy.web import web_folders

Write = Callable[[str, Mapping[str, str]], Path]


def module(folder: object = None) -> ModuleType:
	"""A pack's module that names a web folder."""
	made = ModuleType('pack')
	if folder is not None:
		vars(made)['WEB_DIRECTORY'] = folder
	return made


@pytest.fixture
def pack(tmp_path: Path) -> Path:
	"""A pack with two folders, beside a secret one."""
	for name in ('packs/mine/js', 'packs/mine/dist', 'packs/other'):
		(tmp_path / name).mkdir(parents=True)
	return tmp_path / 'packs' / 'mine'


class TestWebFolders:
	@pytest.mark.parametrize('folder', ['js', './js', 'js/', 'dist/../js'])
	def test_web_directory(self, pack: Path, folder: str) -> None:
		"""Relative to the pack, under its name."""
		assert web_folders(module(folder), pack) == {'mine': pack / 'js'}

	def test_absolute_web_directory(self, pack: Path) -> None:
		"""Packs work theirs out from `__file__`."""
		assert web_folders(module(str(pack / 'js')), pack) == {'mine': pack / 'js'}

	@pytest.mark.parametrize('folder', ['..', '../other', '/', 'none', '', 'nul\0', 7, None])
	def test_other_folders_are_left_out(self, pack: Path, folder: object) -> None:
		"""What is not there, and what is not the pack's."""
		assert web_folders(module(folder), pack) == {}

	def test_link_out_of_the_pack_is_left_out(self, pack: Path) -> None:
		"""Even if it lies in the pack; a pack that is itself a link is one like others."""
		(pack / 'out').symlink_to(pack.parent / 'other')
		(pack / 'circle').symlink_to(pack / 'circle')
		(pack.parent / 'alias').symlink_to(pack)

		assert web_folders(module('out'), pack) == web_folders(module('circle'), pack) == {}
		assert web_folders(module('js'), pack.parent / 'alias') == {'alias': pack / 'js'}

	def test_project(self, pack: Path) -> None:
		"""`[tool.comfy] web` under the project's name, besides the other."""
		(pack / 'pyproject.toml').write_text('[project]\nname = "my-project"\n[tool.comfy]\nweb = "dist"\n')

		assert web_folders(module('js'), pack) == {'mine': pack / 'js', 'my-project': pack / 'dist'}

	def test_project_without_a_name(self, pack: Path) -> None:
		"""Has the pack's."""
		(pack / 'pyproject.toml').write_text('[tool.comfy]\nweb = "dist"\n')

		assert web_folders(module(), pack) == {'mine': pack / 'dist'}

	@pytest.mark.parametrize('text', ['[tool', 'tool = 7', '[tool]\ncomfy = 7', '[tool.comfy]\nweb = 7', '\x00'])
	def test_odd_projects(self, pack: Path, text: str) -> None:
		"""Show nothing, and keep nothing else away."""
		(pack / 'pyproject.toml').write_text(text)

		assert web_folders(module('js'), pack) == {'mine': pack / 'js'}

	def test_single_file(self, pack: Path) -> None:
		"""Its folder lies beside it; the folder that all packs lie in is not its own."""
		source = pack.parent / 'single.py'
		source.touch()

		assert web_folders(module('mine/js'), source) == {'single': pack / 'js'}
		assert web_folders(module('.'), source) == {}


class TestReport:
	def test_pack_with_nothing_but_scripts(self, kit: Kit, write: Write) -> None:
		"""Is told to bring no nodes, and its scripts are there all the same."""
		folder = write('scripts', {'__init__.py': 'WEB_DIRECTORY = "js"\n', 'js/a.js': 'run()'})
		report = open_pack(folder, kit)

		assert report.web == {'scripts': folder.resolve() / 'js'}
		assert 'no nodes' in report.error

	def test_pack_that_fails_has_none(self, kit: Kit, write: Write) -> None:
		"""Nothing that it said counts."""
		folder = write('fails', {'__init__.py': 'WEB_DIRECTORY = "js"\nraise RuntimeError\n', 'js/a.js': 'run()'})

		assert open_pack(folder, kit).web == {}
