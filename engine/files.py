"""The input, output and temp roots: paths that cannot leave them, and pictures saved with their metadata."""

from __future__ import annotations

import json
import logging
import mimetypes
import os
import random
import re
import shutil
import string
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydantic import JsonValue

from engine.errors import BadName, FileMissing
from engine.events import Folder, SavedFile
from engine.prefixes import expand
from engine.settings import Settings

log = logging.getLogger(__name__)

ANNOTATION = re.compile(r'^(?P<name>.*) \[(?P<folder>input|output|temp)\]$', re.DOTALL)
OWN_MARK = '.lumengraph'
FOLDERS: tuple[Folder, ...] = ('input', 'output', 'temp')


def annotated(name: str, default: Folder = 'input') -> tuple[str, Folder]:
	"""Split `sub/picture.png [output]` into the name and the folder it says."""
	found = ANNOTATION.match(name)
	if found is None:
		return name, default
	return found['name'], next(folder for folder in FOLDERS if folder == found['folder'])


class Files:
	"""The three roots. Nothing here reads or writes outside of them."""

	def __init__(self, settings: Settings) -> None:
		self._roots: dict[Folder, Path] = {
			'input': settings.input_folder,
			'output': settings.output_folder,
			'temp': settings.temp_folder,
		}
		self.metadata = settings.metadata

	def root(self, folder: Folder) -> Path:
		"""The root itself; it may not exist yet."""
		return self._roots[folder]

	def path(self, name: str, folder: Folder, subfolder: str = '') -> Path:
		"""Where a file of this name lies or would lie; `BadName` if that is outside of the root."""
		root = self._roots[folder].resolve()
		if '\0' in name or '\0' in subfolder:
			raise BadName(name, folder, reason='it holds a NUL')
		# Names from other systems carry backslashes; only one kind of separator is meant.
		try:
			path = (root / subfolder.replace('\\', '/') / name.replace('\\', '/')).resolve()
		except ValueError:  # Half of a surrogate pair: no file system can hold such a name.
			raise BadName(name, folder, reason='it is no Unicode text') from None
		except (OSError, RuntimeError):  # Python 3.11 and 3.12 say the second.
			raise BadName(name, folder, reason='its links lead in a circle') from None
		if not path.is_relative_to(root):
			raise BadName(str(PurePosixPath(subfolder) / name), folder)
		return path

	def find(self, name: str, default: Folder = 'input') -> Path:
		"""The path of an existing file named as in LoadImage (`sub/a.png`, `a.png [temp]`), or `FileMissing`."""
		plain, folder = annotated(name, default)
		path = self.path(plain, folder)
		try:
			there = path.is_file()
		except OSError:  # A name too long for the file system, or a folder that may not be looked into.
			there = False
		if not there:
			raise FileMissing(plain, folder)
		return path

	def saved(self, file: SavedFile) -> Path:
		"""Where a saved file lies; `BadName` if its name leaves the root."""
		return self.path(file.filename, file.type, file.subfolder)

	def names(self, folder: Folder, media: str = '') -> tuple[str, ...]:
		"""The files in a root, relative, sorted; with `media` (`image`, `video` …) only those of that type."""
		root = self._roots[folder]
		if not root.is_dir():
			return ()
		found = (
			path.relative_to(root).as_posix() for path in root.rglob('*') if path.is_file() and path.name[0] != '.'
		)
		return tuple(sorted(name for name in found if is_text(name) and (not media or media_type(name) == media)))

	def empty_temp(self) -> None:
		"""Throw away what previews left behind. A temp folder that was not made here is somebody's own: it is left."""
		if (self._roots['temp'] / OWN_MARK).is_file():
			shutil.rmtree(self._roots['temp'], ignore_errors=True)
		self._own_temp()

	def _own_temp(self) -> None:
		"""Make the temp folder, if there is none, with the mark that says it may be emptied."""
		root = self._roots['temp']
		if not root.exists():
			root.mkdir(parents=True, exist_ok=True)
			(root / OWN_MARK).touch()

	def save_image(
		self,
		image: Image.Image,
		prefix: str,
		*,
		folder: Folder = 'output',
		index: int = 0,
		metadata: Mapping[str, JsonValue] | None = None,
	) -> SavedFile:
		"""Save a picture as PNG under the next free number; nobody ever sees it half-written.

		`prefix` may hold a subfolder and placeholders (`prefixes.py`). `metadata` becomes text chunks of JSON. Raises `BadName` if the prefix leaves the root.
		"""
		info = PngInfo()
		for key, value in (metadata or {}).items() if self.metadata else ():
			if is_keyword(key):
				info.add_text(key, json.dumps(value))
			else:
				log.warning('The metadata entry %r is left out: PNG cannot hold this name.', key)

		def write(stream: BinaryIO) -> None:
			image.save(stream, 'PNG', pnginfo=info, compress_level=4)

		return self.save(write, prefix, '.png', folder=folder, size=image.size, index=index)

	def save(
		self,
		write: Callable[[BinaryIO], None],
		prefix: str,
		suffix: str,
		*,
		folder: Folder = 'output',
		size: tuple[int, int] = (0, 0),
		index: int = 0,
	) -> SavedFile:
		"""Save a file under the next free number: `write` gets the stream. Nobody ever sees it half-written.

		`prefix` as for `save_image`, with `size` as (width, height) and `index` filled in. Raises `BadName` if it leaves
		the root.
		"""
		wanted = self.path(expand(prefix, *size, index), folder)
		if wanted == self._roots[folder].resolve():
			raise BadName(prefix, folder, reason='it names no file')
		if folder == 'temp':
			self._own_temp()
		wanted.parent.mkdir(parents=True, exist_ok=True)
		partial = wanted.parent / f'.{wanted.name}.{os.getpid()}.{random.randrange(2**32):08x}.part'  # noqa: S311
		try:
			with partial.open('wb') as stream:
				write(stream)
				stream.flush()
				os.fsync(stream.fileno())
			final = _claim(partial, wanted, suffix)
		finally:
			partial.unlink(missing_ok=True)
		subfolder = final.parent.relative_to(self._roots[folder].resolve()).as_posix()
		return SavedFile(filename=final.name, subfolder='' if subfolder == '.' else subfolder, type=folder)


