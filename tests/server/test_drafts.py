"""Workflows that are not saved yet, as files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server import drafts as module
from server.drafts import DraftNotFound, Drafts
from server.errors import TooLarge
from server.schemas.drafts import DraftBody

BODY = DraftBody.model_validate(
	{'document': {'lumengraph': 2, 'nodes': {'a': {'kind': 'X', 'inputs': {'seed': 2**64 - 1}}}, 'own': [1]}}
)


@pytest.fixture
def drafts(tmp_path: Path) -> Drafts:
	"""A folder of drafts that does not exist yet."""
	return Drafts(tmp_path / 'drafts')


class TestDrafts:
	"""Saving, finding, deleting."""

	def test_comes_back(self, drafts: Drafts) -> None:
		"""All of it, large numbers and unknown keys too, also to another process."""
		_, is_new = drafts.save('a', BODY)
		_, is_new_again = drafts.save('a', BODY)

		assert (is_new, is_new_again) == (True, False)
		assert drafts.find('a').body.model_dump(exclude_unset=True) == BODY.model_dump(exclude_unset=True)

	def test_deleted_one_is_gone(self, drafts: Drafts) -> None:
		"""And cannot be deleted again."""
		drafts.save('a', BODY)
		drafts.delete('a')

		assert drafts.entries() == []
		for act in (drafts.delete, drafts.find):
			with pytest.raises(DraftNotFound):
				act('a')

	def test_damaged_ones_hide_nothing(self, drafts: Drafts, tmp_path: Path) -> None:
		"""Nor do files that are half-written."""
		drafts.save('a', BODY)
		(tmp_path / 'drafts' / 'b.json').write_text('{"document"')
		(tmp_path / 'drafts' / '.upload-1.part').write_text('{')

		assert [draft.id for draft in drafts.entries()] == ['a']

	def test_the_oldest_go(self, drafts: Drafts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Those that have not been touched for longest."""
		monkeypatch.setattr(module, 'KEPT', 2)
		for second, id in enumerate('abc'):
			drafts.save(id, BODY)
			os.utime(tmp_path / 'drafts' / f'{id}.json', (second, second))
		drafts.save('d', BODY)

		assert [draft.id for draft in drafts.entries()] == ['d', 'c']

	def test_too_large_ones_are_refused(self, drafts: Drafts, monkeypatch: pytest.MonkeyPatch) -> None:
		"""What was there before stays."""
		drafts.save('a', BODY)
		monkeypatch.setattr(module, 'LARGEST', 10)
		with pytest.raises(TooLarge):
			drafts.save('a', BODY)

		assert drafts.find('a').body == BODY
