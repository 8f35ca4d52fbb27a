"""What a graph will need of memory, told before anything runs: weights from files' headers, working memory by size.

Of each node with an input for a model, the file is looked for upstream, and the picture's size among what is known of its
inputs (`engine.facts`). What changes its weights on the way counts, and so do models that come along inside of others, such
as control networks (`engine.upstream`). What cannot be told counts as nothing: the forecast errs on the side of trying.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from engine.compute import Compute, Picture
from engine.declaration import Model, NodeInfo
from engine.errors import OutOfDeviceMemory
from engine.facts import Known
from engine.graph import Call, Graph, Link, NodeId
from engine.models import Loaders, Place
from engine.needs import dependency_order
from engine.resolve import Resolver
from engine.storage import Storage
from engine.upstream import Measurer, Upstream, Used

Plan = Literal['whole', 'tiled', 'passes', 'streamed', 'refused']
MIB = 2**20


class NodeForecast(Model):
	"""What one node will need, in bytes: of weights whole and at least, and to work with them.

	`plan` is how it will get it: with its models whole, with the picture cut into tiles, with prompts one after the other in
	passes of their own, with models streamed, or not at all.
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


class Forecaster:
	"""Makes forecasts; remembers the sizes that headers told."""

	def __init__(
		self, loaders: Loaders, compute: Compute, storage: Storage, place: Place, *, exact: bool = False
	) -> None:
		self._compute = compute
		self._storage = storage
		self._place = place
		self._measurer = Measurer(loaders, compute, place, exact=exact)

	def forecast(self, graph: Graph, infos: Mapping[str, NodeInfo], nodes: Collection[NodeId], budget: int) -> Forecast:
		"""What these nodes of a checked graph will need, each by itself: they come one after the other."""
		order, _ = dependency_order(graph.calls, nodes)
		resolver = Resolver(graph, infos, self._storage)
		upstream = Upstream(graph, infos, self._compute, self._storage)
		found: list[NodeForecast] = []
		for node in order:
			call = graph.calls[node]
			kind = resolver.kind(call.kind)
			if kind is None:
				continue
			resolver.resolve(node, kind, call.inputs)
			if node in nodes:
				used = upstream.used(call)
				if used:
					picture = self._picture(resolver, upstream, call, used)
					found.append(self._node(node, call, used, picture, budget))
		return Forecast(place=self._place, budget=budget, peak=max(map(_held, found), default=0), nodes=tuple(found))

	def check(self, graph: Graph, infos: Mapping[str, NodeInfo], nodes: Collection[NodeId], budget: int) -> None:
		"""Raise `NotEnoughMemory` if one of these nodes cannot be run."""
		refused = self.forecast(graph, infos, nodes, budget).refused
		if refused is not None:
			raise NotEnoughMemory(refused, self._place, budget)

	def concerns(self, infos: Mapping[str, NodeInfo], kinds: Collection[str]) -> bool:
		"""Whether any of these kinds uses a model."""
		wanted = self._compute.parts.keys() | self._compute.carried.keys()
		return any(item.type in wanted for kind in kinds if kind in infos for item in infos[kind].inputs)

	def _picture(self, resolver: Resolver, upstream: Upstream, call: Call, used: Sequence[Used]) -> Picture:
		"""The picture that a node works on, with what is known from the models' files."""
		picture = picture_of(resolver, call)
		if not picture.family:
			families = (self._storage.catalogue.facts(one.paths[0]).get('family', '') for one in used if not one.beside)
			picture = picture._replace(family=next((str(family) for family in families if family), ''))
		controls = upstream.steering(call)
		encodes = any(one.beside and one.part == self._compute.parts.get('VAE') for one in used)
		return picture._replace(controls=controls, encodes=encodes)

	def _node(self, node: NodeId, call: Call, used: Sequence[Used], picture: Picture, budget: int) -> NodeForecast:
		sizes = [self._measurer.size(one) for one in used]
		working = [
			self._compute.working(one.part, picture._replace(each=self._measurer.each(one)))
			for one in used
			if not one.beside
		]
		weights, least = sum(size.nbytes for size in sizes), sum(size.least or size.nbytes for size in sizes)
		needed = max((one.nbytes for one in working), default=0)
		spared = max((one.least for one in working), default=0)
		sparing: Plan = 'passes' if any(one.passes for one in working) else 'tiled'
		plans: tuple[tuple[Plan, int, int], ...] = (
			('whole', weights, needed),
			(sparing, weights, spared),
			('streamed', least, needed),
			('streamed', least, spared),
		)
		plan, _, room = next((one for one in plans if one[1] + one[2] <= budget), ('refused', least, spared))
		return NodeForecast(
			node=node,
			kind=call.kind,
			models=tuple(one.title for one in used),
			weights=weights,
			least=least,
			working=room,
			plan=plan,
		)


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
	return node.working + (node.weights if node.plan in ('whole', 'tiled', 'passes') else node.least)
