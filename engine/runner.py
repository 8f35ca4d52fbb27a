"""One process's whole engine: packs loaded, cache and models at hand, jobs run one after the other.

The worker process holds one; the command line and tests hold one in their own process.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection

from engine.cache import Entry, MemoryCache
from engine.cancel import CancelToken
from engine.check import Checked, check
from engine.context import JobInfo
from engine.declaration import NodeInfo
from engine.errors import EngineError, InvalidGraph, NodeFailed
from engine.events import AnyEvent, JobFinished, JobStarted
from engine.execute import Executor, failed
from engine.graph import Graph, NodeId
from engine.models import ModelStore
from engine.plan import make_plan
from engine.plugins import Kit, load_pack
from engine.settings import Settings
from engine.storage import Storage

log = logging.getLogger(__name__)

MODEL_SHARE = 0.6
FALLBACK_MEMORY = 8 * 2**30


class Runner:
	"""Loads packs once, then checks and runs graphs. Every event goes to `publish`, in the thread that runs."""

	def __init__(
		self,
		settings: Settings,
		publish: Callable[[AnyEvent], None],
		*,
		pack: str = 'nodes',
	) -> None:
		self.storage = Storage.of(settings)
		self.kit = Kit(self.storage.catalogue)
		load_pack(pack, self.kit)
		self.cache = MemoryCache(settings.cache_bytes, is_valid=self._is_valid)
		budget = settings.model_bytes or int(physical_memory() * MODEL_SHARE)
		self.models = ModelStore(self.kit.loaders, self.storage.catalogue.find, budget=budget)
		self._publish = publish
		self._executor = Executor(self.cache, self.models, self.storage, publish)

	@property
	def nodes(self) -> tuple[NodeInfo, ...]:
		"""The declarations, in the order of registration."""
		return tuple(self.kit.nodes.infos.values())

	def check(self, graph: Graph, *, targets: Collection[str] | None = None, tolerant: bool = False) -> Checked:
		"""Check a graph against what is registered here and lies on this disk."""
		return check(graph, self.kit.nodes.infos, self.storage, targets=targets, tolerant=tolerant)

	def run(self, graph: Graph, sinks: Collection[NodeId], job: JobInfo, cancel: CancelToken) -> JobFinished:
		"""Run a checked graph for these sinks, and tell of it from start to finish. Raises nothing."""
		self._publish(JobStarted(job=job.id))
		try:
			plan = make_plan(graph, self.kit.nodes, self.storage, sinks)
			outcome = self._executor.run(plan, job, cancel)
		except NodeFailed as error:
			outcome = failed(job.id, error)
		except Exception as error:
			# A fault of the engine's own: the job is lost, the process need not be.
			log.exception('Job %s could not be run.', job.id)
			outcome = failed(job.id, NodeFailed('', '', error))
		self._publish(outcome)
		return outcome

	def run_all(self, graph: Graph, job: JobInfo, cancel: CancelToken | None = None) -> JobFinished:
		"""Check a graph and run all its sinks; `InvalidGraph` with every problem if it has any."""
		checked = self.check(graph)
		if checked.problems:
			raise InvalidGraph(checked.problems)
		return self.run(checked.graph, checked.sinks, job, cancel or CancelToken())

	def warm(self) -> None:
		"""Import what the first job would have to wait for."""
		for call in self.kit.warm:
			call()

	def _is_valid(self, entry: Entry) -> bool:
		"""A picture whose file is gone is no hit."""
		if entry.ui is None:
			return True
		try:
			return all(self.storage.files.saved(image).is_file() for image in entry.ui.images)
		except EngineError:
			return False


def physical_memory() -> int:
	"""The machine's memory in bytes, or 8 GiB where the system does not tell."""
	try:
		return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
	except (AttributeError, OSError, ValueError):
		return FALLBACK_MEMORY
