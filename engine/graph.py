"""What was asked for: calls of node kinds, joined by links. Immutable."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NewType, TypeAlias

from pydantic import JsonValue

NodeId = NewType('NodeId', str)


def node_id(text: str) -> NodeId:
	"""A text as a node's id: one object wherever the node is named, which spares large graphs memory and time."""
	return NodeId(sys.intern(text) if type(text) is str else text)


@dataclass(frozen=True, slots=True)
class Link:
	"""The value of one output of another node."""

	node: NodeId
	output: int


@dataclass(frozen=True, slots=True)
class Constant:
	"""A value written in the graph itself."""

	value: JsonValue


@dataclass(frozen=True, slots=True)
class BadLink:
	"""Something that stands where a link should, but names no output; the checker reports it."""

	value: JsonValue
	reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Given:
	"""A live value that an expanding node hands to one of its new nodes. Never in a submitted graph."""

	value: object


Argument: TypeAlias = Link | Constant | BadLink | Given


@dataclass(frozen=True, slots=True)
class Call:
	"""One node of a graph: its kind and what its inputs are given."""

	kind: str
	inputs: Mapping[str, Argument] = field(default_factory=dict)
	title: str = ''


@dataclass(frozen=True, slots=True)
class Graph:
	"""Node id → call. Nothing is promised about it before `check` has looked."""

	calls: Mapping[NodeId, Call]

	def links(self) -> Iterator[tuple[NodeId, str, Link]]:
		"""Every link as (node that receives, its input, link)."""
		for node, call in self.calls.items():
			for name, argument in call.inputs.items():
				if isinstance(argument, Link):
					yield node, name, argument

	def closure(self, targets: Iterable[NodeId]) -> Graph:
		"""The part of the graph that the targets need, themselves included."""
		wanted: set[NodeId] = set()
		waiting = [target for target in targets if target in self.calls]
		while waiting:
			node = waiting.pop()
			if node in wanted:
				continue
			wanted.add(node)
			waiting.extend(
				argument.node
				for argument in self.calls[node].inputs.values()
				if isinstance(argument, Link) and argument.node in self.calls
			)
		return Graph({node: call for node, call in self.calls.items() if node in wanted})

	def with_inputs(self, changes: Mapping[NodeId, Mapping[str, Argument]]) -> Graph:
		"""A copy in which some inputs of some nodes are given anew."""
		calls = dict(self.calls)
		for node, inputs in changes.items():
			call = calls[node]
			calls[node] = Call(call.kind, {**call.inputs, **inputs}, call.title)
		return Graph(calls)
