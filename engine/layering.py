"""Where the boxes of a graph go when it is drawn: in layers from left to right, with few crossings and short links.

Layers by longest path; sources move right, next to whoever reads them first. A link over several layers passes through a
lane of its own in each, so that it leads around boxes instead of through them. Within a layer, boxes and lanes are sorted
by the mean place of their neighbours, back and forth a few times (Sugiyama, Tagawa and Toda, 1981); heights follow the
neighbours as closely as the order lets them (least squares, by pooling adjacent violators).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.graph import Graph, Link, NodeId
from engine.needs import dependency_order

SWEEPS = 8
MOST_LANES = 20_000
"""Beyond so many lanes, long links lead straight."""
LANE = 12.0
GAP_X, GAP_Y = 80.0, 28.0


@dataclass(frozen=True, slots=True)
class Size:
	"""The size of a box, in pixels."""

	width: float
	height: float


@dataclass(frozen=True, slots=True)
class Place:
	"""The upper left corner of a box."""

	x: float
	y: float


@dataclass(frozen=True, slots=True)
class Lane:
	"""A stretch of a long link: it crosses a layer from `left` to `right` at the height `y`."""

	left: float
	right: float
	y: float


@dataclass(frozen=True, slots=True)
class Layout:
	"""Boxes and lanes in their places, and the layer that each box is in.

	`lanes` are those of an output, from layer to layer; all that read it share them as far as they need them.
	"""

	width: float
	height: float
	places: Mapping[NodeId, Place]
	layers: Mapping[NodeId, int]
	lanes: Mapping[Link, tuple[Lane, ...]]

	def lanes_to(self, link: Link, reader: NodeId) -> tuple[Lane, ...]:
		"""The lanes by which a link gets to a reader."""
		return self.lanes.get(link, ())[: max(0, self.layers[reader] - self.layers[link.node] - 1)]


@dataclass(eq=False, slots=True)
class _Slot:
	"""A box or a lane within a layer, and the slots that it is joined to on either side."""

	layer: int
	height: float
	node: NodeId | None
	gap: float
	before: list[_Slot]
	after: list[_Slot]
	y: float = 0.0
	index: int = 0

	@property
	def middle(self) -> float:
		return self.y + self.height / 2


def lay_out(graph: Graph, sizes: Mapping[NodeId, Size]) -> Layout:
	"""Place every box of a graph, whatever is wrong with its links; circles are cut open somewhere."""
	layers = layers_of(graph)
	slots = {node: _Slot(layer, sizes[node].height, node, GAP_Y, [], []) for node, layer in layers.items()}
	chains = _joined(graph, layers, slots)
	rows: list[list[_Slot]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
	for slot in (*slots.values(), *(slot for chain in chains.values() for slot in chain.values())):
		rows[slot.layer].append(slot)
	_sort(rows)
	_settle(rows)
	top = min((slot.y for row in rows for slot in row), default=0.0)
	lefts, widths = _columns(rows, sizes)
	return Layout(
		width=lefts[-1] + widths[-1] if rows else 0.0,
		height=max((slot.y + slot.height - top for row in rows for slot in row), default=0.0),
		places={node: Place(lefts[slot.layer], slot.y - top) for node, slot in slots.items()},
		layers=layers,
		lanes={
			link: tuple(
				Lane(lefts[layer], lefts[layer] + widths[layer], slot.middle - top) for layer, slot in chain.items()
			)
			for link, chain in chains.items()
			if chain
		},
	)


def layers_of(graph: Graph) -> dict[NodeId, int]:
	"""Node → its layer, from 0; whoever reads a node stands in a later one, but where links lead in a circle."""
	order, _ = dependency_order(graph.calls, graph.calls)
	layers: dict[NodeId, int] = {}
	sources: dict[NodeId, set[NodeId]] = {}
	readers: dict[NodeId, set[NodeId]] = defaultdict(set)
	for node in order:
		# In a circle, what is not placed yet is passed over.
		sources[node] = {link.node for link in _links(graph, node) if link.node in layers}
		layers[node] = max((layers[source] + 1 for source in sources[node]), default=0)
		for source in sources[node]:
			readers[source].add(node)
	for node in reversed(order):
		if readers[node] and len(sources[node]) <= len(readers[node]):
			layers[node] = max(layers[node], min(layers[reader] for reader in readers[node]) - 1)
	return {node: layers[node] for node in graph.calls}


def _links(graph: Graph, node: NodeId) -> Iterator[Link]:
	for given in graph.calls[node].inputs.values():
		if isinstance(given, Link) and given.node in graph.calls:
			yield given


def _joined(graph: Graph, layers: Mapping[NodeId, int], slots: Mapping[NodeId, _Slot]) -> dict[Link, dict[int, _Slot]]:
	"""Join the boxes by their links; gives the lanes that long ones need, layer by layer. Links of one output share them."""
	ends: dict[Link, int] = {}
	for node in graph.calls:
		for link in _links(graph, node):
			ends[link] = max(ends.get(link, 0), layers[node])
	needed = sum(max(0, end - layers[link.node] - 1) for link, end in ends.items())
	chains: dict[Link, dict[int, _Slot]] = {}
	for link, end in ends.items() if needed <= MOST_LANES else ():
		former, chain = slots[link.node], chains.setdefault(link, {})
		for layer in range(layers[link.node] + 1, end):
			chain[layer] = _Slot(layer, 0.0, None, LANE, [former], [])
			former.after.append(chain[layer])
			former = chain[layer]
	for node in graph.calls:
		for link in _links(graph, node):
			if layers[node] > layers[link.node]:
				source = chains.get(link, {}).get(layers[node] - 1, slots[link.node])
				source.after.append(slots[node])
				slots[node].before.append(source)
	return chains


def _sort(rows: Sequence[list[_Slot]]) -> None:
	"""Put the slots of each layer in the order of their neighbours, in turns from the left and from the right."""
	for row in rows:
		_number(row)
	for sweep in range(SWEEPS):
		forward = sweep % 2 == 0
		for row in rows if forward else reversed(rows):
			row.sort(
				key=lambda slot: _mean([other.index for other in (slot.before if forward else slot.after)], slot.index)
			)
			_number(row)


def _number(row: Sequence[_Slot]) -> None:
	for index, slot in enumerate(row):
		slot.index = index


def _mean(values: Sequence[float], otherwise: float) -> float:
	return sum(values) / len(values) if values else otherwise


def _settle(rows: Sequence[Sequence[_Slot]]) -> None:
	"""Give heights to the slots of each layer, near their neighbours' and without overlaps."""
	for row in rows:
		_place(row, [slot.y for slot in row])
	for sweep in range(SWEEPS):
		forward = sweep % 2 == 0
		for row in rows if forward else reversed(rows):
			wanted = []
			for slot in row:
				near = slot.before if forward else slot.after
				middle = _mean([other.middle for other in near], slot.middle)
				wanted.append(middle - slot.height / 2)
			_place(row, wanted)


