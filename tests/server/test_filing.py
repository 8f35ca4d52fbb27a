"""Files put in their places."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from engine.errors import BadName
from server.errors import NameTaken
from server.filing import check_depth, check_name, folders_for, partial_file, place, refusing, write_file


class TestWriteFile:
	"""A file's content replaced."""

	def test_writes_and_replaces(self, tmp_path: Path) -> None:
		"""Folders are made; nothing but the file is left."""
		write_file(tmp_path / 'a' / 'b.json', b'old')
		write_file(tmp_path / 'a' / 'b.json', b'new')

		assert (tmp_path / 'a' / 'b.json').read_bytes() == b'new'
		assert [path.name for path in (tmp_path / 'a').iterdir()] == ['b.json']

	def test_failure_leaves_the_old_one(self, tmp_path: Path) -> None:
		"""Neither a part of the new content nor a temporary file is there."""
		(tmp_path / 'taken').mkdir()
		(tmp_path / 'taken' / 'inside').touch()
		with pytest.raises(OSError, match='taken'):
			write_file(tmp_path / 'taken', b'new')

		assert [path.name for path in tmp_path.iterdir()] == ['taken']

	def test_reader_sees_the_old_content_or_the_new(self, tmp_path: Path) -> None:
		"""Whoever opened the file before goes on reading what it was."""
		write_file(tmp_path / 'f', b'old')
		with (tmp_path / 'f').open('rb') as reader:
			write_file(tmp_path / 'f', b'something longer')

			assert reader.read() == b'old'


class TestPlace:
	"""A name that only one can have."""

	def test_gives_the_name(self, tmp_path: Path) -> None:
		"""The partial file is the file then."""
		with partial_file(tmp_path, io.BytesIO(b'content')) as partial:
			place(partial, tmp_path / 'name')

		assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [('name', b'content')]

	def test_taken_name_stays(self, tmp_path: Path) -> None:
		"""The other file is untouched, the partial one gone."""
		(tmp_path / 'name').write_bytes(b'first')
		with pytest.raises(NameTaken, match='name'), partial_file(tmp_path, io.BytesIO(b'second')) as partial:
			place(partial, tmp_path / 'name')

		assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [('name', b'first')]


class TestFoldersFor:
	def test_failure_takes_new_folders_away(self, tmp_path: Path) -> None:
		"""Only those that were missing before, and only while they are empty."""
		(tmp_path / 'old').mkdir()
		with pytest.raises(RuntimeError), folders_for(tmp_path / 'old' / 'new' / 'deep' / 'file'):
			raise RuntimeError

		assert list((tmp_path / 'old').iterdir()) == []


class TestChecks:
	"""Names that are refused before the disk is asked."""

	@pytest.mark.parametrize(('name', 'reason'), [('\udcff', 'UTF-8'), ('x' * 5000, 'too long')])
	def test_name(self, name: str, reason: str) -> None:
		"""What no answer could carry, and what goes on for pages."""
		check_name('a name', 'shown', 'user')
		with pytest.raises(BadName, match=reason):
			check_name(name, 'shown', 'user')

	def test_depth(self, tmp_path: Path) -> None:
		"""32 folders, not one more."""
		check_depth(tmp_path.joinpath(*['a'] * 32, 'file'), tmp_path, 'shown', 'user')
		with pytest.raises(BadName, match='32 folders'):
			check_depth(tmp_path.joinpath(*['a'] * 33, 'file'), tmp_path, 'shown', 'user')

	def test_what_is_not_the_names_fault_is_passed_on(self) -> None:
		"""A full disk is no bad name."""
		with pytest.raises(OSError, match='full'), refusing('shown', 'user'):
			raise OSError(28, 'full', os.devnull)
