"""What workflows were, as files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server.versions import KEPT, VersionNotFound, Versions


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
	"""An empty folder of versions."""
	return Versions(tmp_path / 'versions')


def keep(versions: Versions, tmp_path: Path, title: str, second: int, name: str = 'mine') -> None:
	"""Keep a workflow of this title that was saved at this second."""
	path = tmp_path / 'now.json'
	path.write_text(f'{{"lumengraph": 2, "title": "{title}", "nodes": {{"a": {{"kind": "X", "inputs": {{}}}}}}}}')
	os.utime(path, (1_700_000_000 + second, 1_700_000_000 + second))
	versions.keep(name, path)


class TestVersions:
	"""Keeping, listing, finding."""

	def test_newest_first(self, versions: Versions, tmp_path: Path) -> None:
		"""Each with when it was saved, its title and how many nodes it had."""
		keep(versions, tmp_path, 'one', 1)
		keep(versions, tmp_path, 'two', 2)
		found = versions.entries('mine')

		assert [(version.title, version.saved, version.nodes) for version in found] == [
			('two', 1_700_000_002.0, 1),
			('one', 1_700_000_001.0, 1),
		]
		assert versions.find('mine', found[1].id) == found[1]

	def test_same_content_is_kept_once(self, versions: Versions, tmp_path: Path) -> None:
		"""With the time when it was saved last."""
		for second, title in enumerate(('one', 'two', 'one')):
			keep(versions, tmp_path, title, second)

		assert [(version.title, version.saved) for version in versions.entries('mine')] == [
			('one', 1_700_000_002.0),
			('two', 1_700_000_001.0),
		]

	def test_the_oldest_go(self, versions: Versions, tmp_path: Path) -> None:
		"""There are never more than `KEPT`."""
		for second in range(KEPT + 3):
			keep(versions, tmp_path, str(second), second)
		found = versions.entries('mine')

		assert len(found) == KEPT
		assert (found[0].title, found[-1].title) == (str(KEPT + 2), '3')

	def test_each_workflow_has_its_own(self, versions: Versions, tmp_path: Path) -> None:
		"""Names with slashes, too."""
		keep(versions, tmp_path, 'deep', 1, name='sub/mine')

		assert [version.title for version in versions.entries('sub/mine')] == ['deep']
		assert versions.entries('mine') == []
		assert {path.name for path in (tmp_path / 'versions').iterdir()} == {'sub%2Fmine'}

	def test_damaged_ones_hide_nothing(self, versions: Versions, tmp_path: Path) -> None:
		"""They are left out, and cannot be found."""
		keep(versions, tmp_path, 'one', 1)
		damaged = tmp_path / 'versions' / 'mine' / f'{1_700_000_005_000}-{"a" * 32}.json'
		damaged.write_text('{')

		assert [version.title for version in versions.entries('mine')] == ['one']
		with pytest.raises(VersionNotFound):
			versions.find('mine', damaged.stem)

	@pytest.mark.parametrize('name', ['..', '.', '', '../versions', '/', 'a\0b', 'x' * 300])
	def test_names_lead_nowhere_else(self, versions: Versions, tmp_path: Path, name: str) -> None:
		"""Only folders that are there are looked into."""
		keep(versions, tmp_path, 'one', 1)

		assert versions.entries(name) == []
