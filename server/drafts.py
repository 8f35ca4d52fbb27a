"""Workflows that are being edited and are not saved yet: a file each, so that neither a browser nor the server can lose them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from engine.errors import NotFound
from server.errors import TooLarge
from server.filing import write_file
from server.schemas.drafts import DraftBody

log = logging.getLogger(__name__)

KEPT = 200
"""How many drafts there may be; those that have not been touched for longest go first."""
LARGEST = 16 * 2**20
"""Bytes that one may take."""


class DraftNotFound(NotFound):
	"""There is no draft of this id."""

	def __init__(self, id: str) -> None:
		super().__init__(f'There is no draft {id!r}; GET /v1/drafts lists them.')
		self.id = id


@dataclass(frozen=True, slots=True)
class Draft:
	"""A draft and when it was put here, in seconds since the epoch."""

	id: str
	saved: float
	body: DraftBody


class Drafts:
	"""A folder of drafts. All methods take time: not for the event loop."""

	def __init__(self, folder: Path) -> None:
		self._folder = folder
		self._lock = threading.Lock()

	def entries(self) -> list[Draft]:
		"""Every draft, the newest first. What cannot be read is logged and left out."""
		found = [draft for path in self._files() if (draft := _read(path)) is not None]
		return sorted(found, key=lambda draft: draft.saved, reverse=True)

	def find(self, id: str) -> Draft:
		"""One draft. Raises `DraftNotFound`."""
		path = self._path(id)
		draft = None if path is None else _read(path)
		if draft is None:
			raise DraftNotFound(id)
		return draft

	def save(self, id: str, body: DraftBody) -> tuple[Draft, bool]:
		"""Put a draft in the place of what it was; tells whether it is a new one. Raises `TooLarge`."""
		content = body.model_dump_json(exclude_unset=True).encode()
		if len(content) > LARGEST:
			raise TooLarge(f'The draft has {len(content):,} bytes; at most {LARGEST:,} are kept.')
		with self._lock:
			is_new = self._path(id) is None
			path = self._folder / f'{id}.json'
			write_file(path, content)
			if is_new:
				self._thin_out()
			return Draft(id, path.stat().st_mtime, body), is_new

	def delete(self, id: str) -> None:
		"""Delete a draft. Raises `DraftNotFound`."""
		with self._lock:
			path = self._path(id)
			if path is None:
				raise DraftNotFound(id)
			path.unlink(missing_ok=True)

	def _thin_out(self) -> None:
		for old in sorted(self._files(), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
			log.warning('The draft %s is dropped: there are more than %d.', old.stem, KEPT)
			old.unlink(missing_ok=True)

	def _path(self, id: str) -> Path | None:
		return next((path for path in self._files() if path.stem == id), None)

	def _files(self) -> Iterator[Path]:
		try:
			yield from (path for path in self._folder.glob('*.json') if path.name[0] != '.' and path.is_file())
		except OSError:
			return


def _read(path: Path) -> Draft | None:
	try:
		return Draft(path.stem, path.stat().st_mtime, DraftBody.model_validate_json(path.read_bytes()))
	except (OSError, ValidationError) as error:
		log.warning('The draft %s is left out: %s', path.name, error)
		return None
