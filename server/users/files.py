"""The files of one person: workflows and whatever else front ends keep. No name leads out of the person's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.errors import BadName, NotFound
from engine.files import is_text
from server.errors import BadRequest
from server.filing import IS_FOLDER, check_depth, check_name, folders_for, partial_file, place, refusing
from server.paths import find_file, inside, shortened

FOLDER = 'user'


class UserFileMissing(NotFound):
	"""A person has no such file or folder."""

	def __init__(self, name: str) -> None:
		super().__init__(f'There is no {shortened(name)!r} among the files of the user.')
		self.name = name


@dataclass(frozen=True, slots=True)
class Entry:
	"""A file or folder, by its path below what was listed. Bytes, and milliseconds since 1970."""

	path: str
	is_folder: bool
	size: int
	modified: int
	created: int


class UserFiles:
	"""The files below one person's folder. Names are paths with slashes; those that lead out are `Forbidden`."""

	def __init__(self, root: Path) -> None:
		self._root = root

	def find(self, name: str) -> Path:
		"""The path of an existing file. Raises `Forbidden` or `UserFileMissing`."""
		inside(self._root, name)
		path = find_file(self._root, name, hidden=True)
		if path is None:
			raise UserFileMissing(name)
		return path

	def entry(self, name: str) -> Entry:
		"""An existing file, with its path below the person's folder."""
		path = self.find(name)
		return entry_of(path, path.relative_to(self._root.resolve()).as_posix())

	def files_in(self, folder: str, *, recurse: bool) -> list[Entry]:
		"""The files in a folder, by path, those in its folders too with `recurse`. Hidden ones are left out.

		Raises `UserFileMissing` if there is no such folder.
		"""
		return [entry for entry in self._walk(self._folder(folder), recurse=recurse) if not entry.is_folder]

	def tree(self, folder: str) -> list[Entry]:
		"""All folders and files below a folder, folders first, by their paths below the person's folder.

		Raises `UserFileMissing` if there is nothing of that name and `BadRequest` if it is a file.
		"""
		start = inside(self._root, folder)
		root = self._root.resolve()
		if start == root and not root.exists():
			return []
		if find_file(self._root, folder, hidden=True) is not None:
			raise BadRequest(f'{shortened(folder)!r} is a file, not a folder.')
		found = self._walk(self._folder(folder), recurse=True, below=root)
		return sorted(found, key=lambda entry: (not entry.is_folder, entry.path.rpartition('/')[2].lower(), entry.path))

	def store(self, name: str, content: IO[bytes], *, overwrite: bool) -> Entry:
		"""Store a file, with the folders above it. Raises `NameTaken` if there is one and it is to stay."""
		wanted = self._place(name)
		with refusing(shortened(name), FOLDER), folders_for(wanted):
			if wanted.is_dir():
				raise BadName(shortened(name), FOLDER, reason=IS_FOLDER)
			with partial_file(wanted.parent, content) as partial:
				if overwrite:
					partial.replace(wanted)
				else:
					place(partial, wanted)
		return self.entry(name)

	def move(self, name: str, target: str, *, overwrite: bool) -> Entry:
		"""Give a file another name. Raises as `find` and `store` do."""
		source, wanted = self.find(name), self._place(target)
		with refusing(shortened(target), FOLDER), folders_for(wanted):
			if overwrite:
				source.replace(wanted)
			else:
				place(source, wanted)
		return self.entry(target)

	def delete(self, name: str) -> None:
		"""Delete a file. Raises as `find` does."""
		self.find(name).unlink()

	def _place(self, name: str) -> Path:
		"""Where a file of that name is to lie; `BadName` if none can lie there, as far as the name tells."""
		shown = shortened(name)
		wanted = inside(self._root, name)
		check_name(name, shown, FOLDER)
		if wanted == self._root.resolve():
			raise BadName(shown, FOLDER, reason='it names no file')
		check_depth(wanted, self._root, shown, FOLDER)
		return wanted

	def _folder(self, name: str) -> Path:
		path = inside(self._root, name)
		try:
			there = path.is_dir()
		except OSError:  # Too long for the file system, or not to be looked into.
			there = False
		if not there:
			raise UserFileMissing(name)
		return path

	def _walk(self, start: Path, *, recurse: bool, below: Path | None = None) -> Iterator[Entry]:
		"""What lies below a folder, by name. Links that lead out of the person's folder are passed over."""
		root, base = self._root.resolve(), below or start
		for folder, folders, files in os.walk(start):
			folders[:] = sorted(name for name in folders if is_shown(name) and not Path(folder, name).is_symlink())
			for name in (*folders, *sorted(files)):
				path = Path(folder, name)
				if not is_shown(name) or (path.is_symlink() and not path.resolve().is_relative_to(root)):
					continue
				try:
					yield entry_of(path, path.relative_to(base).as_posix())
				except OSError:  # It has just gone, or is a link to nothing.
					continue
			if not recurse:
				return


def is_shown(name: str) -> bool:
	"""Whether a listing tells of a file: not of a hidden one, nor of one whose name no answer could carry."""
	return not name.startswith('.') and is_text(name)


def entry_of(path: Path, name: str) -> Entry:
	"""What is told of a file or folder; `OSError` if it is not there."""
	status = path.stat()
	return Entry(name, path.is_dir(), status.st_size, status.st_mtime_ns // 1_000_000, status.st_ctime_ns // 1_000_000)
