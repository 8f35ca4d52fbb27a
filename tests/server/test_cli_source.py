"""Where commands find a workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import BadDocument
from engine.settings import PROJECT, Settings
from server.cli_source import find_workflow, is_name


class TestSources:
	"""Files first, then names."""

	def test_names_and_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""A word without ending or slash is a name, unless there is a file that is called so."""
		monkeypatch.chdir(tmp_path)
		(tmp_path / 'here').touch()

		assert all(map(is_name, ('text_to_image', 'sdxl-1.0', 'x.flow', 'long' * 100)))
		assert not any(map(is_name, ('here', 'gone.json', 'folder/gone', 'folder\\gone')))

	def test_a_file_comes_before_a_name(
		self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
	) -> None:
		"""A file that is called as a workflow of the library is the one that is meant."""
		monkeypatch.chdir(tmp_path)
		text = (PROJECT / 'workflows' / 'text_to_image.json').read_text()
		(tmp_path / 'lora').write_text(text.replace('Text to image', 'Mine'))

		assert find_workflow('lora', settings, {}).title == 'Mine'
		assert find_workflow('text_to_image', settings, {}).title == 'Text to image'

	def test_names_with_a_dot(self, settings: Settings) -> None:
		"""What is in the library is found, though it looks like a file's ending."""
		folder = settings.user_folder / 'workflows'
		folder.mkdir(parents=True)
		text = (PROJECT / 'workflows' / 'text_to_image.json').read_text()
		(folder / 'sdxl-1.0.json').write_text(text.replace('Text to image', 'Mine'))

		assert find_workflow('sdxl-1.0', settings, {}).title == 'Mine'

	def test_neither(self, settings: Settings) -> None:
		"""What is neither is told, with the names there are."""
		with pytest.raises(BadDocument, match='text_to_image'):
			find_workflow('nothing', settings, {})
		with pytest.raises(BadDocument, match=r'nothing\.json'):
			find_workflow('nothing.json', settings, {})
		with pytest.raises(BadDocument, match='no workflow of that name'):
			find_workflow('long' * 100, settings, {})
