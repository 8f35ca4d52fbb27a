"""How a workflow is built by code: calls place nodes, names are given to inputs and outputs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from pydantic import JsonValue

from engine.code.handles import Handle, Node, Outputs
from engine.code.placing import Named, outputs_of, placed, spread
from engine.code.session import Session, default_session
from engine.declaration import NodeInfo
from engine.errors import NodeUsage
from engine.formats.document import NamedInput, NamedOutput
from engine.formats.interface import Interface, interface_of
from engine.formats.workflow import Workflow as Opened
from engine.graph import Call, Graph, NodeId

T = TypeVar('T')
PRIMITIVES: Mapping[type, str] = {
	bool: 'PrimitiveBoolean',
	int: 'PrimitiveInt',
	float: 'PrimitiveFloat',
	str: 'PrimitiveString',
}
"""The node that hands one value on to several others."""


class Building:
	"""A graph that grows node by node, with the names of its inputs and outputs."""

	def __init__(self, title: str = '', description: str = '', *, session: Session | None = None) -> None:
		self.title = title
		self.description = description
		self._session = session
		self._calls: dict[NodeId, Call] = {}
		self._inputs: dict[str, NamedInput] = {}
		self._outputs: dict[str, NamedOutput] = {}
		self._opened = Opened(Graph({}))

	@property
	def session(self) -> Session:
		"""What it runs with: the session it was given, or one that all others share."""
		return self._session or default_session()

	@property
	def graph(self) -> Graph:
		"""The graph as built so far."""
		return Graph(dict(self._calls))

	def place(self, kind: str, /, *, _id: str = '', _title: str = '', **inputs: object) -> Any:
		"""Place a node; gives a handle of its output, a named tuple of several, or the node itself if it has none.

		`_id` is its name in the file. Raises `NodeUsage` for an unknown kind, an id that is taken, inputs that the kind has
		not, outputs of another type, links that are missing, and a named input that another input of a node has already.
		"""
		info = self._info(kind)
		node = NodeId(_id or self._unused(kind))
		if node in self._calls:
			raise NodeUsage(f'There is a node {node!r} already.')
		arguments = spread(info, inputs)
		call = placed(info, arguments, _title, self.session.storage)
		# What is refused leaves nothing behind.
		self._inputs |= self._named(node, arguments)
		self._calls[node] = call
		return _given(info, node)

	def _named(self, node: NodeId, arguments: Mapping[str, object]) -> dict[str, NamedInput]:
		"""The workflow's inputs that stand for inputs of this node: a file has one place for each name."""
		found: dict[str, NamedInput] = {}
		for name, value in arguments.items():
			if not isinstance(value, Named):
				continue
			former = self._inputs.get(value.name) or found.get(value.name)
			if former is not None:
				raise NodeUsage(_bound(value, former, f'{node}.{name}'))
			found[value.name] = NamedInput(node=node, input=name, description=value.description)
		return found

	def input(self, name: str, value: T, description: str = '') -> T:
		"""A value for a node's input that becomes a named input of the workflow, with `value` as its default.

		Give it straight to one input of one node; what several are to have comes from a primitive node that has it. Raises
		`NodeUsage` if the name is taken.
		"""
		if name in self._inputs:
			raise NodeUsage(f'The workflow has an input {name!r} already.')
		# It stands for the value until the node is placed, so it has its type.
		return cast(T, Named(name, cast(JsonValue, value), description))

	def output(self, name: str, what: Handle[Any] | Node, description: str = '') -> None:
		"""Name an output of the workflow: a value, or what a node that saves or shows something shows."""
		is_sink = self._info(self._calls[what.node].kind).sink
		index = what.index if isinstance(what, Handle) and not is_sink else None
		self._outputs[name] = NamedOutput(node=what.node, output=index, description=description)

	def __getitem__(self, node: str) -> Any:
		"""What a node gives, by its id: as placing it gave. Raises `NodeUsage` if there is none."""
		call = self._calls.get(NodeId(node))
		if call is None:
			raise NodeUsage(f'There is no node {node!r}; there are: {", ".join(self._calls) or "none"}.')
		return _given(self._info(call.kind), NodeId(node))

	def __len__(self) -> int:
		return len(self._calls)

	@property
	def interface(self) -> Interface:
		"""Its named inputs with types, defaults and bounds, and its named outputs."""
		return interface_of(self._as_opened(), self.session.nodes)

	def check(self) -> None:
		"""Raise `InvalidGraph` with everything that is wrong."""
		self.session.check(self.graph, tolerant=self._opened.tolerant)

	def _info(self, kind: str) -> NodeInfo:
		info = self.session.nodes.get(kind)
		if info is None:
			near = difflib.get_close_matches(kind, self.session.nodes, n=1)
			raise NodeUsage(f'There is no node kind {kind!r}.' + (f' Did you mean {near[0]!r}?' if near else ''))
		return info

	def _unused(self, kind: str) -> str:
		count = 1
		while (name := kind if count == 1 else f'{kind}_{count}') in self._calls:
			count += 1
		return name

	def _as_opened(self) -> Opened:
		return replace(
			self._opened,
			graph=self.graph,
			title=self.title,
			description=self.description,
			inputs=self._inputs,
			outputs=self._outputs,
			kinds=self.session.nodes,
		)


def _bound(value: Named, former: NamedInput, place: str) -> str:
	primitive = PRIMITIVES.get(type(value.value))
	advice = f': shared = flow.{primitive}(value=flow.input({value.name!r}, {value.value!r}))' if primitive else ''
	return (
		f"The workflow's input {value.name!r} stands for {former.node}.{former.input} already, so it cannot be {place} too. "
		f'Give it to one node whose output goes to both{advice}.'
	)


def _given(info: NodeInfo, node: NodeId) -> Any:
	"""What placing a node gives."""
	handles = outputs_of(info, node)
	if not handles:
		return Node(node)
	if len(handles) == 1:
		return handles[0]
	return Outputs(handles)
