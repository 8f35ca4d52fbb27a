"""A workflow with all that another machine must know, or have, to run it: one ZIP file.

| entry | what |
|---|---|
| `workflow.json` | the native document, with what it requires |
| `lock.json` | `BundleLock`: versions; packs; models and inputs by digest and size |
| `input/…` | the input pictures that it names |
| `models/FOLDER/…` | the models, if they were to be included |

Equal workflows with equal files make equal bundles, byte by byte.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import Field, JsonValue, ValidationError

from engine.declaration import Model
from engine.errors import BadDocument, InvalidGraph
from engine.formats.convert import converted
from engine.formats.workflow import Workflow, parse_json
from engine.formats.writing import pretty
from engine.modelfolder import files as files_of_folder
from engine.namedfiles import NamedFile, named_files
from engine.recorder import root_of, sha256_of, size_of
from engine.runner import Runner

FORMAT = 1
WORKFLOW, LOCK, INPUT, MODELS = 'workflow.json', 'lock.json', 'input', 'models'
LONGEST_JSON = 2**27
MAGIC = b'PK\x03\x04'
PIECE = 2**20
EPOCH = (1980, 1, 1, 0, 0, 0)
DAMAGE = (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)


class LockedFile(Model):
	"""A file: its path below `input/` or `models/`, bytes, SHA-256."""

	path: str
	size: int
	sha256: str


class LockedModel(Model):
	"""A model that the workflow names, and the files that it is made of.

	`digest` is the one by which a run knows it (`engine.catalogue`). `included`: the files are in the bundle.
	"""

	folder: str
	name: str
	digest: str
	size: int
	included: bool
	url: str = ''
	files: tuple[LockedFile, ...]


class Requirements(Model):
	"""What must be there: packs by name, with their version (or the digest of their sources), and models."""

	packs: dict[str, str] = Field(default_factory=dict)
	models: tuple[LockedModel, ...] = ()


class BundleLock(Model):
	"""The lock file: what the workflow was bundled with, and what it needs."""

	bundle: int
	program: str
	python: str
	libraries: dict[str, str]
	requirements: Requirements
	inputs: tuple[LockedFile, ...] = ()


def write_bundle(workflow: Workflow, runner: Runner, target: Path, *, with_models: bool = False) -> BundleLock:
	"""Write a bundle; nobody ever sees it half-written. Gives its lock.

	Raises `InvalidGraph` for a workflow that does not run here: only what is there can be vouched for. `BadDocument` if the
	file cannot be written.
	"""
	checked = runner.check(workflow.graph, tolerant=workflow.tolerant)
	if checked.problems:
		raise InvalidGraph(workflow.with_hints(checked.problems))
	record = runner.record(checked.graph)
	nodes = runner.kit.nodes.infos
	named = list(named_files(workflow.graph, nodes))
	inputs: dict[str, Path] = {}
	for file in named:
		if not file.is_model:
			inputs[_input_name(file)] = runner.storage.files.find(file.name, root_of(file.folder))
			if file.folder != INPUT:
				workflow = workflow.with_value(f'{file.node}.{file.input}', _input_name(file))
	needs = _needs(workflow)
	models = {(file.folder, file.name): _model_files(file, runner) for file in named if file.is_model}
	lock = BundleLock(
		bundle=FORMAT,
		program=record.program,
		python=record.python,
		libraries=record.libraries,
		requirements=Requirements(
			packs=record.packs,
			models=tuple(
				LockedModel(
					folder=folder,
					name=name,
					digest=runner.storage.catalogue.digest(runner.storage.catalogue.path(folder, name)),
					size=sum(size_of(path) for path in files.values()),
					included=with_models,
					url=needs.get(name, ''),
					files=tuple(_locked(files)),
				)
				for (folder, name), files in models.items()
			),
		),
		inputs=tuple(_locked(inputs)),
	)
	document = converted(workflow, 'native', nodes)
	document['requires'] = _requires(document.get('requires'), lock)
	parts = {f'{INPUT}/{name}': path for name, path in inputs.items()}
	if with_models:
		parts |= {f'{MODELS}/{name}': path for files in models.values() for name, path in files.items()}
	_write(target, document, lock, parts)
	return lock


def _input_name(file: NamedFile) -> str:
	"""Where an input lies in the bundle: what came from elsewhere than the input folder gets a folder of its own."""
	name = file.name.replace('\\', '/')
	return name if file.folder == INPUT else f'{file.folder}/{name}'


def _model_files(file: NamedFile, runner: Runner) -> dict[str, Path]:
	"""The files of a model, by their paths below `models/`."""
	found: dict[str, Path] = {}
	name = file.name.replace('\\', '/')
	paths = runner.storage.catalogue.paths(file.folder, file.name)
	for path in paths:
		if path.is_dir():
			found |= {
				f'{file.folder}/{name}/{inner.relative_to(path).as_posix()}': inner for inner in files_of_folder(path)
			}
		else:
			# Files that are chosen together have names of their own.
			found[f'{file.folder}/{name if len(paths) == 1 else path.name}'] = path
	return found


def _locked(files: dict[str, Path]) -> Iterator[LockedFile]:
	for name, path in sorted(files.items()):
		yield LockedFile(path=name, size=path.stat().st_size, sha256=sha256_of(path))


def _needs(workflow: Workflow) -> dict[str, str]:
	"""Model → where it is found, as the document says."""
	requires = workflow.source.get('requires')
	models = requires.get('models') if isinstance(requires, dict) else None
	entries = models.items() if isinstance(models, dict) else ()
	return {name: str(entry.get('url', '')) for name, entry in entries if isinstance(entry, dict)}


def _requires(former: JsonValue, lock: BundleLock) -> dict[str, JsonValue]:
	"""What the document says of its requirements, brought up to date."""
	known = former if isinstance(former, dict) else {}
	models: dict[str, JsonValue] = {}
	for model in lock.requirements.models:
		entry: dict[str, JsonValue] = {'folder': model.folder}
		if len(model.files) == 1:
			entry['digest'] = model.files[0].sha256
		models[model.name] = {**entry, **({'url': model.url} if model.url else {})}
	packs: dict[str, JsonValue] = dict(lock.requirements.packs)
	return {**known, **({'packs': packs} if packs else {}), **({'models': models} if models else {})}


def _write(target: Path, document: JsonValue, lock: BundleLock, parts: dict[str, Path]) -> None:
	partial = target.with_name(f'.{target.name}.{os.getpid()}.part')
	try:
		with zipfile.ZipFile(partial, 'w') as bundle:
			for name, text in (
				(WORKFLOW, pretty(document)),
				(LOCK, lock.model_dump_json(indent=2)),
			):
				bundle.writestr(_entry(name, zipfile.ZIP_DEFLATED), f'{text}\n'.encode())
			for name, path in sorted(parts.items()):
				# Pictures and models are as small as they get.
				with path.open('rb') as source, bundle.open(_entry(name), 'w', force_zip64=True) as stream:
					shutil.copyfileobj(source, stream, PIECE)
		partial.replace(target)
	except OSError as error:
		raise BadDocument(f'The file cannot be written: {error.strerror}.', where=str(target)) from error
	finally:
		partial.unlink(missing_ok=True)


def _entry(name: str, compression: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
	entry = zipfile.ZipInfo(name, EPOCH)
	entry.compress_type = compression
	entry.external_attr = 0o644 << 16
	return entry


def is_bundle(path: Path) -> bool:
	"""Whether a file is a ZIP file, and so can only be a bundle. A picture that has one behind it is a picture."""
	try:
		if not path.is_file():
			return False
		with path.open('rb') as stream:
			return stream.read(len(MAGIC)) == MAGIC
	except OSError:  # a name that is too long for a file is one too
		return False


class Bundle:
	"""A bundle that is open for reading. Made by `open_bundle`."""

	def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
		self.path = path
		self._archive = archive
		self.document = self._json(WORKFLOW)
		try:
			self.lock = BundleLock.model_validate(self._json(LOCK))
		except ValidationError as error:
			raise BadDocument(f'Its {LOCK} cannot be read: {error.errors()[0]["msg"]}.', where=str(path)) from error
		if self.lock.bundle > FORMAT:
			raise BadDocument(f'It has version {self.lock.bundle}; this program reads {FORMAT}.', where=str(path))

	def unpack(self, folder: Path) -> None:
		"""Write inputs and included models below a folder. Raises `BadDocument` for what is not as the lock says."""
		for file in self.lock.inputs:
			self._unpack(f'{INPUT}/{file.path}', file, folder)
		for model in self.lock.requirements.models:
			for file in model.files if model.included else ():
				self._unpack(f'{MODELS}/{file.path}', file, folder)

	def _unpack(self, name: str, file: LockedFile, folder: Path) -> None:
		parts = PurePosixPath(name).parts
		target = folder.joinpath(*parts)
		if '..' in parts or not target.resolve().is_relative_to(folder.resolve()):
			raise BadDocument(f'{name!r} leaves its folder.', where=str(self.path))
		digest, left = hashlib.sha256(), file.size
		target.parent.mkdir(parents=True, exist_ok=True)
		with self._entry(name) as source, target.open('wb') as stream:
			# Never more than the lock says, whatever it would unpack to.
			while left > 0 and (piece := source.read(min(PIECE, left))):
				left -= len(piece)
				digest.update(piece)
				stream.write(piece)
			if left or source.read(1) or digest.hexdigest() != file.sha256:
				raise BadDocument(f'{name!r} is damaged: it is not what the lock says.', where=str(self.path))

	def _json(self, name: str) -> JsonValue:
		with self._entry(name) as stream:
			content = stream.read(LONGEST_JSON + 1)
		if len(content) > LONGEST_JSON:
			raise BadDocument(f'Its {name} is too long.', where=str(self.path))
		return parse_json(content, where=f'{self.path}:{name}')

	@contextmanager
	def _entry(self, name: str) -> Iterator[IO[bytes]]:
		try:
			with self._archive.open(name) as stream:
				yield stream
		except KeyError:
			raise BadDocument(f'This is no bundle: it has no {name}.', where=str(self.path)) from None
		except DAMAGE as error:
			raise BadDocument(f'{name} cannot be read: {error}.', where=str(self.path)) from error


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
	"""Open a bundle. Raises `BadDocument` for what is none, or is damaged."""
	try:
		archive = zipfile.ZipFile(path)
	except DAMAGE as error:
		reason = error.strerror if isinstance(error, OSError) and error.strerror else error
		raise BadDocument(f'This is no bundle: {reason}.', where=str(path)) from error
	with archive:
		yield Bundle(path, archive)
