"""Exports jobs with the pictures that they show, also while a server runs, and imports them into another data folder.

An import looks at everything before it writes anything. Then come the pictures, each whole or not at all and none over
another, then all jobs in one transaction: where it is broken off, no job is there without its pictures, and it can be
done again.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from engine.errors import BadName
from engine.events import SavedFile
from engine.files import Files
from engine.settings import Settings
from server.store.bundle import (
	DATABASE,
	BadBundle,
	Bundle,
	CannotExport,
	Manifest,
	NewBundle,
	Picture,
	new_bundle,
	open_bundle,
	part_of,
	same,
)
from server.store.database import HEAD, Database, connect, readable, upgrade
from server.store.merge import files_shown, job_ids, merge
from server.store.store import FILE


@dataclass(frozen=True)
class Exported:
	"""What an export has. `missing` are pictures that jobs show and nobody has any more."""

	jobs: int
	pictures: int
	missing: int


@dataclass(frozen=True)
class Imported:
	"""What an import did: jobs that came, and that were there; pictures that came, and those under new names."""

	jobs: int
	known: int
	pictures: int
	renamed: int


def export_jobs(settings: Settings, target: Path) -> Exported:
	"""Write everything to a ZIP file or a folder. Raises `CannotExport`, `DatabaseUnreadable`."""
	path = settings.data_folder / FILE
	if not path.is_file():
		raise CannotExport(f'There is no database at {path}, so there is nothing to export.')
	files = Files(settings)
	with tempfile.TemporaryDirectory(prefix='lumengraph-') as folder, new_bundle(target) as bundle:
		copy = Path(folder) / DATABASE
		with readable(path), closing(sqlite3.connect(f'{path.resolve().as_uri()}?mode=rw', uri=True)) as connection:
			# What was forgotten is not in it, other than in a copy of the file.
			connection.execute('VACUUM INTO ?', (str(copy),))
		with reading(copy, path) as snapshot:
			jobs = job_ids(snapshot)
			shown = files_shown(snapshot, jobs)
		pictures = [added for file in sorted(shown, key=str) if (added := add_picture(bundle, files, file)) is not None]
		bundle.add(DATABASE, copy)
		bundle.finish(Manifest(made=time.time(), revision=HEAD, database=part_of(copy), pictures=tuple(pictures)))
	return Exported(len(jobs), len(pictures), len(shown) - len(pictures))


def import_jobs(settings: Settings, source: Path) -> Imported:
	"""Add the jobs of an export to a data folder that no server uses, and their pictures to its folders.

	Jobs whose ids are known are left as they are. A picture whose name is taken by another gets a name of its own.
	Raises `BadBundle`, `DatabaseInUse`, `DatabaseUnreadable`.
	"""
	files = Files(settings)
	with ExitStack() as stack:
		bundle = stack.enter_context(open_bundle(source))
		bundle.verify()
		copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='lumengraph-'))) / DATABASE
		with copy.open('wb') as stream:
			bundle.copy(DATABASE, bundle.manifest.database, stream)
		coming = stack.enter_context(reading(copy, source))
		jobs = job_ids(coming)
		check_names(files, files_shown(coming, jobs), source)
		database = Database(settings.data_folder / FILE)
		database.open()
		stack.callback(database.close)
		undo = stack.enter_context(ExitStack())
		with readable(database.path), database.engine.begin() as target:
			new = jobs - job_ids(target)
			arrival = Arrival(files, bundle, undo)
			for file in sorted(files_shown(coming, new), key=str):
				arrival.place(file)
			merge(coming, target, new, arrival.renamed)
		undo.pop_all()
	return Imported(len(new), len(jobs) - len(new), len(arrival.made), len(arrival.renamed))


@contextmanager
def reading(copy: Path, path: Path) -> Iterator[Connection]:
	"""A connection to a database of one's own, with the newest tables. `path` is where it comes from, for messages."""
	engine = connect(copy)
	try:
		with readable(path):
			upgrade(engine, path)
			with engine.connect() as connection:
				yield connection
	finally:
		engine.dispose()


def add_picture(bundle: NewBundle, files: Files, file: SavedFile) -> Picture | None:
	"""Put a file into a bundle; None if it is gone, or was never where jobs may save."""
	try:
		path = files.saved(file)
		part = part_of(path)
	except (OSError, BadName):
		return None
	picture = Picture.model_validate(
		{'filename': file.filename, 'subfolder': file.subfolder, 'root': file.type, **part.model_dump()}
	)
	bundle.add(picture.part, path)
	return picture


def check_names(files: Files, shown: Collection[SavedFile], source: Path) -> None:
	"""Refuse an export whose pictures would leave their folders."""
	try:
		for file in shown:
			files.saved(file)
	except BadName as error:
		raise BadBundle(source, str(error)) from error


class Arrival:
	"""Puts pictures into the folders of files. `renamed` are those that got another name; `undo` takes them away again."""

	def __init__(self, files: Files, bundle: Bundle, undo: ExitStack) -> None:
		self._files = files
		self._bundle = bundle
		self._undo = undo
		self._pictures = {picture.saved: picture for picture in bundle.manifest.pictures}
		self.made: list[Path] = []
		self.renamed: dict[SavedFile, str] = {}

	def place(self, file: SavedFile) -> None:
		"""A picture that came, under its name or the next free one; the same picture is not put there twice.

		One that did not come must not show what has its name here.
		"""
		picture = self._pictures.get(file)
		path = self._files.saved(file)
		if picture is not None and same(path, picture):
			return
		free = next(name for name in names(path) if not name.exists())
		if picture is not None:
			self._make(picture, free)
		if free != path:
			self.renamed[file] = (Path(file.filename).parent / free.name).as_posix()

	def _make(self, picture: Picture, path: Path) -> None:
		path.parent.mkdir(parents=True, exist_ok=True)
		partial = path.with_name(f'.{path.name[:100]}.{os.getpid()}.part')
		try:
			with partial.open('wb') as stream:
				self._bundle.copy(picture.part, picture, stream)
				stream.flush()
				os.fsync(stream.fileno())
			partial.rename(path)
		finally:
			partial.unlink(missing_ok=True)
		self.made.append(path)
		self._undo.callback(path.unlink, missing_ok=True)


def names(path: Path) -> Iterator[Path]:
	"""A name, and others like it."""
	yield path
	number = 2
	while True:
		yield path.with_name(f'{path.stem}-{number}{path.suffix}')
		number += 1
