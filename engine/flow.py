"""What a node may do besides giving values: skip, ask for an input, become a subgraph.

def gather(images: Mapping[str, Images | Skip]) -> Images:     # gets what was skipped, or has failed, as a `Skip`
	return sheet_of(images)

def route(image: Images, show: bool) -> Images | Skip:        # an output that stops what is downstream of it
	return image if show else Skip()

def choose(first: bool, a: Lazy[Images], b: Lazy[Images]) -> Images:    # computes only the one it asks for
	return a.get() if first else b.get()

def twice(context: Context, value: int) -> int | Expand:      # is replaced by other nodes
	graph = Subgraph(context.node)
	first = graph.add('Add', a=value, b=value)
	return graph.expand(first.output(0))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from engine.errors import NodeUsage
from engine.events import Ui
from engine.graph import Argument, Call, Constant, Given, Link, NodeId

T_co = TypeVar('T_co', covariant=True)


@dataclass(frozen=True, slots=True)
class Skip:
	"""An output that is not there: every node that would take it is passed over, and so on downstream.

	With a `message`, people are told once, at the first node passed over; the run goes on all the same. What comes out of
	that node is skipped too, and marked as `told`.
	"""

	message: str | None = None
	told: bool = False


class InputWanted(BaseException):
	"""Raised by `Lazy.get` to leave a node function until an input is there; it is then called again from its start.

	A `BaseException`, so that a node's `except Exception` does not swallow it.
	"""

	def __init__(self, *names: str) -> None:
		super().__init__(*names)
		self.names = names


class Lazy(Generic[T_co]):
	"""An input that is computed only when the node asks for it with `get`."""

	__slots__ = ('_known', '_name', '_value')

	def __init__(self, name: str, value: object = None, *, known: bool = False) -> None:
		self._name = name
		self._value = value
		self._known = known

	def get(self) -> T_co:
		"""The value. If it is not computed yet, the function is left here and called again once it is."""
		if not self._known:
			raise InputWanted(self._name)
		return cast(T_co, self._value)

	@property
	def known(self) -> bool:
		"""Whether the value is there already."""
		return self._known

	@staticmethod
	def want(*inputs: Lazy[object]) -> None:
		"""Ask for several inputs at once, so that they can be computed side by side."""
		missing = tuple(item._name for item in inputs if not item._known)
		if missing:
			raise InputWanted(*missing)


@dataclass(frozen=True, slots=True)
class Expand:
	"""A node's result as a graph: these nodes are run in its place, and `outputs` are its outputs.

	An output is a `Link` to one of the new nodes (or to any other of the job's), or a plain value. `displays` names the
	node at which a new one's events are shown, where it is not the expanding node.
	"""

	calls: Mapping[NodeId, Call]
	outputs: tuple[object, ...]
	displays: Mapping[NodeId, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Returned:
	"""What one call of a node gave, in full: outputs (None: it stored none), what it shows, and its expansion.

	Where an output is declared as a list, its value here is the list of its items.
	"""

	outputs: tuple[object, ...] | None
	ui: Ui | None = None
	expand: Expand | None = None


@dataclass(frozen=True, slots=True)
class SubgraphNode:
	"""A node of a subgraph that is being built."""

	id: NodeId

	def output(self, index: int = 0) -> Link:
		"""A link to one of its outputs, to feed another node or to be an output of the whole."""
		return Link(self.id, index)


class Subgraph:
	"""Builds the graph that a node becomes. Ids follow from the expanding node's and the order, so equal runs agree."""

	def __init__(self, node: str, call: int = 0) -> None:
		self._prefix = f'{node}.{call}.'
		self._calls: dict[NodeId, Call] = {}

	def add(self, kind: str, *, id: str | None = None, **inputs: object) -> SubgraphNode:
		"""Add a node; an input is a `Link`, or any value. `NodeUsage` if the id is taken."""
		node = NodeId(f'{self._prefix}{len(self._calls) + 1 if id is None else id}')
		if node in self._calls:
			raise NodeUsage(f'The subgraph has a node {node!r} already.')
		self._calls[node] = Call(kind, {name: as_argument(value) for name, value in inputs.items()})
		return SubgraphNode(node)

	def expand(self, *outputs: object) -> Expand:
		"""The result to return: what has been built, and what its outputs are."""
		return Expand(dict(self._calls), outputs)


def as_argument(value: object) -> Argument:
	"""A link as it is, plain values as constants, everything else handed over as the object that it is."""
	if isinstance(value, Link):
		return value
	if value is None or isinstance(value, bool | int | float | str):
		return Constant(value)
	return Given(value)
