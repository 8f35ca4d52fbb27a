"""Model files on disk: which lie in which folder, and a digest that names each by its content."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from engine.errors import ModelNotFound, UnknownFormat
from engine.files import is_text
from engine.models import FileDigest
from engine.settings import Settings
from engine.tensorfile import read_header

SUFFIXES = frozenset({'.safetensors', '.sft', '.gguf', '.ckpt', '.pt', '.pt2', '.pth', '.bin', '.pkl'})
FOLDERS = (
	'checkpoints',
	'loras',
	'vae',
	'text_encoders',
	'diffusion_models',
	'clip_vision',
	'style_models',
	'embeddings',
	'controlnet',
	'upscale_models',
)
SAMPLES = 64
SAMPLE_BYTES = 4096
HEADER_BYTES = 2**16


class Catalogue:
	"""Folder kind → the places where such files lie. Reads the disk at each question; keeps only digests."""

	def __init__(self, settings: Settings) -> None:
		self._places: dict[str, list[Path]] = {kind: [settings.models_folder / kind] for kind in FOLDERS}
		self._lock = threading.Lock()
		self._digests: dict[Path, tuple[tuple[int, int], FileDigest]] = {}

	def add(self, kind: str, place: Path) -> None:
		"""Look for files of a kind in one more folder."""
		places = self._places.setdefault(kind, [])
		if place not in places:
			places.append(place)

	@property
	def places(self) -> Mapping[str, tuple[Path, ...]]:
		"""Every folder kind with the places looked in, first one first."""
		return {kind: tuple(places) for kind, places in self._places.items()}

	def names(self, kind: str) -> tuple[str, ...]:
		"""The model files of a kind, relative, sorted."""
		found = {
			str(path.relative_to(place))
			for place in self._places.get(kind, ())
			for path in _walk(place)
			if path.suffix.lower() in SUFFIXES
		}
		return tuple(sorted(filter(is_text, found)))

	def path(self, kind: str, name: str) -> Path:
		"""The file of that name, or `ModelNotFound`. A name cannot leave its folder."""
		plain = name.replace('\\', '/')
		for place in self._places.get(kind, ()):
			path = place / plain
			if '..' not in Path(plain).parts and not Path(plain).anchor and _is_file(path):
				return path
		raise ModelNotFound(name, kind, looked_in=[str(place) for place in self._places.get(kind, ())])

	def digest(self, path: Path) -> FileDigest:
		"""The digest of a file's content; computed anew when its size or time has changed."""
		status = path.stat()
		stamp = (status.st_size, status.st_mtime_ns)
		with self._lock:
			known = self._digests.get(path)
			if known is None or known[0] != stamp:
				known = self._digests[path] = (stamp, sampled_digest(path, status.st_size))
			return known[1]

	def damage(self, path: Path) -> str | None:
		"""Why a model file cannot be read, told from its header and length; None if nothing speaks against it.

		Files of other formats are listed, so that people see that they were found, but only safetensors can be read.
		"""
		try:
			read_header(path)
		except UnknownFormat as error:
			return error.reason
		return None

	def find(self, digest: FileDigest) -> Path:
		"""The file of that content, looked for in every folder; `ModelNotFound` if it is gone."""
		with self._lock:
			candidates = [path for path, (_, known) in self._digests.items() if known == digest]
		for path in candidates:
			if path.is_file() and self.digest(path) == digest:
				return path
		for kind in self._places:
			for name in self.names(kind):
				path = self.path(kind, name)
				if self.digest(path) == digest:
					return path
		raise ModelNotFound(digest, 'models')


def _is_file(path: Path) -> bool:
	try:
		return path.is_file()
	except OSError:  # A name too long for the file system, or a folder that may not be looked into.
		return False


def _walk(place: Path) -> list[Path]:
	found: list[Path] = []
	for folder, folders, files in os.walk(place, followlinks=True):
		folders[:] = sorted(name for name in folders if not name.startswith('.'))
		found.extend(Path(folder) / name for name in files if not name.startswith('.'))
	return found


def sampled_digest(path: Path, size: int) -> FileDigest:
	"""SHA-256 over the size, the first 64 KiB and 64 evenly spaced samples of 4 KiB.

	Cheap for files of many gigabytes. Small files are read whole.
	"""
	digest = hashlib.sha256(f'{size}:'.encode())
	with path.open('rb') as stream:
		if size <= HEADER_BYTES + SAMPLES * SAMPLE_BYTES:
			digest.update(stream.read())
		else:
			digest.update(stream.read(HEADER_BYTES))
			step = (size - HEADER_BYTES - SAMPLE_BYTES) // (SAMPLES - 1)
			for sample in range(SAMPLES):
				stream.seek(HEADER_BYTES + sample * step)
				digest.update(stream.read(SAMPLE_BYTES))
	return FileDigest(digest.hexdigest())
