"""`--quick-test-for-ci`."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PluginError
from engine.settings import Settings
from server.cli import run_command
from server.quicktest import quick_test
from server.serving import Serving

CLASS = """
class Node:
	INPUT_TYPES = classmethod(lambda cls: {'required': {}})
	RETURN_TYPES = ()
	FUNCTION = 'run'

	def run(self):
		return ()

NODE_CLASS_MAPPINGS = {'Quick': Node}
"""


class TestQuickTest:
	"""Start, load, say so, end."""

	def test_packs_are_loaded_and_counted(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""A broken one is named, and is no failure of ours."""
		(tmp_path / 'custom_nodes').mkdir()
		(tmp_path / 'custom_nodes' / 'good.py').write_text(CLASS)
		(tmp_path / 'custom_nodes' / 'broken.py').write_text('raise RuntimeError')
		code = run_command(['--quick-test-for-ci', '--port', '0', '--base', str(tmp_path)])
		printed = capsys.readouterr().out

		assert code == 0
		assert 'Lumengraph is at http://127.0.0.1:' in printed
		assert '2 packs of custom nodes; broken: broken' in printed.splitlines()[-1]

	def test_only_chosen_packs(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""With `--disable-all-custom-nodes`, those that `--whitelist-custom-nodes` names."""
		(tmp_path / 'custom_nodes').mkdir()
		(tmp_path / 'custom_nodes' / 'good.py').write_text(CLASS)
		(tmp_path / 'custom_nodes' / 'broken.py').write_text('raise RuntimeError')
		flags = ['--quick-test-for-ci', '--port', '0', '--base', str(tmp_path), '--disable-all-custom-nodes']
		kinds = []
		for more in ([], ['--whitelist-custom-nodes', 'good']):
			assert run_command([*flags, *more]) == 0
			kinds.append(int(capsys.readouterr().out.splitlines()[-1].split()[2]))

		assert kinds[1] == kinds[0] + 1

	def test_core_pack_must_load(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Without it, nothing runs."""
		(tmp_path / 'hopeless_pack.py').write_text('raise RuntimeError("hopeless")')
		monkeypatch.syspath_prepend(str(tmp_path))

		with pytest.raises(PluginError, match='hopeless'):
			quick_test(Settings(base=tmp_path), Serving(port=0), pack='hopeless_pack')
