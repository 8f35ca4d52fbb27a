"""The declarations that a worker told last, kept on disk: a new server knows its nodes before its first worker is up."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import ValidationError

from engine.plugins import packs_in
from engine.settings import PROJECT, Settings
from engine.wire import Described

log = logging.getLogger(__name__)

FORMAT = '1'
OWN_FOLDERS = ('engine', 'nodes')
PASSED_OVER = frozenset({'__pycache__', 'node_modules'})


class KeptNodes:
	"""One file in the cache folder, named for what the declarations follow from: the program, the packs, the settings."""

	def __init__(self, settings: Settings, pack: str) -> None:
		self._settings = settings
		self._pack = pack
		self._folder = settings.cache_folder / 'declarations'
		self._kept: Described | None = None
		self._saving = threading.Lock()

	def load(self) -> Described | None:
		"""What a worker told of this program with these packs; None if none did, or it cannot be read."""
		try:
			found = Described.model_validate_json(self._path().read_bytes())
		except FileNotFoundError:
			return None
		except (OSError, ValidationError) as error:
			log.warning('The declarations that were kept cannot be read: %s', error)
			return None
		self._kept = found
		return found

	def save(self, described: Described) -> None:
		"""Keep what a worker has told, in the place of what was kept; trouble with the disk is logged. Any thread may."""
		with self._saving:
			if described != self._kept:
				self._kept = described
				self._write(described)

	def _write(self, described: Described) -> None:
		target = self._path()
		partial = target.with_name(f'.{target.name}.{os.getpid()}')
		try:
			self._folder.mkdir(parents=True, exist_ok=True)
			partial.write_text(described.model_dump_json(), encoding='utf-8')
			partial.replace(target)
			for other in self._folder.glob('*.json'):
				if other != target:
					other.unlink(missing_ok=True)
		except (OSError, ValueError) as error:
			log.warning('The declarations cannot be kept: %s', error)

	def _path(self) -> Path:
		try:
			program = version('lumengraph')
		except PackageNotFoundError:
			program = ''
		digest = hashlib.sha256('\0'.join((FORMAT, program, self._pack, self._settings.model_dump_json())).encode())
		for path, size, modified in self._files():
			digest.update(f'{path}\0{size}\0{modified}\n'.encode(errors='surrogateescape'))
		return self._folder / f'{digest.hexdigest()[:32]}.json'

	def _files(self) -> Iterator[tuple[str, int, int]]:
		"""The sources of the program and of its packs: path, size, time of change."""
		roots = [PROJECT / name for name in OWN_FOLDERS]
		roots += [path for folder in self._settings.pack_folders for path in packs_in(folder)]
		for root in roots:
			for path in [root] if root.is_file() else _sources(root):
				try:
					status = path.stat()
				except OSError:
					continue
				yield str(path), status.st_size, status.st_mtime_ns


def _sources(root: Path) -> Iterator[Path]:
	for folder, names, files in os.walk(root):
		names[:] = sorted(name for name in names if name not in PASSED_OVER and not name.startswith('.'))
		yield from (Path(folder) / name for name in sorted(files) if name.endswith('.py'))
