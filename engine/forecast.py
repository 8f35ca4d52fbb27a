"""What a graph will need of memory, told before anything runs: weights from files' headers, working memory by size.

Of each node with an input for a model, the file is looked for upstream, and the picture's size among what is known of its
inputs (`engine.facts`). What cannot be told counts as nothing: the forecast errs on the side of trying.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from engine.compute import Compute, Picture
from engine.declaration import Choice, Model, NodeInfo
from engine.errors import EngineError, OutOfDeviceMemory
from engine.facts import Known
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.models import Load, Loaders, Place, Size
from engine.needs import dependency_order
from engine.resolve import Resolver
from engine.storage import Storage

Plan = Literal['whole', 'tiled', 'streamed', 'refused']
MIB = 2**20
FROM_MODELS = 'models:'


class NodeForecast(Model):
	"""What one node will need, in bytes: of weights whole and at least, and to work with them.

	`plan` is how it will get it: with its models whole, with the picture cut into tiles, with models streamed, or not at all.
	"""

	node: str
	kind: str
	models: tuple[str, ...]
	weights: int
	least: int
	working: int
	plan: Plan


class Forecast(Model):
	"""What a graph will need at a place that has `budget` bytes. `peak` is what it will use there at most."""

	place: str
	budget: int
	peak: int
	nodes: tuple[NodeForecast, ...]

	@property
	def refused(self) -> NodeForecast | None:
		"""The first node that cannot be run for lack of memory."""
		return next((node for node in self.nodes if node.plan == 'refused'), None)


class Used(NamedTuple):
	"""A model that a node uses: the part of which files."""

	part: str
	paths: tuple[Path, ...]


class Forecaster:
	"""Makes forecasts; remembers the sizes that headers told."""

	def __init__(
		self, loaders: Loaders, compute: Compute, storage: Storage, place: Place, *, exact: bool = False
	) -> None:
		self._loaders = loaders
		self._compute = compute
		self._storage = storage
		self._place = place
		self._exact = exact
		self._sizes: dict[tuple[Used, tuple[int, ...]], Size] = {}

	def forecast(self, graph: Graph, infos: Mapping[str, NodeInfo], nodes: Collection[NodeId], budget: int) -> Forecast:
		"""What these nodes of a checked graph will need, each by itself: they come one after the other."""
		order, _ = dependency_order(graph.calls, nodes)
		resolver = Resolver(graph, infos, self._storage)
		found: list[NodeForecast] = []
		for node in order:
			call = graph.calls[node]
			kind = resolver.kind(call.kind)
			if kind is None:
				continue
			resolver.resolve(node, kind, call.inputs)
			if node in nodes:
				used = [*self._used(graph, infos, call)]
				if used:
					found.append(self._node(node, call, used, picture_of(resolver, call), budget))
		return Forecast(place=self._place, budget=budget, peak=max(map(_held, found), default=0), nodes=tuple(found))

	def check(self, graph: Graph, infos: Mapping[str, NodeInfo], nodes: Collection[NodeId], budget: int) -> None:
		"""Raise `NotEnoughMemory` if one of these nodes cannot be run."""
		refused = self.forecast(graph, infos, nodes, budget).refused
		if refused is not None:
			raise NotEnoughMemory(refused, self._place, budget)

	def concerns(self, infos: Mapping[str, NodeInfo], kinds: Collection[str]) -> bool:
		"""Whether any of these kinds uses a model."""
		return any(item.type in self._compute.parts for kind in kinds if kind in infos for item in infos[kind].inputs)

	def _used(self, graph: Graph, infos: Mapping[str, NodeInfo], call: Call) -> Iterator[Used]:
		"""The models that come in at a node's links, as far as their files are known."""
		for item in infos[call.kind].inputs:
			part, link = self._compute.parts.get(item.type), call.inputs.get(item.name)
			if (
				part is not None
				and isinstance(link, Link)
				and not any(output.type == item.type for output in infos[call.kind].outputs)
			):
				paths = self._files(graph, infos, link, item.type)
				if paths:
					yield Used(part, paths)

	def _files(self, graph: Graph, infos: Mapping[str, NodeInfo], link: Link, type: str) -> tuple[Path, ...]:
		"""The files that the node names which a model comes from, however many others have changed it since."""
		seen: set[NodeId] = set()
		while link.node not in seen and link.node in graph.calls:
			seen.add(link.node)
			call = graph.calls[link.node]
			info = infos.get(call.kind)
			if info is None:
				break
			through = next(
				(
					given
					for item in info.inputs
					if type in item.type.split(',') and isinstance(given := call.inputs.get(item.name), Link)
				),
				None,
			)
			if through is None:
				return tuple(self._named(info, call))
			link = through
		return ()

	def _named(self, info: NodeInfo, call: Call) -> Iterator[Path]:
		for item in info.inputs:
			given = call.inputs.get(item.name)
			if not isinstance(item.widget, Choice) or not item.widget.files_from.startswith(FROM_MODELS):
				continue
			if isinstance(given, Constant) and isinstance(given.value, str):
				with suppress(EngineError):
					yield self._storage.catalogue.path(item.widget.files_from.removeprefix(FROM_MODELS), given.value)

	def _node(self, node: NodeId, call: Call, used: Sequence[Used], picture: Picture, budget: int) -> NodeForecast:
		sizes = [self._size(one) for one in used]
		working = [self._compute.working(one.part, picture) for one in used]
		weights, least = sum(size.nbytes for size in sizes), sum(size.least or size.nbytes for size in sizes)
		needed = max((one.nbytes for one in working), default=0)
		tiled = max((one.tiled or one.nbytes for one in working), default=0)
		plans: tuple[tuple[Plan, int, int], ...] = (
			('whole', weights, needed),
			('tiled', weights, tiled),
			('streamed', least, needed),
			('streamed', least, tiled),
		)
		plan, _, room = next((one for one in plans if one[1] + one[2] <= budget), ('refused', least, tiled))
		return NodeForecast(
			node=node,
			kind=call.kind,
			models=tuple(f'{one.part} of {one.paths[0].name}' for one in used),
			weights=weights,
			least=least,
			working=room,
			plan=plan,
		)

	def _size(self, used: Used) -> Size:
		"""What a model takes; nothing if its file cannot be read: its loader will say why."""
		try:
			stamp = tuple(path.stat().st_mtime_ns for path in used.paths)
			known = self._sizes.get((used, stamp))
			if known is None:
				measured = self._loaders.measure(Load(used.paths, used.part, place=self._place, exact=self._exact))
				known = self._sizes[used, stamp] = measured or Size(0)
			return known
		except (EngineError, OSError):
			return Size(0)


