import sys
from pathlib import Path

import pytest

from engine.catalogue import Catalogue
from engine.errors import PluginError
from engine.plugins import Kit, load_pack
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
