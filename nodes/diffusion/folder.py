"""Folders in diffusers' layout as sources of tensors, one for each part; and several files that make up one part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from engine.errors import UnknownFormat
from engine.modelfolder import ENCODERS, component, descriptions, is_model_folder, weights
from nodes.diffusion.codings import Coding
from nodes.diffusion.files import TensorReader, TensorSource, open_source


@dataclass(frozen=True)
class Joined(TensorSource):
	"""Several files that make up one; `places` says which of them has a tensor."""

	places: Mapping[str, TensorSource]

	def open(self) -> AbstractContextManager[TensorReader]:
		return _opened(self)


class _Reader(TensorReader):
	def __init__(self, source: Joined, readers: Mapping[Path, TensorReader]) -> None:
		self._source = source
		self._readers = readers

	@property
	def source(self) -> TensorSource:
		return self._source

	def empty(self, name: str) -> Tensor:
		return self._reader(name).empty(name)

	def fill(self, name: str, target: Tensor, start: int = 0) -> None:
		self._reader(name).fill(name, target, start)

	def check(self) -> None:
		for reader in self._readers.values():
			reader.check()

	def coding(self, name: str) -> Coding | None:
		return self._reader(name).coding(name)

	def _reader(self, name: str) -> TensorReader:
		try:
			return self._readers[self._source.places[name].path]
		except KeyError:
			raise UnknownFormat(self._source.path, f'it holds no tensor {name!r}') from None


def open_part(path: Path, parts: Sequence[str]) -> TensorSource:
	"""A model file; or of a folder the first of these parts that is there, with the configs of all.

	Raises `UnknownFormat`, or `ModelNotFound` if it is not there.
	"""
	if not is_model_folder(path):
		return open_source(path)
	folder = component(path, parts)
	if folder is None:
		raise UnknownFormat(path, f'it holds no folder {" or ".join(parts)}')
	return _described(path, folder)


def open_encoders(path: Path) -> tuple[TensorSource, ...]:
	"""A model file; or of a folder each of its text encoders, with the configs of all.

	Raises `UnknownFormat`, or `ModelNotFound` if it is not there.
	"""
	if not is_model_folder(path):
		return (open_source(path),)
	return tuple(_described(path, path / name) for name in ENCODERS if (path / name).is_dir())


def joined(path: Path, files: Sequence[Path]) -> TensorSource:
	"""Files that make up one, each with tensors of its own; `path` stands for them. Raises what opening them raises."""
	sources = [open_source(file) for file in files]
	if len(sources) == 1:
		return sources[0]
	places: dict[str, TensorSource] = {}
	for source in sources:
		for name in source.shapes:
			if name in places:
				raise UnknownFormat(source.path, f'its tensor {name!r} is in {places[name].path.name} too')
			places[name] = source
	return Joined(
		path,
		shapes={name: source.shapes[name] for name, source in places.items()},
		dtypes={name: source.dtypes[name] for name, source in places.items()},
		metadata=sources[0].metadata,
		places=places,
	)


def _described(folder: Path, part: Path) -> TensorSource:
	source = joined(part, weights(part))
	return replace(source, metadata={**source.metadata, **descriptions(folder)})


@contextmanager
def _opened(source: Joined) -> Iterator[TensorReader]:
	with ExitStack() as stack:
		files = {place.path: place for place in source.places.values()}
		yield _Reader(source, {path: stack.enter_context(place.open()) for path, place in files.items()})
