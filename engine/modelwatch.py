"""Watches the model folders from a thread: tells what has changed, and works out the SHA-256 of each file in peace.

A sampled digest names a file's content cheaply (`engine.catalogue`); hubs and people know files by the SHA-256 of all of
it, which takes a minute for some. It is kept on disk, so it is worked out once per file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import RootModel, ValidationError

from engine.catalogue import Catalogue

log = logging.getLogger(__name__)
LOOK_SECONDS = 3.0
CHUNK = 2**22
PAUSE_SECONDS = 0.002
"""After each chunk, so that whoever waits for a model or a picture reads first."""

Stamp = tuple[int, int]
Changed = Callable[[tuple[str, ...]], None]
"""Called with the kinds of folders in which files came, went or changed."""


class _Kept(RootModel[dict[str, tuple[int, int, str]]]):
	"""Path → size, time of the last change in nanoseconds, SHA-256."""


class ModelWatch:
	"""One per server. `start` begins with what is on disk then; `file` keeps the sums between runs."""

	def __init__(self, catalogue: Catalogue, file: Path) -> None:
		self._catalogue = catalogue
		self._file = file
		self._changed: Changed = lambda kinds: None
		self._ended = threading.Event()
		self._lock = threading.Lock()
		self._sums: dict[str, tuple[int, int, str]] = {}
		self._thread = threading.Thread(target=self._work, name='models', daemon=True)

	def start(self, changed: Changed) -> None:
		"""Begin; returns at once. `changed` is called in the thread."""
		self._changed = changed
		self._thread.start()

	def stop(self) -> None:
		"""End, in the middle of a file if need be."""
		self._ended.set()
		if self._thread.is_alive():
			self._thread.join()

	def sha256(self, path: Path) -> str | None:
		"""The SHA-256 of a file's content; None if it is not worked out yet for the file as it is now."""
		try:
			stamp = _stamp(path)
		except OSError:
			return None
		with self._lock:
			known = self._sums.get(str(path))
		return known[2] if known is not None and known[:2] == stamp else None

	def look(self) -> dict[str, dict[Path, Stamp]]:
		"""What lies in the folders now, by kind."""
		found: dict[str, dict[Path, Stamp]] = {}
		for kind in self._catalogue.places:
			files = found[kind] = {}
			for place, name in self._catalogue.files(kind):
				try:
					files[place / name] = _stamp(place / name)
				except OSError:  # It has left meanwhile.
					continue
		return found

	def _work(self) -> None:
		self._load()
		seen = self.look()
		self._sum_up(seen)
		while not self._ended.wait(LOOK_SECONDS):
			try:
				now = self.look()
				kinds = tuple(kind for kind in now if now[kind] != seen.get(kind))
				seen = now
				if kinds:
					self._changed(kinds)
					self._sum_up(now)
			except Exception:
				log.exception('The model folders could not be looked through.')

	def _sum_up(self, found: Mapping[str, Mapping[Path, Stamp]]) -> None:
		"""Work out what is missing, and forget what has gone."""
		stamps = {path: stamp for files in found.values() for path, stamp in files.items() if path.is_file()}
		with self._lock:
			self._sums = {text: known for text, known in self._sums.items() if stamps.get(Path(text)) == known[:2]}
			missing = [path for path in stamps if str(path) not in self._sums]
		for path in missing:
			try:
				total = self._sum(path)
			except OSError as error:
				log.info('The sum of %s could not be worked out: %s', path, error)
				continue
			if total is None:
				return
			with self._lock:
				self._sums[str(path)] = (*stamps[path], total)
			self._save()

	def _sum(self, path: Path) -> str | None:
		"""The SHA-256 of a file; None if the watch ends meanwhile."""
		digest = hashlib.sha256()
		with path.open('rb') as file:
			while chunk := file.read(CHUNK):
				digest.update(chunk)
				if self._ended.wait(PAUSE_SECONDS):
					return None
		return digest.hexdigest()

	def _load(self) -> None:
		try:
			kept = _Kept.model_validate_json(self._file.read_bytes())
		except FileNotFoundError:
			return
		except (OSError, ValidationError) as error:
			log.warning('%s cannot be read, and is made anew: %s', self._file, error)
			return
		with self._lock:
			self._sums = dict(kept.root)

	def _save(self) -> None:
		with self._lock:
			text = json.dumps(self._sums, indent=0)
		fresh = self._file.with_suffix('.new')
		try:
			self._file.parent.mkdir(parents=True, exist_ok=True)
			fresh.write_text(text)
			fresh.replace(self._file)
		except OSError as error:
			log.warning('%s cannot be written: %s', self._file, error)


def _stamp(path: Path) -> Stamp:
	status = path.stat()
	return status.st_size, status.st_mtime_ns
