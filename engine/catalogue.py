"""Model files on disk: which lie in which folder, and a digest that names each by its content."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine import modelfolder
from engine.errors import ModelNotFound, UnknownFormat
from engine.facts import Fact, FileMark, recognise
from engine.files import is_text
from engine.modelfile import read_shapes
from engine.modelfolder import is_model_folder
from engine.models import FileDigest
from engine.settings import Settings

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
	'ipadapter',
	'upscale_models',
	'latent_upscale_models',
	'vae_approx',
	'gligen',
	'hypernetworks',
	'photomaker',
	'classifiers',
	'model_patches',
	'audio_encoders',
	'background_removal',
	'frame_interpolation',
	'geometry_estimation',
	'optical_flow',
	'detection',
	'diffusers',
)
OLDER_NAMES = {'text_encoders': ('clip',), 'diffusion_models': ('unet',), 'controlnet': ('t2i_adapter',)}
"""Folders of the models folder in which files of a kind may lie as well."""

SAVED = {
	'checkpoints': 'checkpoints',
	'text_encoders': 'clip',
	'vae': 'vae',
	'diffusion_models': 'diffusion_models',
	'loras': 'loras',
}
"""Folders of the output folder where nodes save models of a kind: these can be chosen like others."""

SAMPLES = 64
SAMPLE_BYTES = 4096
HEADER_BYTES = 2**16


Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class FileSet:
	"""Files that are one model together: those of a kind that are called so, whatever their endings."""

	kind: str
	stems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Looked:
	"""What a look at a model file's header told: what is wrong with it, and its facts by the marks of that time."""

	stamp: Stamp
	marks: tuple[FileMark, ...]
	damage: str | None
	facts: Mapping[str, Fact]


