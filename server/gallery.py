"""The pictures below the output folder: listed newest first, found by their path, looked into."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from engine.errors import BadName, FileMissing
from engine.files import Files, is_text
from engine.formats.embedded import embedded
from server.comfy.pictures import BROKEN_PICTURE
from server.schemas.images import Embedded, SavedImage

# Not asked of the system, whose table may know some of them by no or another name.
MEDIA_TYPES: Mapping[str, str] = {
	'.png': 'image/png',
	'.jpg': 'image/jpeg',
	'.jpeg': 'image/jpeg',
	'.webp': 'image/webp',
	'.gif': 'image/gif',
	'.bmp': 'image/bmp',
	'.tif': 'image/tiff',
	'.tiff': 'image/tiff',
}
# Other formats are not tried, whatever a file is called: some are handed to other programs.
FORMATS = ('PNG', 'JPEG', 'WEBP', 'GIF', 'BMP', 'TIFF')
# The last is an error only where warnings are.
BROKEN = (*BROKEN_PICTURE, Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Picture:
	"""A picture file; `path` is relative to the output folder, with slashes."""

	path: str
	size: int
	modified_ns: int

	@property
	def key(self) -> tuple[int, str]:
		"""Its place in the list, newest first."""
		return -self.modified_ns, self.path


def list_pictures(files: Files, folder: str = '') -> list[Picture]:
	"""Every picture below the output folder, or below a folder in it; `BadName` if that is outside.

	Hidden files are half-written ones, and links may lead elsewhere: both are passed over.
	"""
	root = files.root('output').resolve()
	place = files.path(folder, 'output')
	return sorted(_walk(place, root), key=lambda picture: picture.key)


def _walk(place: Path, root: Path) -> Iterator[Picture]:
	for folder, folders, _ in os.walk(place):
		folders[:] = [name for name in folders if _is_shown(name)]
		try:
			entries = list(os.scandir(folder))
		except OSError:  # It has gone meanwhile.
			continue
		for entry in entries:
			if not (_is_shown(entry.name) and PurePosixPath(entry.name).suffix.lower() in MEDIA_TYPES):
				continue
			try:
				if not entry.is_file(follow_symlinks=False):
					continue
				status = entry.stat(follow_symlinks=False)
			except OSError:
				continue
			path = Path(entry.path).relative_to(root).as_posix()
			yield Picture(path, status.st_size, status.st_mtime_ns)


def _is_shown(name: str) -> bool:
	return not name.startswith('.') and '\\' not in name and is_text(name)


def find_picture(files: Files, path: str) -> Path:
	"""Where a picture lies. `BadName` if that would be outside, `FileMissing` if there is no picture of that path."""
	found = files.path(path, 'output')
	try:
		there = found.suffix.lower() in MEDIA_TYPES and not found.name.startswith('.') and found.is_file()
	except OSError:  # A name too long for the file system, or a folder that may not be looked into.
		there = False
	if not there:
		raise FileMissing(path, 'output')
	return found


def delete_picture(files: Files, path: str) -> None:
	"""Delete a picture; `FileMissing` if it is not there, `BadName` if it may not be."""
	found = find_picture(files, path)
	try:
		found.unlink()
	except FileNotFoundError:
		raise FileMissing(path, 'output') from None
	except PermissionError as error:
		raise BadName(path, 'output', reason='this place may not be written to') from error


def look(files: Files, picture: Picture) -> SavedImage:
	"""What a picture's header tells. Pixels are not read."""
	format: str | None = None
	width: int | None = None
	height: int | None = None
	names: set[str] = set()
	try:
		with Image.open(files.root('output') / picture.path, formats=FORMATS) as opened:
			format, (width, height) = opened.format, opened.size
		names = set(embedded(files.root('output') / picture.path) or {})
	except BROKEN:
		pass  # It is listed all the same, so that it can be deleted.
	return SavedImage(
		path=picture.path,
		size=picture.size,
		modified=picture.modified_ns / 1e9,
		format=format,
		width=width,
		height=height,
		metadata=Embedded(prompt='prompt' in names, workflow='workflow' in names, lumengraph='lumengraph' in names),
	)
