"""A kit with the packs of `tests/packs`, and contexts for calls of their nodes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.catalogue import Catalogue
from engine.context import Context, JobInfo
from engine.events import AnyEvent
from engine.graph import Call, Graph, NodeId
from engine.live import LiveGraph
from engine.modelstore import ModelStore
from engine.plugins import Kit, load_packs
from engine.settings import Settings
from engine.storage import Storage
from nodes import comfy
from tests.nodes.comfy.desk import Desk

PACKS = Path(__file__).resolve().parents[2] / 'packs'


class Host:
	"""Calls nodes as the executor does; `events` are what they told."""

	def __init__(self, kit: Kit, storage: Storage, models: ModelStore) -> None:
		self.kit = kit
		self.storage = storage
		self.events: list[AnyEvent] = []
		self.cancel = CancelToken()
		self._models = models

	def graph(self, **kinds: str) -> LiveGraph:
		"""A job's graph of nodes without inputs: id = kind."""
		return LiveGraph(Graph({NodeId(node): Call(kind) for node, kind in kinds.items()}))

	def context(
		self, kind: str = '', node: str = '1', *, graph: LiveGraph | None = None, index: int | None = None
	) -> Context:
		"""The context of a call; without a graph, of a job of this one node."""
		return Context(
			JobInfo('job'),
			node,
			models=self._models,
			storage=self.storage,
			cancel=self.cancel,
			publish=self.events.append,
			graph=graph or LiveGraph(Graph({NodeId(node): Call(kind)})),
			index=index,
		)

	def call(self, kind: str, context: Context | None = None, **arguments: object) -> object:
		"""One call of a node."""
		spec = self.kit.nodes[kind]
		assert spec.context is not None
		return spec.call(**{spec.context: context or self.context(kind)}, **arguments)


@pytest.fixture
def kit(settings: Settings) -> Kit:
	"""A kit that can open packs, without any node."""
	made = Kit(Catalogue(settings))
	comfy.register(made)
	return made


@pytest.fixture
def host(kit: Kit, settings: Settings) -> Host:
	"""A host of the packs of `tests/packs`."""
	load_packs(kit, [PACKS])
	return Host(kit, Storage.of(settings), ModelStore(kit.loaders, kit.catalogue.find, budget=2**20))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Mapping[str, str]], Path]:
	"""Writes a pack of these files below the folder of custom nodes; gives its own folder."""

	def make(name: str, sources: Mapping[str, str]) -> Path:
		folder = tmp_path / 'custom_nodes' / name
		for file, source in sources.items():
			(folder / file).parent.mkdir(parents=True, exist_ok=True)
			(folder / file).write_text(source)
		return folder

	return make


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
	"""An engine with the built-in nodes and the testing pack."""
	shutil.copytree(PACKS / 'testing-pack', tmp_path / 'custom_nodes' / 'testing-pack')
	made = Desk(tmp_path)
	yield made
	made.runner.close()