def _claim(partial: Path, wanted: Path, suffix: str) -> Path:
	"""Give a finished file its number: one more than the highest of its name. Two writers never get the same."""
	number = next_number(wanted)
	while True:
		final = wanted.with_name(f'{wanted.name}_{number:05}_{suffix}')
		if named_anew(partial, final):
			return final
		number += 1


def named_anew(partial: Path, final: Path) -> bool:
	"""Give a finished file its name, if nothing has that yet. The name that it was written under may stay, too."""
	try:
		final.hardlink_to(partial)
	except FileExistsError:
		return False
	except OSError:
		# A file system without hard links: the check and the rename are then two steps.
		if final.exists():
			return False
		partial.rename(final)
	return True


def next_number(wanted: Path) -> int:
	"""One more than the highest number among `<name>_<digits>…` in the folder."""
	pattern = re.compile(re.escape(wanted.name) + r'_(\d+)')
	found = (pattern.match(entry.name) for entry in wanted.parent.iterdir())
	return max((int(match[1]) for match in found if match), default=0) + 1


def preview_prefix() -> str:
	"""A prefix for pictures that are only shown: `preview_temp_` and five random letters."""
	return 'preview_temp_' + ''.join(random.choices(string.ascii_lowercase, k=5))  # noqa: S311 - a name, not a secret


def is_text(name: str) -> bool:
	"""Whether a name from the disk can be written as UTF-8; one in an old encoding cannot, and no message can carry it."""
	try:
		name.encode()
	except UnicodeEncodeError:
		return False
	return True


def is_keyword(text: str) -> bool:
	"""Whether PNG can hold a text chunk of this name: 1 to 79 letters of Latin-1 (PNG specification, 11.3.4.2)."""
	try:
		return 0 < len(text.encode('latin-1')) < 80 and '\0' not in text
	except UnicodeEncodeError:
		return False


def media_type(name: str) -> str:
	"""`image`, `video`, `audio` … as the file's ending says, `latent` for our own; `` when it says nothing."""
	if name.endswith('.latent'):
		return 'latent'
	guessed = mimetypes.guess_type(name)[0] or ''
	return guessed.partition('/')[0]
