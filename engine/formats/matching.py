"""Which node of one graph is which of another: by id where ids can be trusted, else by what a node is and where it stands.

Files are renumbered when they are copied, merged or converted, so ids alone would make equal graphs look strange to each
other. Every node gets signatures: of all that it is computed from, of all that is made of it, of both. Equal ones are
paired, the most telling signature first; pairs then lead to further ones along the links.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from engine.graph import BadLink, Call, Constant, Graph, Link, NodeId
from engine.needs import dependency_order

TRUST = 0.5
"""Ids are trusted if more than this share of those that both graphs have stand for the same kind in both."""
MOST_COMPARED = 40_000
"""Pairs of nodes that are weighed against each other for one kind; beyond them, order decides."""
Reader = tuple[str, int, NodeId]
"""Who reads a node: by which input, which output, which node."""


@dataclass(frozen=True, slots=True)
class Signatures:
	"""Numbers by node, equal for nodes of both graphs that are alike: in what they come from, in what comes of them, in all."""

	upstream: Mapping[NodeId, int]
	downstream: Mapping[NodeId, int]
	whole: Mapping[NodeId, int]
	own: Mapping[NodeId, int]


class Side:
	"""One of the two graphs, with its links seen from both ends."""

	def __init__(self, graph: Graph) -> None:
		self.calls = graph.calls
		self.readers: dict[NodeId, list[Reader]] = defaultdict(list)
		for node, name, link in graph.links():
			if link.node in graph.calls:
				self.readers[link.node].append((name, link.output, node))

	def links(self, node: NodeId) -> Iterator[tuple[str, Link]]:
		"""The links that come in at a node, from nodes that are there."""
		for name, given in self.calls[node].inputs.items():
			if isinstance(given, Link) and given.node in self.calls:
				yield name, given

	def signatures(self, number: Callable[[Hashable], int]) -> Signatures:
		"""The signatures of all nodes; `number` gives equal things equal numbers."""
		order, _ = dependency_order(self.calls, self.calls)
		own = {node: number((call.kind, constants_text(call))) for node, call in self.calls.items()}
		upstream: dict[NodeId, int] = {}
		for node in order:
			came = sorted((name, link.output, upstream.get(link.node, -1)) for name, link in self.links(node))
			upstream[node] = number(('up', own[node], tuple(came)))
		downstream: dict[NodeId, int] = {}
		whole: dict[NodeId, int] = {}
		for node in reversed(order):
			readers = self.readers.get(node, ())
			made = sorted((name, output, downstream.get(reader, -1)) for name, output, reader in readers)
			downstream[node] = number(('down', own[node], tuple(made)))
			seen = sorted((name, output, whole.get(reader, -1)) for name, output, reader in readers)
			whole[node] = number(('whole', upstream[node], tuple(seen)))
		return Signatures(upstream, downstream, whole, own)


def match_nodes(before: Graph, after: Graph) -> dict[NodeId, NodeId]:
	"""Node of the first graph → node of the second that it became. Nodes that were removed or added are left out."""
	matching = Matching(Side(before), Side(after))
	if not matching.is_renumbered:
		matching.by_id()
	matching.by_signatures()
	matching.by_likeness()
	matching.by_place()
	return matching.pairs


class Matching:
	"""The pairs found so far, and the ways to find more."""

	def __init__(self, before: Side, after: Side) -> None:
		self.pairs: dict[NodeId, NodeId] = {}
		self._taken: set[NodeId] = set()
		self._before = before
		self._after = after
		numbers: dict[Hashable, int] = {}

		def number(thing: Hashable) -> int:
			return numbers.setdefault(thing, len(numbers))

		self._first = before.signatures(number)
		self._second = after.signatures(number)

	@property
	def is_renumbered(self) -> bool:
		"""Whether ids mean nothing: all is the same but for them, or the same ids stand for other kinds."""
		if Counter(self._first.whole.values()) == Counter(self._second.whole.values()):
			return True
		shared = [node for node in self._before.calls if node in self._after.calls]
		same = sum(self._before.calls[node].kind == self._after.calls[node].kind for node in shared)
		return same <= TRUST * len(shared)

	def by_id(self) -> None:
		"""Pair nodes of one id and kind."""
		for node, call in self._before.calls.items():
			if node in self._after.calls and self._after.calls[node].kind == call.kind:
				self._pair(node, node)

	def by_signatures(self) -> None:
		"""Pair nodes that are alike in all that is around them, then in less and less of it."""
		first, second = self._first, self._second
		for one, other in (
			(first.whole, second.whole),
			(first.upstream, second.upstream),
			(first.downstream, second.downstream),
			(first.own, second.own),
		):
			self._by_numbers(one, other)

	def by_likeness(self) -> None:
		"""Pair what is left of each kind: what stands in the same place, then what has most in common."""
		same_kind = self._same_kind
		for pair in tuple(self.pairs.items()):
			self._follow(pair, same_kind)
		for kind, nodes in self._left(self._before).items():
			others = self._left(self._after).get(kind, [])
			for node, other in self._ranked(nodes, others):
				if self._free(node, other):
					self._pair(node, other)
					self._follow((node, other), same_kind)

	def by_place(self) -> None:
		"""Pair what is left although its kind is another: nodes of one id, if ids are trusted, or in one place."""
		if not self.is_renumbered:
			for node in self._before.calls:
				if node in self._after.calls and self._free(node, node):
					self._pair(node, node)
		for pair in tuple(self.pairs.items()):
			self._follow(pair, lambda node, other: self._reads_alike(node, other) or self._is_read_alike(node, other))

	def _by_numbers(self, one: Mapping[NodeId, int], other: Mapping[NodeId, int]) -> None:
		def alike(node: NodeId, candidate: NodeId) -> bool:
			return one[node] == other[candidate]

		found: dict[int, tuple[list[NodeId], list[NodeId]]] = defaultdict(lambda: ([], []))
		for node in self._before.calls:
			if node not in self.pairs:
				found[one[node]][0].append(node)
		for node in self._after.calls:
			if node not in self._taken:
				found[other[node]][1].append(node)
		# Where there is no choice first: those lead to the right ones among many that are alike.
		for nodes, candidates in sorted(found.values(), key=lambda lists: len(lists[0]) * len(lists[1])):
			waiting = deque(candidates)
			among = set(candidates)
			for node in nodes:
				if node in self.pairs:
					continue
				if node in among and node not in self._taken:
					chosen = node
				else:
					while waiting and waiting[0] in self._taken:
						waiting.popleft()
					if not waiting:
						break
					chosen = waiting.popleft()
				self._pair(node, chosen)
				self._follow((node, chosen), alike)

	def _follow(self, pair: tuple[NodeId, NodeId], alike: Callable[[NodeId, NodeId], bool]) -> None:
		"""Pair what the two are linked to in the same way, as far as it is alike, and so on from there."""
		waiting = [pair]
		while waiting:
			node, other = waiting.pop()
			for one, two in (*self._sources(node, other), *self._followers(node, other)):
				if self._free(one, two) and alike(one, two):
					self._pair(one, two)
					waiting.append((one, two))

	def _sources(self, node: NodeId, other: NodeId) -> list[tuple[NodeId, NodeId]]:
		came = dict(self._after.links(other))
		return [(link.node, came[name].node) for name, link in self._before.links(node) if name in came]

	def _followers(self, node: NodeId, other: NodeId) -> list[tuple[NodeId, NodeId]]:
		"""Readers by the same input of the same output, where one of each is left."""
		ones = self._unpaired(self._before.readers.get(node, ()), self.pairs)
		twos = self._unpaired(self._after.readers.get(other, ()), self._taken)
		return [(nodes[0], twos[way][0]) for way, nodes in ones.items() if len(nodes) == len(twos.get(way, ())) == 1]

	@staticmethod
	def _unpaired(
		readers: Sequence[Reader], taken: Mapping[NodeId, NodeId] | set[NodeId]
	) -> dict[tuple[str, int], list[NodeId]]:
		found: dict[tuple[str, int], list[NodeId]] = {}
		for name, output, reader in readers:
			if reader not in taken:
				found.setdefault((name, output), []).append(reader)
		return found

	def _same_kind(self, node: NodeId, other: NodeId) -> bool:
		return self._before.calls[node].kind == self._after.calls[other].kind

	def _reads_alike(self, node: NodeId, other: NodeId) -> bool:
		"""Whether what comes in at both is the same in every link that they share, and there is one."""
		came = dict(self._after.links(other))
		shared = [(link, came[name]) for name, link in self._before.links(node) if name in came]
		return bool(shared) and all(self.pairs.get(one.node) == two.node for one, two in shared)

	def _is_read_alike(self, node: NodeId, other: NodeId) -> bool:
		"""Whether both are read by the same inputs of the same nodes, some of them at least."""
		read = {(self.pairs.get(reader), name) for name, _, reader in self._before.readers.get(node, ())}
		return any((reader, name) in read for name, _, reader in self._after.readers.get(other, ()))

	def _left(self, side: Side) -> dict[str, list[NodeId]]:
		taken = self.pairs if side is self._before else self._taken
		found: dict[str, list[NodeId]] = {}
		for node, call in side.calls.items():
			if node not in taken:
				found.setdefault(call.kind, []).append(node)
		return found

	def _ranked(self, nodes: Sequence[NodeId], others: Sequence[NodeId]) -> Iterator[tuple[NodeId, NodeId]]:
		"""Pairs to try, those that have most in common first."""
		if len(nodes) * len(others) > MOST_COMPARED:
			yield from zip(nodes, others, strict=False)
			return
		pairs = ((node, other) for node in nodes for other in others)
		yield from sorted(pairs, key=lambda pair: -self._in_common(*pair))

	def _in_common(self, node: NodeId, other: NodeId) -> int:
		one, two = self._before.calls[node], self._after.calls[other]
		constants = sum(
			same_constant(given, two.inputs[name]) for name, given in one.inputs.items() if name in two.inputs
		)
		links = sum(self.pairs.get(source) == came for source, came in self._sources(node, other))
		return constants + 2 * links + 2 * (one.title == two.title != '') + 2 * self._is_read_alike(node, other)

	def _free(self, node: NodeId, other: NodeId) -> bool:
		return node not in self.pairs and other not in self._taken

	def _pair(self, node: NodeId, other: NodeId) -> None:
		self.pairs[node] = other
		self._taken.add(other)


def same_constant(one: object, other: object) -> bool:
	"""Whether two arguments are constants (or broken links) of equal values; 7 and 7.0 are equal, 1 and true are not."""
	if isinstance(one, Constant | BadLink) and isinstance(other, Constant | BadLink):
		return type(one) is type(other) and value_text(one.value) == value_text(other.value)
	return False


def constants_text(call: Call) -> str:
	"""All constants of a node as one text, equal for equal ones."""
	return '\n'.join(
		f'{name}:{value_text(given.value)}'
		for name, given in sorted(call.inputs.items())
		if isinstance(given, Constant | BadLink)
	)


def value_text(value: JsonValue) -> str:
	"""A value as text that is the same for equal values, however they are written."""
	plain = int(value) if isinstance(value, float) and value.is_integer() else value
	return json.dumps(plain, sort_keys=True)