class Catalogue:
	"""Folder kind → the places where such files lie.

	Reads the disk at each question; keeps only digests and what headers tell, until a file's size or time changes.
	`marks` says how model files are told apart; packs bring them.
	"""

	def __init__(self, settings: Settings) -> None:
		self._places: dict[str, list[Path]] = {}
		self._sets: dict[tuple[str, str], FileSet] = {}
		self._brought: dict[tuple[str, str], Path] = {}
		for kind, places in settings.first_models.items():
			for place in places:
				self.add(kind, place)
		for kind in FOLDERS:
			for name in (kind, *OLDER_NAMES.get(kind, ())):
				self.add(kind, settings.models_folder / name)
		for kind, places in settings.extra_models.items():
			for place in places:
				self.add(kind, place)
		for kind, name in SAVED.items():
			self.add(kind, settings.output_folder / name)
		self._lock = threading.Lock()
		self._digests: dict[Path, tuple[Stamp, FileDigest]] = {}
		self._looked: dict[Path, Looked] = {}
		self.marks: list[FileMark] = []

	def add(self, kind: str, place: Path) -> None:
		"""Look for files of a kind in one more folder."""
		places = self._places.setdefault(kind, [])
		if place not in places:
			places.append(place)

	def add_set(self, kind: str, name: str, files: FileSet) -> None:
		"""Let files that lie elsewhere be chosen together, by a name among the models of a kind."""
		self._sets[kind, name] = files

	def add_file(self, kind: str, name: str, path: Path) -> None:
		"""Let a file that came with a pack be chosen by a name among the models of a kind."""
		self._brought[kind, name] = path

	@property
	def places(self) -> Mapping[str, tuple[Path, ...]]:
		"""Every folder kind with the places looked in, first one first."""
		return {kind: tuple(places) for kind, places in tuple(self._places.items())}

	def names(self, kind: str) -> tuple[str, ...]:
		"""The model files of a kind, relative, sorted."""
		return tuple(sorted({str(path) for _, path in self.files(kind)}))

	def choices(self, kind: str) -> tuple[str, ...]:
		"""What can be chosen of a kind: its files, after them the sets that are whole, and what packs have brought."""
		sets = (name for (of, name) in (*self._sets, *self._brought) if of == kind and self._set(kind, name))
		return tuple(dict.fromkeys((*self.names(kind), *sets)))

	def by_stem(self, kind: str, stem: str) -> Path | None:
		"""The first file of a kind that is called so, whatever its ending; None if there is none."""
		return next((place / path for place, path in self.files(kind) if str(path.with_suffix('')) == stem), None)

	def files(self, kind: str) -> Iterator[tuple[Path, Path]]:
		"""Every model file of a kind: the place where it lies, and its path there. Hidden ones are left out.

		A folder in diffusers' layout is one model.
		"""
		for place in self._places.get(kind, ()):
			for path in _walk(place):
				relative = path.relative_to(place)
				if is_text(str(relative)):
					yield place, relative

	def path(self, kind: str, name: str) -> Path:
		"""The file (or model folder) of that name, or `ModelNotFound`. A name cannot leave its folder."""
		plain = name.replace('\\', '/')
		for place in self._places.get(kind, ()):
			path = place / plain
			if '..' not in Path(plain).parts and not Path(plain).anchor and _is_model(path):
				return path
		for path in self._set(kind, name):
			return path
		raise ModelNotFound(name, kind, looked_in=[str(place) for place in self._places.get(kind, ())])

	def paths(self, kind: str, name: str) -> tuple[Path, ...]:
		"""All the files of a choice, in the order of their set; a file (or folder) is alone. Raises `ModelNotFound`."""
		first = self.path(kind, name)
		together = self._set(kind, name)
		return together if first in together else (first,)

	def _set(self, kind: str, name: str) -> tuple[Path, ...]:
		"""The files of a set, or the one that a pack has brought; none if any is missing, or nothing is called so."""
		brought = self._brought.get((kind, name))
		if brought is not None:
			return (brought,)
		files = self._sets.get((kind, name))
		found = () if files is None else tuple(self.by_stem(files.kind, stem) for stem in files.stems)
		return tuple(path for path in found if path is not None) if None not in found else ()

	def digest(self, path: Path) -> FileDigest:
		"""The digest of a file's content; computed anew when its size or time has changed."""
		stamp = _stamp(path)
		with self._lock:
			known = self._digests.get(path)
			if known is None or known[0] != stamp:
				digest = folder_digest(path) if path.is_dir() else sampled_digest(path, stamp[0])
				known = self._digests[path] = (stamp, digest)
			return known[1]

	def damage(self, path: Path) -> str | None:
		"""Why a model file cannot be read, told from its header and length; None if nothing speaks against it.

		Of a pickled file little can be told before it is opened.
		"""
		return self._look(path).damage

	def facts(self, path: Path) -> Mapping[str, Fact]:
		"""What a model file's tensors tell of it by their names and shapes; nothing if it is of no known kind.

		Raises `ModelNotFound` if it is gone.
		"""
		return self._look(path).facts

	def _look(self, path: Path) -> Looked:
		"""The file's header as it was read last, if neither the file nor the marks have changed since."""
		try:
			stamp, marks = _stamp(path), tuple(self.marks)
		except OSError:
			raise ModelNotFound(path.name, str(path.parent)) from None
		with self._lock:
			known = self._looked.get(path)
		if known is None or known.stamp != stamp or known.marks != marks:
			try:
				known = Looked(stamp, marks, None, recognise(marks, read_shapes(path)))
			except UnknownFormat as error:
				known = Looked(stamp, marks, error.reason, {})
			with self._lock:
				self._looked[path] = known
		return known

	def find(self, digest: FileDigest) -> Path:
		"""The file of that content, looked for in every folder; `ModelNotFound` if it is gone."""
		with self._lock:
			candidates = [path for path, (_, known) in self._digests.items() if known == digest]
		for path in candidates:
			if _is_model(path) and self._has(path, digest):
				return path
		for kind in self._places:
			for name in self.names(kind):
				with suppress(ModelNotFound):  # It has gone since it was listed.
					path = self.path(kind, name)
					if self._has(path, digest):
						return path
		raise ModelNotFound(digest, 'models')

	def _has(self, path: Path, digest: FileDigest) -> bool:
		"""Whether a file has that content; one that cannot be read has not."""
		try:
			return self.digest(path) == digest
		except OSError:
			return False


def _is_model(path: Path) -> bool:
	try:
		return path.is_file() or is_model_folder(path)
	except OSError:  # A name too long for the file system, or a folder that may not be looked into.
		return False


def _stamp(path: Path) -> Stamp:
	"""Bytes and last change, of a folder those of all its files."""
	found = [file.stat() for file in (modelfolder.files(path) if path.is_dir() else (path,))]
	return sum(status.st_size for status in found), max((status.st_mtime_ns for status in found), default=0)


def _walk(place: Path) -> list[Path]:
	"""Every model file, and every model folder instead of what is in it; no link that leads nowhere."""
	found: list[Path] = []
	for folder, folders, files in os.walk(place, followlinks=True):
		here = Path(folder)
		models = {name for name in folders if is_model_folder(here / name)}
		folders[:] = sorted(name for name in folders if not name.startswith('.') and name not in models)
		names = (name for name in files if Path(name).suffix.lower() in SUFFIXES and _is_model(here / name))
		found.extend(here / name for name in (*names, *models) if not name.startswith('.'))
	return found


def folder_digest(folder: Path) -> FileDigest:
	"""SHA-256 over the names and sampled digests of a model folder's files."""
	digest = hashlib.sha256()
	for path in modelfolder.files(folder):
		digest.update(f'{path.relative_to(folder).as_posix()}\0{sampled_digest(path, path.stat().st_size)}\0'.encode())
	return FileDigest(digest.hexdigest())


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
