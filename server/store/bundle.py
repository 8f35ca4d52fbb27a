"""What is carried from one data folder to another: a ZIP file or a folder, with a manifest that vouches for each part.

Parts are named by their content, so that names of pictures, however odd, stay inside of the manifest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import Field, ValidationError
from pydantic_core import from_json

from engine.declaration import Model
from engine.errors import EngineError
from engine.events import SavedFile

FORMAT = 1
MANIFEST = 'manifest.json'
DATABASE = 'lumengraph.db'
PICTURES = 'pictures'
PIECE = 2**20
LONGEST_MANIFEST = 2**28


class BadBundle(EngineError):
	"""What is to be imported is no export, a damaged one, or one of a newer version."""

	def __init__(self, path: Path, reason: str) -> None:
		super().__init__(f'{path} cannot be imported: {reason}')
		self.path = path


class CannotExport(EngineError):
	"""There is nothing to export, or no place for it."""


class Part(Model):
	"""Size and SHA-256 of a part."""

	size: int
	sha256: str


class Picture(Part):
	"""A file that jobs show, by the name that they know it by."""

	filename: str
	subfolder: str
	root: Literal['input', 'output']

	@property
	def saved(self) -> SavedFile:
		"""As jobs name it."""
		return SavedFile(filename=self.filename, subfolder=self.subfolder, type=self.root)

	@property
	def part(self) -> str:
		"""The name of the part."""
		return f'{PICTURES}/{self.sha256}'


class Manifest(Model):
	"""What there is. `revision` is that of the database's tables, `made` in seconds since the epoch."""

	format: int = Field(default=FORMAT, ge=1, le=FORMAT)
	made: float
	revision: str
	database: Part
	pictures: tuple[Picture, ...]


class NewBundle:
	"""A bundle that is being written; nobody sees it before it is whole."""

	def __init__(self, place: zipfile.ZipFile | Path) -> None:
		self._place = place
		self._written: set[str] = set()

	def add(self, name: str, source: Path) -> None:
		"""Copy a file into it; a part that is there already is not written twice."""
		if name in self._written:
			return
		self._written.add(name)
		if isinstance(self._place, zipfile.ZipFile):
			# Pictures are compressed as they are.
			packing = zipfile.ZIP_DEFLATED if name == DATABASE else zipfile.ZIP_STORED
			self._place.write(source, name, packing)
		else:
			(self._place / name).parent.mkdir(parents=True, exist_ok=True)
			shutil.copyfile(source, self._place / name)

	def finish(self, manifest: Manifest) -> None:
		"""Say what is in it."""
		text = manifest.model_dump_json(indent=1)
		if isinstance(self._place, zipfile.ZipFile):
			self._place.writestr(MANIFEST, text, zipfile.ZIP_DEFLATED)
		else:
			(self._place / MANIFEST).write_text(text, encoding='utf-8')


@contextmanager
def new_bundle(target: Path) -> Iterator[NewBundle]:
	"""Write a bundle: a ZIP file if it is named so, else a folder. Raises `CannotExport` if there is something already."""
	if target.exists():
		raise CannotExport(f'{target} is there already.')
	partial = target.with_name(f'.{target.name}.{os.getpid()}.part')
	try:
		target.parent.mkdir(parents=True, exist_ok=True)
		if target.suffix.lower() == '.zip':
			with zipfile.ZipFile(partial, 'x', strict_timestamps=False) as file:
				yield NewBundle(file)
		else:
			partial.mkdir()
			yield NewBundle(partial)
		partial.rename(target)
	except OSError as error:
		raise CannotExport(f'{target} cannot be written: {error.strerror or error}.') from error
	finally:
		with suppress(OSError):
			shutil.rmtree(partial) if partial.is_dir() else partial.unlink(missing_ok=True)


class Bundle:
	"""A bundle that was written."""

	def __init__(self, path: Path, folder: Path | zipfile.Path) -> None:
		self._path = path
		self._folder = folder
		self.manifest = self._read_manifest()

	def verify(self) -> None:
		"""Read every part; raises `BadBundle` at the first that is missing, or not what the manifest says."""
		self.copy(DATABASE, self.manifest.database)
		for name, picture in {picture.part: picture for picture in self.manifest.pictures}.items():
			self.copy(name, picture)

	def copy(self, name: str, part: Part, target: BinaryIO | None = None) -> None:
		"""Read a part to its end, and write it somewhere. Raises `BadBundle` if it is not what the manifest says."""
		digest, size = hashlib.sha256(), 0
		for piece in self._pieces(name, part.size + 1):
			digest.update(piece)
			size += len(piece)
			if target is not None:
				target.write(piece)
		if (size, digest.hexdigest()) != (part.size, part.sha256):
			raise BadBundle(self._path, f'{name} is not what was exported.')

	def _read_manifest(self) -> Manifest:
		raw = b''.join(self._pieces(MANIFEST, LONGEST_MANIFEST))
		try:
			document = from_json(raw)
		except ValueError as error:
			raise BadBundle(self._path, f'its manifest is not JSON: {error}.') from error
		found = document.get('format') if isinstance(document, dict) else None
		if isinstance(found, int) and found > FORMAT:
			raise BadBundle(self._path, f'a newer version of the program made it (format {found}).')
		try:
			return Manifest.model_validate_json(raw)
		except ValidationError as error:
			raise BadBundle(self._path, f'its manifest is none: {error.errors()[0]["msg"]}.') from error

	def _pieces(self, name: str, most: int) -> Iterator[bytes]:
		"""The bytes of a part, up to so many."""
		try:
			with self._folder.joinpath(name).open('rb') as stream:
				while most > 0 and (piece := stream.read(min(PIECE, most))):
					most -= len(piece)
					yield piece
		except (KeyError, FileNotFoundError):
			raise BadBundle(self._path, f'it has no {name}.') from None
		# Encrypted and strangely packed parts raise the last two.
		except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
			raise BadBundle(self._path, f'{name} cannot be read: {error}.') from error


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
	"""A bundle to read. Raises `BadBundle`."""
	if path.is_dir():
		yield Bundle(path, path)
		return
	try:
		file = zipfile.ZipFile(path)
	except (OSError, ValueError, zipfile.BadZipFile) as error:
		reason = (
			error.strerror
			if isinstance(error, OSError)
			else f'it is neither an exported ZIP file nor a folder: {error}'
		)
		raise BadBundle(path, f'{reason}.') from error
	with file:
		yield Bundle(path, zipfile.Path(file))


def part_of(path: Path) -> Part:
	"""What the manifest says of a file."""
	with path.open('rb') as stream:
		digest = hashlib.file_digest(stream, 'sha256').hexdigest()
		return Part(size=stream.tell(), sha256=digest)


def same(path: Path, part: Part) -> bool:
	"""Whether a file has the content of a part."""
	with suppress(OSError):
		return path.stat().st_size == part.size and part_of(path) == Part(size=part.size, sha256=part.sha256)
	return False
