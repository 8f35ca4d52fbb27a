import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.catalogue import Catalogue
from engine.errors import PluginError
from engine.plugins import Kit, PackReport, load_pack, load_packs
from engine.settings import Settings
from tests.engine import pack


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
	"""An empty kit."""
	return Kit(Catalogue(Settings(base=tmp_path)))


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
	"""A folder from which packs can be imported."""
	monkeypatch.syspath_prepend(tmp_path)
	return tmp_path


class TestLoadPack:
	def test_a_pack_registers_its_nodes(self, kit: Kit) -> None:
		"""The module is imported and its `register` gets the kit."""
		load_pack('tests.engine.pack', kit)

		assert 'Number' in kit.nodes
		assert kit.nodes['Save'].info.origin == 'pack'

	def test_the_origin_is_the_top_package(self, kit: Kit) -> None:
		"""Unless the pack names it."""
		assert kit.collect(sys.modules[pack.__name__]) == 10
		assert kit.nodes['Number'].info.origin == 'tests'

	@pytest.mark.parametrize(
		('source', 'reason'),
		[
			('import nothing_of_this_name', 'it cannot be imported: ModuleNotFoundError'),
			('1 / 0', 'it cannot be imported: ZeroDivisionError'),
			('def broken(:', 'it cannot be imported: SyntaxError'),
			('x = 1', r'it has no function register\(kit\)'),
			('register = 5', r'it has no function register\(kit\)'),
		],
	)
	def test_a_broken_pack_tells_its_reason(self, kit: Kit, write: Path, source: str, reason: str) -> None:
		"""The error names the pack and what is wrong with it."""
		name = f'broken_{abs(hash(source))}'
		(write / f'{name}.py').write_text(source)
		with pytest.raises(PluginError, match=f"Pack '{name}': {reason}") as caught:
			load_pack(name, kit)
		assert caught.value.pack == name

	def test_a_pack_that_is_not_there(self, kit: Kit) -> None:
		"""Its name is told."""
		with pytest.raises(PluginError, match="'no_such_pack'"):
			load_pack('no_such_pack', kit)


class TestLoadPacks:
	@staticmethod
	def opener(seen: list[str]) -> Callable[[Path, Kit], PackReport]:
		"""Notes which packs are opened."""

		def open_pack(path: Path, kit: Kit) -> PackReport:
			seen.append(path.name)
			return PackReport(name=path.name, path=path)

		return open_pack

	def test_packs_are_opened_by_name_folder_after_folder(self, kit: Kit, tmp_path: Path) -> None:
		"""A pack is a folder with an `__init__.py` or a `.py` file; a missing folder is passed by."""
		seen: list[str] = []
		kit.openers.append(self.opener(seen))
		for name in ('b-pack/__init__.py', 'a.py', 'no_pack/readme.md', 'notes.txt', 'other/c.py'):
			(tmp_path / 'packs' / name).parent.mkdir(parents=True, exist_ok=True)
			(tmp_path / 'packs' / name).touch()
		reports = load_packs(kit, [tmp_path / 'packs' / 'other', tmp_path / 'missing', tmp_path / 'packs'])

		assert seen == ['c.py', 'a.py', 'b-pack']
		assert [report.name for report in reports] == seen

	def test_disabled_packs_are_skipped(self, kit: Kit, tmp_path: Path) -> None:
		"""So are hidden folders and `__pycache__`."""
		seen: list[str] = []
		kit.openers.append(self.opener(seen))
		for name in ('one.disabled', 'two.DISABLED', '__pycache__', '.git'):
			(tmp_path / name).mkdir()
			(tmp_path / name / '__init__.py').touch()
		(tmp_path / 'three.py.disabled').touch()

		assert load_packs(kit, [tmp_path]) == ()
		assert seen == []

	def test_packs_that_are_not_allowed_are_left_alone(self, kit: Kit, tmp_path: Path) -> None:
		"""Neither opened nor prepared."""
		seen: list[str] = []
		kit.preparers.append(lambda path: seen.append(f'prepare {path.name}'))
		kit.openers.append(self.opener(seen))
		for name in ('a.py', 'b.py'):
			(tmp_path / name).touch()
		load_packs(kit, [tmp_path], allowed=lambda path: path.name == 'b.py')

		assert seen == ['prepare b.py', 'b.py']

	def test_every_pack_is_prepared_before_the_first_is_opened(self, kit: Kit, tmp_path: Path) -> None:
		"""What a pack prepares may concern packs before it."""
		seen: list[str] = []
		kit.preparers.append(lambda path: seen.append(f'prepare {path.name}'))
		kit.openers.append(self.opener(seen))
		for name in ('a.py', 'b.py'):
			(tmp_path / name).touch()
		load_packs(kit, [tmp_path])

		assert seen == ['prepare a.py', 'prepare b.py', 'a.py', 'b.py']

	def test_without_an_opener_nothing_is_opened(self, kit: Kit, tmp_path: Path) -> None:
		"""Openers come with a pack that is loaded by name."""
		(tmp_path / 'a.py').touch()

		assert load_packs(kit, [tmp_path]) == ()
