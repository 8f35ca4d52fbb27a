"""Makes the records of runs. What does not change from run to run is found out once."""

from __future__ import annotations

import hashlib
import os
import platform
import threading
import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from engine.declaration import NodeInfo
from engine.errors import EngineError
from engine.events import Folder
from engine.files import FOLDERS
from engine.graph import Graph
from engine.models import Place
from engine.namedfiles import named_files
from engine.plugins import PackReport
from engine.record import Precision, RecordedFile, RunRecord
from engine.storage import Storage
from engine.versions import version_of

LIBRARIES = ('torch', 'diffusers', 'transformers', 'safetensors', 'numpy', 'pillow')
CPU_INFO = Path('/proc/cpuinfo')
VECTORS = ('amx_bf16', 'avx512_bf16', 'avx512f', 'avx2', 'sve', 'asimd')
"""What processors can do that makes them compute otherwise, the most telling first."""
CODE_LETTERS = 12
Stamp = tuple[int, int]


class Recorder:
	"""One per process that runs graphs, at one place."""

	def __init__(
		self,
		storage: Storage,
		nodes: Mapping[str, NodeInfo],
		packs: Iterable[PackReport],
		place: Place,
		precision: Precision,
	) -> None:
		self._storage = storage
		self._nodes = nodes
		self._packs = {report.name: report.path for report in packs}
		self._place = place
		self._precision = precision
		self._digests: dict[Path, tuple[Stamp, str]] = {}
		self._lock = threading.Lock()

	def record(self, graph: Graph, profile: str) -> RunRecord:
		"""The record of a run of a checked graph, as things are now."""
		return self._basis.model_copy(
			update={
				'profile': profile,
				'packs': self._used_packs(graph),
				'models': tuple(self._files(graph, models=True)),
				'inputs': tuple(self._files(graph, models=False)),
			}
		)

	@cached_property
	def _basis(self) -> RunRecord:
		return RunRecord(
			program=version_of('lumengraph'),
			python=platform.python_version(),
			libraries={name: found for name in LIBRARIES if (found := version_of(name))},
			device=self._place.partition(':')[0],
			processor=processor(self._place),
			threads=threads(),
			profile='',
			precision=self._precision,
		)

	@cached_property
	def versions(self) -> dict[str, str]:
		"""The version of every pack of which there are nodes, by name."""
		found: dict[str, str] = {}
		for info in self._nodes.values():
			name = pack_of(info)
			if name in self._packs and name not in found:
				found[name] = pack_version(self._packs[name], info.code)
		return found

	def _used_packs(self, graph: Graph) -> dict[str, str]:
		kinds = {call.kind for call in graph.calls.values()}
		used = {pack_of(self._nodes[kind]) for kind in kinds if kind in self._nodes}
		return {name: found for name, found in self.versions.items() if name in used}

	def _files(self, graph: Graph, *, models: bool) -> list[RecordedFile]:
		found: dict[tuple[str, str], RecordedFile] = {}
		for file in named_files(graph, self._nodes):
			if file.is_model == models and (file.folder, file.name) not in found:
				found[file.folder, file.name] = self._described(file.folder, file.name, models)
		return list(found.values())

	def _described(self, folder: str, name: str, is_model: bool) -> RecordedFile:
		digest, size = '', 0
		try:
			if is_model:
				path = self._storage.catalogue.path(folder, name)
				digest = self._storage.catalogue.digest(path)
				size = size_of(path)
			else:
				path = self._storage.files.find(name, root_of(folder))
				size = path.stat().st_size
				digest = self._digest(path)
		except (EngineError, OSError):
			pass  # It is not there; what needs it says so.
		return RecordedFile(folder=folder, name=name, digest=digest, size=size)

	def _digest(self, path: Path) -> str:
		"""SHA-256 of a file; read anew only when its size or time has changed."""
		status = path.stat()
		stamp = status.st_size, status.st_mtime_ns
		with self._lock:
			known = self._digests.get(path)
			if known is None or known[0] != stamp:
				known = self._digests[path] = stamp, sha256_of(path)
			return known[1]


def pack_of(info: NodeInfo) -> str:
	"""The name of the pack that a kind comes from, as its origin has it."""
	return info.origin.rpartition('.')[2]


def root_of(folder: str) -> Folder:
	"""The root of that name; `input` for what is none."""
	return next((root for root in FOLDERS if root == folder), 'input')


def sha256_of(path: Path) -> str:
	"""The SHA-256 of a file's content."""
	with path.open('rb') as stream:
		return hashlib.file_digest(stream, 'sha256').hexdigest()


def size_of(path: Path) -> int:
	"""The bytes of a file, or of all files in a folder."""
	files = (file for file in path.rglob('*') if file.is_file()) if path.is_dir() else (path,)
	return sum(file.stat().st_size for file in files)


def pack_version(path: Path | None, code: str) -> str:
	"""The version that a pack's `pyproject.toml` says; else the beginning of the digest of its sources."""
	if path is not None and path.is_dir():
		try:
			project = tomllib.loads((path / 'pyproject.toml').read_text(encoding='utf-8')).get('project')
		except (OSError, ValueError):
			project = None
		if isinstance(project, dict) and isinstance(project.get('version'), str):
			return str(project['version'])
	return f'sources {code[:CODE_LETTERS]}' if code else ''


def threads() -> int:
	"""How many threads compute at a time on the CPU: as the environment says (OpenMP), else one per core."""
	said = os.environ.get('OMP_NUM_THREADS', '')
	return int(said) if said.isdecimal() and int(said) else os.cpu_count() or 1


def processor(place: Place) -> str:
	"""What computes: a GPU's name, or the processor's architecture and the widest vectors that it has."""
	if place.partition(':')[0] != 'cpu':
		from engine.devices import name_of

		return name_of(place)
	try:
		flags = set(CPU_INFO.read_text().split())
	except (OSError, UnicodeDecodeError):
		flags = set()
	widest = next((name for name in VECTORS if name in flags), '')
	return f'{platform.machine()} {widest}'.strip()
