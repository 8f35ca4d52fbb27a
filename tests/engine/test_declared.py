"""The declarations on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.declaration import Choice, Input, NodeInfo, Output
from engine.declared import KeptNodes
from engine.plugins import PackReport
from engine.settings import Settings
from engine.wire import Described

TOLD = Described(
	nodes=(
		NodeInfo(
			kind='A',
			title='A',
			category='',
			inputs=(Input(name='x', type='COMBO', widget=Choice(options=('a', 1, True))),),
			outputs=(Output(name='y', type='*'),),
			time_limit=2.5,
		),
	),
	packs=(PackReport(name='p', path=Path('/p'), error='Traceback'),),
	model_folders={'vae': (Path('/a'),)},
)
OTHER = Described(nodes=())


def kept_in(settings: Settings) -> list[Path]:
	"""The files."""
	return sorted((settings.cache_folder / 'declarations').iterdir())


class TestKeptNodes:
	def test_they_come_back(self, settings: Settings) -> None:
		"""Another process finds what was told last, and only that is kept."""
		KeptNodes(settings, 'nodes').save(OTHER)
		KeptNodes(settings, 'nodes').save(TOLD)

		assert KeptNodes(settings, 'nodes').load() == TOLD
		assert len(kept_in(settings)) == 1

	def test_none_at_first(self, settings: Settings) -> None:
		"""Nothing was told yet."""
		assert KeptNodes(settings, 'nodes').load() is None

	def test_of_another_pack_or_other_settings(self, settings: Settings, tmp_path: Path) -> None:
		"""They do not hold there."""
		KeptNodes(settings, 'nodes').save(TOLD)

		assert KeptNodes(settings, 'others').load() is None
		assert KeptNodes(settings.model_copy(update={'packs': False}), 'nodes').load() is None

	def test_when_a_pack_has_changed(self, settings: Settings) -> None:
		"""A pack that comes, changes or goes may bring other nodes; what it keeps beside its sources does not."""
		pack = settings.base / 'custom_nodes' / 'pack'
		pack.mkdir(parents=True)
		(pack / '__init__.py').touch()
		(pack / 'part.py').write_text('one')
		KeptNodes(settings, 'nodes').save(TOLD)
		(pack / 'cache.bin').touch()
		(pack / '__pycache__').mkdir()
		(pack / '__pycache__' / 'part.py').touch()
		same = KeptNodes(settings, 'nodes').load()
		os.utime(pack / 'part.py', (1, 1))
		changed = KeptNodes(settings, 'nodes').load()
		KeptNodes(settings, 'nodes').save(TOLD)
		(settings.base / 'custom_nodes' / 'single.py').touch()

		assert same == TOLD
		assert changed is None
		assert KeptNodes(settings, 'nodes').load() is None

	@pytest.mark.parametrize('content', [b'', b'{"type": "described"}', b'\xff', b'[]'])
	def test_what_cannot_be_read_is_none(self, settings: Settings, content: bytes) -> None:
		"""The worker will tell it anew."""
		KeptNodes(settings, 'nodes').save(TOLD)
		[file] = kept_in(settings)
		file.write_bytes(content)

		assert KeptNodes(settings, 'nodes').load() is None

	def test_the_same_is_not_written_again(self, settings: Settings) -> None:
		"""Workers tell the same again and again."""
		kept = KeptNodes(settings, 'nodes')
		kept.save(TOLD)
		[file] = kept_in(settings)
		file.unlink()
		kept.save(TOLD)
		untouched = kept_in(settings)
		kept.save(OTHER)

		assert untouched == []
		assert kept_in(settings) == [file]

	def test_a_disk_that_refuses(self, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
		"""It is told in the log, and no more comes of it."""
		settings.cache_folder.parent.mkdir(parents=True, exist_ok=True)
		settings.cache_folder.write_text('in the way')
		KeptNodes(settings, 'nodes').save(TOLD)

		assert 'cannot be kept' in caplog.text
		assert KeptNodes(settings, 'nodes').load() is None