def _place(row: Sequence[_Slot], wanted: Sequence[float]) -> None:
	"""The heights nearest to those that are wanted, in this order and with room between."""
	offsets: list[float] = []
	offset = 0.0
	for former, slot in zip((None, *row), row, strict=False):
		offset += (
			0.0
			if former is None
			else former.height + max(former.gap, slot.gap) / (1 if former.node or slot.node else 2)
		)
		offsets.append(offset)
	# What would overlap is moved as one block, to the mean of what its members want.
	blocks: list[tuple[float, int]] = []
	for want, offset in zip(wanted, offsets, strict=True):
		total, count = want - offset, 1
		while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
			last, number = blocks.pop()
			total, count = total + last, count + number
		blocks.append((total, count))
	slots = iter(zip(row, offsets, strict=True))
	for total, count in blocks:
		for _ in range(count):
			slot, offset = next(slots)
			slot.y = total / count + offset


def _columns(rows: Sequence[Sequence[_Slot]], sizes: Mapping[NodeId, Size]) -> tuple[list[float], list[float]]:
	"""The left edge and the width of each layer."""
	widths = [max((sizes[slot.node].width for slot in row if slot.node is not None), default=0.0) for row in rows]
	lefts: list[float] = []
	x = 0.0
	for width in widths:
		lefts.append(x)
		x += width + GAP_X
	return lefts, widths
