"""What is to be run, what it waits for, and what is at hand: the state of one run. Its methods need the run's lock.

tasks    node → its task, for every step that is to be run, e.g. {'sample': Task(waiting=2)}
values   node → its entry, while a task that has not ended may still read it
readers  node → how many such tasks there are
ready    lane → heap of tasks that could begin
running  node → its task, while somebody works at it
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.cache import CacheKey, Entry, Items, OutputCache
from engine.calling import Made
from engine.context import Shown
from engine.declaration import Lane
from engine.errors import DependencyCycle, NodeFailed, NodeUsage
from engine.estimate import Timings
from engine.events import Ui
from engine.graph import Link, NodeId
from engine.live import LiveGraph
from engine.order import order_of
from engine.plan import Step
from engine.why import Trace


@dataclass(slots=True, eq=False)
class Task:
	"""A step that is to be run.

	`waiting` counts what it still needs, `waiters` are the tasks that need it, `reads` the nodes whose values it may
	read. A task with a `leader` is equal to that one and takes its result. `asked` are the lazy inputs it has asked for,
	`missing` those that its present attempt does without; `modules` counts what was imported when its call began; `expanded` is what its calls gave, while the nodes that it became are run.
	"""

	step: Step
	order: int = 0
	waiting: int = 0
	waiters: list[Task] = field(default_factory=list)
	done: bool = False
	leader: Task | None = None
	reads: tuple[NodeId, ...] = ()
	asked: frozenset[str] = frozenset()
	expanded: list[Made] | None = None
	shown: Shown | None = None
	began: float = 0.0
	modules: int = 0
	seconds: float = 0.0
	arguments: Mapping[str, Items] = field(default_factory=dict)
	missing: frozenset[str] = frozenset()
	content: CacheKey | None = None
	trace: Trace | None = None
	stop: Callable[[], None] | None = None

	@property
	def node(self) -> NodeId:
		"""The step's node."""
		return self.step.node

	def show(self, ui: Ui) -> None:
		"""One of its calls has shown this."""
		if self.shown is None:
			self.shown = Shown()
		self.shown.add(ui)


