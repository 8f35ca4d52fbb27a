"""One process's whole engine: packs loaded, cache and models at hand, jobs run one after the other.

The worker process holds one; the command line and tests hold one in their own process.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from engine.attempt import Tools
from engine.cache import CacheKey, Entry, OutputCache
from engine.cancel import CancelToken
from engine.check import Checked, check, with_refusals
from engine.context import JobInfo
from engine.declaration import NodeInfo
from engine.errors import EngineError, InvalidGraph, NodeFailed
from engine.estimate import Timings
from engine.events import AnyEvent, JobFinished, JobStarted, Why
from engine.execute import Executor, Foreseen
from engine.forecast import Forecast, Forecaster, NotEnoughMemory
from engine.graph import Graph, NodeId
from engine.lanes import Lanes
from engine.live import LiveGraph
from engine.models import CPU, Place
from engine.modelstore import ModelStore
from engine.needs import dependency_order
from engine.outlook import Outlook, outlook
from engine.plan import Plan
from engine.plugins import Kit, load_pack, load_packs
from engine.record import RunRecord
from engine.recorder import Recorder
from engine.report import Reports
from engine.settings import Settings
from engine.spec import ValidationRequest
from engine.storage import Storage
from engine.tiers import disk_of, open_cache

log = logging.getLogger(__name__)

MODEL_SHARE = 0.6
DEVICE_SHARE = 0.9
FALLBACK_MEMORY = 8 * 2**30
COLLECTOR = (20_000, 20, 20)


class Runner:
	"""Loads packs once, then checks and runs graphs. Every event goes to `publish`, one at a time, in some thread."""

	def __init__(
		self,
		settings: Settings,
		publish: Callable[[AnyEvent], None],
		*,
		pack: str = 'nodes',
		place: Place = CPU,
	) -> None:
		self.storage = Storage.of(settings)
		self.kit = Kit(self.storage.catalogue)
		load_pack(pack, self.kit)
		self.packs = load_packs(self.kit, settings.pack_folders, allowed=settings.allows_pack)
		self.storage.catalogue.marks.extend(self.kit.marks)
		self.kit.compute.keep_in(settings.cache_folder / 'compiled')
		self.reports = Reports(settings.cache_folder / 'runs')
		host = int(physical_memory() * MODEL_SHARE / settings.workers)
		self.models = ModelStore(
			self.kit.loaders,
			self.storage.catalogue.find,
			budget=settings.model_bytes or (host if place == CPU else device_bytes(place, settings.workers)),
			place=place,
			exact=settings.exact,
			host_budget=host,
			trim=self.kit.compute.trim,
			everywhere=self.kit.compute.compilers if settings.compile else None,
		)
		self._place = place
		self._settings = settings
		self._publish = publish
		self._lanes = Lanes()
		self._opening = threading.RLock()  # Questions come by other threads than jobs.

	@cached_property
	def profile(self) -> str:
		"""What results depend on besides the graph: the kind of device and its precisions."""
		settings = self._settings
		return self.kit.compute.profile(self._place, exact=settings.exact, compiled=settings.compile)

	@property
	def cache(self) -> OutputCache:
		"""Where results are kept; opened when something is first run or asked of it."""
		with self._opening:
			return self._opened_cache

	@cached_property
	def _opened_cache(self) -> OutputCache:
		return open_cache(self._settings, self.kit.codecs, self._is_valid, profile=self.profile)

	@property
	def _executor(self) -> Executor:
		with self._opening:
			return self._made_executor

	@cached_property
	def _made_executor(self) -> Executor:
		disk = disk_of(self.cache)
		tools = Tools(
			cache=self.cache,
			models=self.models,
			storage=self.storage,
			codecs=self.kit.codecs,
			lanes=self._lanes,
			timings=Timings(disk.seconds_by_kind() if disk is not None else None),
			adapt=self.kit.adapt,
			publish=self._publish,
			preflight=self._preflight,
			is_full=self.kit.compute.is_full,
		)
		return Executor(tools, self.kit.nodes, self.reports, profile=self.profile)

	@property
	def nodes(self) -> tuple[NodeInfo, ...]:
		"""The declarations, in the order of registration."""
		return tuple(self.kit.nodes.infos.values())

	def described(self) -> tuple[NodeInfo, ...]:
		"""The declarations told anew: what foreign nodes list may have changed."""
		for refresh in self.kit.refresh:
			refresh()
		return self.nodes

	def check(self, graph: Graph, *, targets: Collection[str] | None = None, tolerant: bool = False) -> Checked:
		"""Check a graph against what is registered here and lies on this disk; the nodes' own validators are asked."""
		checked = check(graph, self.kit.nodes.infos, self.storage, targets=targets, tolerant=tolerant)
		return with_refusals(checked, self.validate(checked.validations)) if checked.validations else checked

	def validate(self, requests: Sequence[ValidationRequest]) -> dict[NodeId, str]:
		"""Let nodes judge their constants: node → why it refuses them. Nodes that accept theirs are left out."""
		refusals: dict[NodeId, str] = {}
		for request in requests:
			spec = self.kit.nodes.get(request.kind)
			if spec is None or spec.validate is None:
				continue
			try:
				refusal = spec.validate(request)
			except Exception as error:
				log.exception('The validator of node %s (%s) failed.', request.node, request.kind)
				refusal = f'its validator failed: {type(error).__name__}: {error}'
			if refusal is not None:
				refusals[request.node] = refusal
		return refusals

	def run(self, graph: Graph, sinks: Collection[NodeId], job: JobInfo, cancel: CancelToken) -> JobFinished:
		"""Run a checked graph for these sinks, and tell of it from start to finish. Raises nothing."""
		record = self._record(graph)
		self._publish(JobStarted(job=job.id, record=record))
		outcome = self._executor.run(graph, sinks, replace(job, record=record), cancel)
		self._publish(outcome)
		self._executor.report(outcome)
		return outcome

	def record(self, graph: Graph) -> RunRecord:
		"""What a run of a checked graph would be recorded with now."""
		return self._recorder.record(graph, self.profile)

	def pack_versions(self) -> Mapping[str, str]:
		"""The version of every pack of custom nodes of which there are nodes, by name."""
		return self._recorder.versions

	def _record(self, graph: Graph) -> RunRecord | None:
		try:
			return self.record(graph)
		except Exception:
			# Nobody loses a picture for want of a note about it.
			log.exception('What a job runs with could not be told.')
			return None

	@cached_property
	def _recorder(self) -> Recorder:
		settings = self._settings
		return Recorder(self.storage, self.kit.nodes.infos, self.packs, self._place, settings.precision)

	def run_all(self, graph: Graph, job: JobInfo, cancel: CancelToken | None = None) -> JobFinished:
		"""Check a graph and run all its sinks; `InvalidGraph` with every problem if it has any."""
		checked = self.check(graph)
		if checked.problems:
			raise InvalidGraph(checked.problems)
		return self.run(checked.graph, checked.sinks, job, cancel or CancelToken())

	def plan(self, graph: Graph, sinks: Collection[NodeId]) -> Plan:
		"""The plan of a checked graph: what a run would do. Raises `NodeFailed`."""
		return self._executor.planner(graph).plan(sinks)

	def foresee(self, graph: Graph, sinks: Collection[NodeId]) -> Mapping[NodeId, tuple[Foreseen, Why | None]]:
		"""What would become of each node that these sinks of a checked graph need, and why. Raises `NodeFailed`."""
		return self._executor.foresee(graph, sinks)

	def expected_seconds(self, kind: str) -> float | None:
		"""How long a call of a kind takes, by earlier runs; None if none is known."""
		return self._executor.timings.of(kind)

	def outlook(self, graph: Graph, sinks: Collection[NodeId]) -> Outlook:
		"""What a run of a checked graph would do now, and how long that takes. Raises `NodeFailed`."""
		fates = self.foresee(graph, sinks)
		pending = [(node, graph.calls[node].kind) for node, (fate, _) in fates.items() if fate == 'runs']
		cached = [node for node, (fate, _) in fates.items() if fate == 'cached']
		return outlook(cached, pending, self.expected_seconds)

	def step_keys(self, graph: Graph, sinks: Collection[NodeId]) -> tuple[CacheKey, ...]:
		"""The cache keys of all that a checked graph needs for these sinks. Raises `NodeFailed`."""
		return tuple(step.key for step in self.plan(graph, sinks).steps.values() if step.cacheable)

	@cached_property
	def _forecaster(self) -> Forecaster:
		return Forecaster(self.kit.loaders, self.kit.compute, self.storage, self._place, exact=self._settings.exact)

	def forecast(self, graph: Graph, sinks: Collection[NodeId]) -> Forecast:
		"""What a checked graph will need of memory for these sinks, as if nothing of it were in the cache."""
		needed, _ = dependency_order(graph.calls, sinks)
		return self._forecaster.forecast(graph, self.kit.nodes.infos, {*needed}, self._budget)

	def _preflight(self, graph: LiveGraph, nodes: Collection[NodeId]) -> None:
		"""Refuse a run that this device has not the memory for. Raises `NodeFailed`."""
		infos = self.kit.nodes.infos
		if not self._forecaster.concerns(infos, {graph.calls[node].kind for node in nodes}):
			return
		try:
			self._forecaster.check(Graph(graph.calls), infos, {*nodes}, self._budget)
		except NotEnoughMemory as error:
			raise NodeFailed(error.node.node, error.node.kind, error) from error

	@property
	def _budget(self) -> int:
		return self.models.rooms.residency.budget(self._place)

	def warm(self) -> None:
		"""Import what the first job would have to wait for."""
		for call in self.kit.warm:
			call()

	def close(self) -> None:
		"""End the threads, and let go of the files."""
		self._lanes.close()
		disk = disk_of(self.cache) if '_opened_cache' in self.__dict__ else None
		if disk is not None:
			disk.close()

	def _is_valid(self, entry: Entry) -> bool:
		"""A picture whose file is gone is no hit."""
		if entry.ui is None:
			return True
		try:
			return all(self.storage.files.saved(image).is_file() for image in entry.ui.files)
		except EngineError:
			return False


def tune_collector() -> None:
	"""Keep Python's cycle collector from going through everything that was imported, again and again.

	For a process that is the engine: what exists now stays, and large graphs make many objects at once.
	"""
	gc.collect()
	gc.freeze()
	gc.set_threshold(*COLLECTOR)


def device_bytes(place: Place, workers: int) -> int:
	"""The bytes of a device that models and what is worked out with them may take, if so many workers share it."""
	from engine.devices import memory_of

	return int(memory_of(place) * DEVICE_SHARE / workers)


def physical_memory() -> int:
	"""The machine's memory in bytes, or 8 GiB where the system does not tell."""
	try:
		return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
	except (AttributeError, OSError, ValueError):
		return FALLBACK_MEMORY
