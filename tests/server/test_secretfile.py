"""Files that only their owner may read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import BaseModel

from server.secretfile import DamagedSecrets, read_private, signature, write_private


class Note(BaseModel):
	"""What is kept here."""

	words: tuple[str, ...] = ()


class TestWriting:
	"""Whole, private, or not at all."""

	def test_what_is_written_can_be_read(self, tmp_path: Path) -> None:
		"""In a folder that need not be there."""
		path = tmp_path / 'new' / 'note.json'
		write_private(path, Note(words=('a', 'b')))

		assert read_private(path, Note) == Note(words=('a', 'b'))

	@pytest.mark.skipif(os.name != 'posix', reason='modes are a thing of POSIX')
	def test_only_the_owner_may_read_it(self, tmp_path: Path) -> None:
		"""Also what was readable by all before."""
		path = tmp_path / 'note.json'
		path.write_text('{}')
		path.chmod(0o644)
		write_private(path, Note())

		assert path.stat().st_mode & 0o777 == 0o600

	def test_nothing_else_is_left(self, tmp_path: Path) -> None:
		"""No temporary file stays, and one that could not be put in place neither."""
		write_private(tmp_path / 'note.json', Note())
		(tmp_path / 'folder.json' / 'in the way').mkdir(parents=True)
		with pytest.raises(OSError):
			write_private(tmp_path / 'folder.json', Note())

		assert sorted(path.name for path in tmp_path.iterdir()) == ['folder.json', 'note.json']


class TestReading:
	"""What is there, or why not."""

	def test_no_file_is_empty(self, tmp_path: Path) -> None:
		"""Nothing has been written yet."""
		assert read_private(tmp_path / 'none.json', Note) == Note()

	@pytest.mark.parametrize('content', ['', '{', '[]', '{"words": 5}'])
	def test_damaged_file_is_no_empty_one(self, content: str, tmp_path: Path) -> None:
		"""The file is named, its content is not told."""
		path = tmp_path / 'note.json'
		path.write_text(content)

		with pytest.raises(DamagedSecrets, match=r'note\.json'):
			read_private(path, Note)

	def test_signature_changes_with_the_file(self, tmp_path: Path) -> None:
		"""Also when another of the same length is put in its place within a moment."""
		path = tmp_path / 'note.json'
		before = signature(path)
		write_private(path, Note(words=('a',)))
		first = signature(path)
		write_private(path, Note(words=('b',)))

		assert before is None
		assert first is not None
		assert signature(path) != first