class Board:
	"""Makes tasks of steps, and knows which may begin. `on_ready` is called with the lane of each that may."""

	def __init__(
		self,
		steps: Mapping[NodeId, Step],
		cache: OutputCache,
		sinks: Sequence[NodeId],
		timings: Timings,
		on_ready: Callable[[Lane], None],
	) -> None:
		self.running: dict[NodeId, Task] = {}
		self.left = 0
		self._steps = steps
		self._cache = cache
		self._sinks = sinks
		self._timings = timings
		self._on_ready = on_ready
		self._tasks: dict[NodeId, Task] = {}
		self._values: dict[NodeId, Entry] = {}
		self._readers: Counter[NodeId] = Counter()
		self._by_key: dict[CacheKey, Task] = {}
		self._ready: dict[Lane, list[tuple[int, int, int, Task]]] = {}
		self._pushed = 0

	def schedule(
		self,
		nodes: Iterable[NodeId],
		*,
		like: Task | None = None,
		tell: Collection[NodeId] = (),
		known: Collection[CacheKey] | None = None,
	) -> list[tuple[Step, Entry]]:
		"""See to it that nodes' outputs will be there: make tasks for them and all they need, unless they are cached.

		New tasks take the place of `like` in the order. Gives those of `tell` that are cached, to be told. `known` are the
		keys that are in the cache, where that has been asked already.
		"""
		steps, tasks, values = self._steps, self._tasks, self._values
		fresh: dict[NodeId, Task] = {}
		told: list[tuple[Step, Entry]] = []
		seen: set[NodeId] = set()
		found: list[NodeId] = []
		stack = list(nodes)[::-1]  # so that what comes first is first
		while stack:
			node = stack.pop()
			if node in seen or node in values or (node in tasks and not tasks[node].done):
				continue
			seen.add(node)
			step = steps[node]
			sought = step.cacheable and (known is None or step.key in known)
			entry = self._cache.get(step.key) if sought else None
			if entry is None:
				fresh[node] = Task(step, 0 if like is None else like.order)
				stack.extend(reversed(step.upstream))
				continue
			values[node] = entry
			found.append(node)
			if node in tell:
				told.append((step, entry))
		if like is None and fresh:
			orders = order_of([task.step for task in fresh.values()], self._sinks, steps, self._timings)
			for node, order in orders.items():
				fresh[node].order = order
			fresh = {node: fresh[node] for node in orders}
		for task in fresh.values():
			self._enlist(task)
		for task in fresh.values():
			self._await(task, () if task.leader else task.step.upstream)
		for node in found:
			if not self._readers[node]:
				del values[node]
		return told

	def require(self, task: Task, nodes: Iterable[NodeId]) -> None:
		"""Put a running task back until the outputs of some nodes are there; they are scheduled if they need to be."""
		wanted = tuple(dict.fromkeys(nodes))
		self.running.pop(task.node, None)
		for node in wanted:
			if node not in task.reads:
				self._readers[node] += 1
		task.reads = tuple(dict.fromkeys((*task.reads, *wanted)))
		self.schedule(wanted, like=task)
		self._await(task, wanted)

	def take(self, lane: Lane) -> Task | None:
		"""The next task of a lane, which is then running."""
		heap = self._ready.get(lane)
		if not heap:
			return None
		task = heapq.heappop(heap)[3]
		self.running[task.node] = task
		return task

	def has_ready(self, lane: Lane) -> bool:
		"""Whether a task of this lane could begin."""
		return bool(self._ready.get(lane))

	def complete(self, task: Task, entry: Entry) -> None:
		"""A task has its results: keep them for their readers, let go of what it was the last to read."""
		node = task.step.node
		self.running.pop(node, None)
		task.done = True
		self.left -= 1
		if self._readers[node]:
			self._values[node] = entry
		for source in task.reads:
			self._readers[source] -= 1
			if not self._readers[source]:
				self._values.pop(source, None)
		for waiter in task.waiters:
			waiter.waiting -= 1
			if not waiter.waiting:
				self._push(waiter)
		task.waiters.clear()
		task.arguments = {}

	def entry(self, node: NodeId) -> Entry | None:
		"""What a node gave, if it is at hand."""
		return self._values.get(node)

	def items(self, link: Link) -> Items:
		"""The items of one output of a node that is at hand. Raises `NodeUsage` if there is no such output."""
		outputs = self._values[link.node].outputs
		if not 0 <= link.output < len(outputs):
			kind = self._steps[link.node].spec.info.kind
			raise NodeUsage(
				f'Output number {link.output} of node {link.node!r} ({kind}) was asked for; it gave {len(outputs)}.'
			)
		return outputs[link.output]

	def stuck(self, live: LiveGraph) -> NodeFailed:
		"""Nothing is ready, nothing runs, and something is left: nodes wait for each other. The expanding one is blamed."""
		waits: dict[NodeId, NodeId] = {}
		for task in self._tasks.values():
			for waiter in task.waiters:
				waits.setdefault(waiter.node, task.node)
		node = next(iter(waits))
		path: dict[NodeId, None] = {}
		while node not in path:
			path[node] = None
			node = waits[node]
		nodes = list(path)
		circle = nodes[nodes.index(node) :]
		added = next((one for one in circle if live.parent(one) is not None), circle[0])
		blamed = live.parent(added) or added
		kind = live.calls[blamed].kind
		return NodeFailed(blamed, kind, DependencyCycle(blamed, kind, [*circle, circle[0]]))

	def _enlist(self, task: Task) -> None:
		step = task.step
		self._tasks[step.node] = task
		self.left += 1
		twin = self._by_key.get(step.key)
		if twin is not None and not twin.done:
			# Equal steps run once; the others take its result.
			task.leader = twin
			twin.waiters.append(task)
			task.waiting += 1
			task.reads = (twin.node,)
		else:
			self._by_key[step.key] = task
			task.reads = tuple(dict.fromkeys((*step.upstream, *step.lazy)))
		for node in task.reads:
			self._readers[node] += 1

	def _await(self, task: Task, nodes: Iterable[NodeId]) -> None:
		"""Have a task wait for those of some nodes that are not there; it is ready if it waits for none."""
		for node in nodes:
			if node not in self._values:
				self._tasks[node].waiters.append(task)
				task.waiting += 1
		if not task.waiting:
			self._push(task)

	def _push(self, task: Task) -> None:
		spec = task.step.spec
		self._pushed += 1
		# Coroutines first: they only begin here, and others run while they wait.
		place = (0 if spec.is_async else 1, task.order, self._pushed, task)
		heapq.heappush(self._ready.setdefault(spec.info.lane, []), place)
		self._on_ready(spec.info.lane)