class NotEnoughMemory(OutOfDeviceMemory):
	"""The forecast says that a node cannot be run on this device, even with its models streamed."""

	def __init__(self, node: NodeForecast, place: str, budget: int) -> None:
		super().__init__(node.least + node.working, budget, ())
		self.node = node
		self.args = (
			f'{", ".join(node.models)}: {node.least / MIB:.0f} MiB of weights at a time and {node.working / MIB:.0f} MiB to '
			f'work with are needed at least, and {place} has {budget / MIB:.0f} MiB for models. Nothing was run.',
		)


def picture_of(resolver: Resolver, call: Call) -> Picture:
	"""The largest picture that comes in at a node, as far as it is known."""
	facts = [resolver.facts(given) for given in call.inputs.values() if isinstance(given, Link)]

	def largest(name: str) -> int:
		values = [known[name].value for known in facts if name in known]
		return max((value for value in values if isinstance(value, int)), default=0)

	families: list[Known] = [known['family'] for known in facts if 'family' in known]
	return Picture(
		width=largest('width'),
		height=largest('height'),
		batch=max(largest('batch'), 1),
		family=str(families[0].value) if families else '',
	)


def _held(node: NodeForecast) -> int:
	return node.working + (node.weights if node.plan in ('whole', 'tiled') else node.least)
