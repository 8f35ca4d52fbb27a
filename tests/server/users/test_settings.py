"""The settings of one person."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from server.users.settings import UserSettings


class TestUserSettings:
	def test_nothing_is_set_at_first(self, tmp_path: Path) -> None:
		"""And asking makes no file."""
		assert UserSettings().read(tmp_path / 'new') == {}
		assert not (tmp_path / 'new').exists()

	def test_changes_add_up(self, tmp_path: Path) -> None:
		"""What a change does not name stays; what others look for is the file `comfy.settings.json`."""
		settings = UserSettings()
		settings.change(tmp_path / 'p', {'a': 1, 'b': [None, {'c': 'ä'}]})
		settings.change(tmp_path / 'p', {'a': 2.5})

		assert settings.read(tmp_path / 'p') == {'a': 2.5, 'b': [None, {'c': 'ä'}]}
		assert json.loads((tmp_path / 'p' / 'comfy.settings.json').read_text()) == settings.read(tmp_path / 'p')

	def test_no_change_is_lost(self, tmp_path: Path) -> None:
		"""Front ends send many at once at their start."""
		settings = UserSettings()
		threads = [
			threading.Thread(target=settings.change, args=(tmp_path, {str(number): number})) for number in range(20)
		]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()

		assert settings.read(tmp_path) == {str(number): number for number in range(20)}

	@pytest.mark.parametrize('text', ['{"a": ', '[1]', '\ufeff'])
	def test_file_that_cannot_be_understood_is_kept(self, tmp_path: Path, text: str) -> None:
		"""It counts as none, and lies beside the new one after the next change."""
		(tmp_path / 'comfy.settings.json').write_text(text)
		settings = UserSettings()
		before = settings.read(tmp_path)
		settings.change(tmp_path, {'a': 1})

		assert before == {}
		assert settings.read(tmp_path) == {'a': 1}
		assert (tmp_path / 'comfy.settings.json.broken').read_text() == text

	def test_not_a_number_is_written_as_null(self, tmp_path: Path) -> None:
		"""So that every reader of JSON can read the file."""
		UserSettings().change(tmp_path, {'a': float('nan')})

		assert json.loads((tmp_path / 'comfy.settings.json').read_text()) == {'a': None}
