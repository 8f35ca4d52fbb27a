"""Graphs written short, and an engine without a process around it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from engine.attempt import Tools
from engine.cache import MemoryCache, OutputCache, Outputs
from engine.cancel import CancelToken
from engine.check import Checked, check
from engine.codec import Codecs
from engine.context import JobInfo
from engine.estimate import Timings
from engine.events import AnyEvent, JobFinished, NodeFinished, NodeProgress, NodesCached, NodeStarted, Why
from engine.execute import Executor
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.lanes import Lanes
from engine.models import Loaders
from engine.modelstore import ModelStore
from engine.plan import Plan, make_plan
from engine.registry import Registry
from engine.report import Reports
from engine.settings import Settings
from engine.spec import spec_of
from engine.storage import Storage
from tests.engine import pack

Nodes = Mapping[str, tuple[str, Mapping[str, Any]]]

SUM: Nodes = {
	'one': ('Number', {'value': 1}),
	'two': ('Number', {'value': 2}),
	'sum': ('Add', {'a': ('one', 0), 'b': ('two', 0)}),
	'see': ('See', {'value': ('sum', 0)}),
}


def graph(nodes: Nodes) -> Graph:
	"""`{'sum': ('Add', {'a': ('one', 0), 'b': 2})}`: a tuple is a link, all else a constant."""
	return Graph(
		{
			NodeId(node): Call(
				kind,
				{
					name: Link(NodeId(value[0]), value[1]) if isinstance(value, tuple) else Constant(value)
					for name, value in inputs.items()
				},
			)
			for node, (kind, inputs) in nodes.items()
		}
	)


def chain(length: int) -> Graph:
	"""A number, then additions one after the other, then a sink: `length` nodes in all."""
	nodes: dict[str, tuple[str, Mapping[str, Any]]] = {'0': ('Number', {'value': 1})}
	for index in range(1, length - 1):
		nodes[str(index)] = ('Add', {'a': (str(index - 1), 0), 'b': 1})
	nodes[str(length - 1)] = ('See', {'value': (str(length - 2), 0)})
	return graph(nodes)


def ladder(rungs: int, start: object = 1) -> Graph:
	"""Additions of a node to itself, one after the other: two to the power of `rungs` ways lead through it."""
	nodes: dict[str, tuple[str, Mapping[str, Any]]] = {'0': ('Number', {'value': start})}
	for index in range(1, rungs):
		nodes[str(index)] = ('Add', {'a': (str(index - 1), 0), 'b': (str(index - 1), 0)})
	return graph({**nodes, 'see': ('See', {'value': (str(rungs - 1), 0)})})


def registry_of(*functions: Callable[..., object]) -> Registry:
	"""The test pack's nodes and these."""
	registry = Registry()
	registry.collect(sys.modules[pack.__name__], origin='pack')
	for function in functions:
		spec = spec_of(function)
		assert spec is not None
		registry.add(spec, origin='test')
	return registry


def told(events: list[AnyEvent]) -> list[str]:
	"""Events as words."""
	words = []
	for event in events:
		match event:
			case NodesCached():
				words.append(f'cached [{" ".join(event.nodes)}] pending [{" ".join(event.pending)}]')
			case NodeStarted():
				words.append(f'start {event.node}')
			case NodeProgress():
				words.append(f'progress {event.node} {event.done}/{event.total}')
			case NodeFinished():
				words.append(f'{"again" if event.cached else "finish"} {event.node}')
	return words


def cancelled_after(moment: threading.Event) -> CancelToken:
	"""A token that another thread cancels once something has happened."""
	cancel = CancelToken()

	def wait() -> None:
		moment.wait(60)
		cancel.cancel()

	threading.Thread(target=wait, daemon=True).start()
	return cancel


class Bench:
	"""Checker, planner and executor over one cache, with every event kept."""

	def __init__(
		self,
		folder: Path,
		*functions: Callable[..., object],
		budget: int = 2**20,
		cache: OutputCache | None = None,
		lanes: Lanes | None = None,
		reports: Reports | None = None,
		profile: str = '',
	) -> None:
		self.storage = Storage.of(Settings(base=folder))
		self.registry = registry_of(*functions)
		self.memory = MemoryCache(budget)
		self.cache: OutputCache = self.memory if cache is None else cache
		self.events: list[AnyEvent] = []
		self.models = ModelStore(Loaders(), self.storage.catalogue.find, budget=2**20)
		self.on_event: Callable[[AnyEvent], None] = lambda event: None
		self.timings = Timings()
		self.codecs = Codecs()
		tools = Tools(
			cache=self.cache,
			models=self.models,
			storage=self.storage,
			codecs=self.codecs,
			lanes=lanes or Lanes(),
			timings=self.timings,
			adapt={},
			publish=self._publish,
		)
		self.executor = Executor(tools, self.registry, reports, profile=profile)

	def check(self, asked: Graph, *, targets: Collection[str] | None = None, tolerant: bool = False) -> Checked:
		"""What the checker finds."""
		return check(asked, self.registry.infos, self.storage, targets=targets, tolerant=tolerant)

	def plan(self, asked: Graph, sinks: Collection[str] | None = None) -> Plan:
		"""The plan of a graph without problems."""
		checked = self.check(asked, targets=sinks)
		assert not checked.problems, [problem.sentence for problem in checked.problems]
		return make_plan(checked.graph, self.registry, self.storage, checked.sinks)

	def run(
		self, asked: Graph, *, sinks: Collection[str] | None = None, cancel: CancelToken | None = None
	) -> JobFinished:
		"""Check, plan and run."""
		checked = self.check(asked, targets=sinks)
		assert not checked.problems, [problem.sentence for problem in checked.problems]
		outcome = self.executor.run(checked.graph, checked.good_sinks, JobInfo('job'), cancel or CancelToken())
		self.executor.report(outcome)
		return outcome

	def outputs(self, asked: Graph, node: str) -> Outputs:
		"""What the cache has of a node of a graph."""
		entry = self.cache.get(self.plan(asked).steps[NodeId(node)].key)
		assert entry is not None
		return entry.outputs

	def why(self, node: str) -> Why | None:
		"""The reason told with the last results of a node."""
		told = [event.why for event in self.events if isinstance(event, NodeFinished) and event.node == node]
		return told[-1] if told else None

	def _publish(self, event: AnyEvent) -> None:
		self.events.append(event)
		self.on_event(event)
