"""`comfy_execution.graph_utils`: builds the graph that a node becomes, in API form.

Ids are `<node>.<call>.<graph>.<number or given id>`: the node that expands, which of its calls it is, and which of the
graphs that the call builds. They follow from the call alone, so that equal runs agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from engine.context import current
from nodes.comfy.running import graphs


def is_link(obj: object) -> TypeGuard[list[object]]:
	"""Whether a value is a link: a list of a node id and an output's number."""
	return isinstance(obj, list) and len(obj) == 2 and isinstance(obj[0], str) and isinstance(obj[1], int | float)


class Node:
	"""A node of a graph that is being built."""

	def __init__(self, id: str, class_type: str, inputs: dict[str, object]) -> None:
		self.id = id
		self.class_type = class_type
		self.inputs = inputs
		self.override_display_id: str | None = None

	def out(self, index: int) -> list[object]:
		"""A link to one of its outputs."""
		return [self.id, index]

	def set_input(self, key: str, value: object) -> None:
		"""Give an input; None takes it away."""
		if value is None:
			self.inputs.pop(key, None)
		else:
			self.inputs[key] = value

	def get_input(self, key: str) -> object:
		"""What an input is given; None if nothing."""
		return self.inputs.get(key)

	def set_override_display_id(self, override_display_id: str) -> None:
		"""Show the node's events at another node."""
		self.override_display_id = override_display_id

	def serialize(self) -> dict[str, object]:
		"""The node in API form."""
		told: dict[str, object] = {'class_type': self.class_type, 'inputs': self.inputs}
		if self.override_display_id is not None:
			told['override_display_id'] = self.override_display_id
		return told


class GraphBuilder:
	"""Builds one graph. Without a `prefix`, ids begin with the running call's."""

	_default_root = ''
	_default_call = 0
	_default_graph = 0

	def __init__(self, prefix: str | None = None) -> None:
		self.prefix = self.alloc_prefix() if prefix is None else prefix
		self.nodes: dict[str, Node] = {}
		self.id_gen = 1

	@classmethod
	def set_default_prefix(cls, prefix_root: str, call_index: int, graph_index: int = 0) -> None:
		"""The prefix for graphs that are built outside of any call."""
		cls._default_root = prefix_root
		cls._default_call = call_index
		cls._default_graph = graph_index

	@classmethod
	def alloc_prefix(
		cls, root: str | None = None, call_index: int | None = None, graph_index: int | None = None
	) -> str:
		"""The next prefix of the running call, with parts of it given."""
		context, counter = current.get(), graphs.get()
		if root is None:
			root = cls._default_root if context is None else context.node
		if call_index is None:
			call_index = cls._default_call if context is None else context.index or 0
		if graph_index is None:
			if counter is not None:
				graph_index = next(counter)
			else:
				graph_index = cls._default_graph
				cls._default_graph += 1
		return f'{root}.{call_index}.{graph_index}.'

	def node(self, class_type: str, id: str | None = None, **kwargs: object) -> Node:
		"""Add a node; the node that is there already if the id is taken."""
		if id is None:
			id = str(self.id_gen)
			self.id_gen += 1
		full = self.prefix + id
		return self.nodes.setdefault(full, Node(full, class_type, kwargs))

	def lookup_node(self, id: str) -> Node | None:
		"""The node of that id, without its prefix; None if there is none."""
		return self.nodes.get(self.prefix + id)

	def finalize(self) -> dict[str, dict[str, object]]:
		"""The graph in API form, for `expand`."""
		return {id: node.serialize() for id, node in self.nodes.items()}

	def replace_node_output(self, node_id: str, index: int, new_value: object) -> None:
		"""Give something else to all inputs that take this output; None takes them away."""
		link = [self.prefix + node_id, index]
		for node in self.nodes.values():
			for key in [key for key, value in node.inputs.items() if is_link(value) and value == link]:
				node.set_input(key, new_value)

	def remove_node(self, id: str) -> None:
		"""Take a node away; `KeyError` if there is none."""
		del self.nodes[self.prefix + id]


def add_graph_prefix(
	graph: Mapping[str, Mapping[str, Any]], outputs: Iterable[object], prefix: str
) -> tuple[dict[str, dict[str, Any]], tuple[object, ...]]:
	"""A graph and its outputs with another prefix to all ids."""

	def moved(value: object) -> object:
		return [f'{prefix}{value[0]}', value[1]] if is_link(value) else value

	nodes = {
		f'{prefix}{id}': {**node, 'inputs': {key: moved(value) for key, value in node.get('inputs', {}).items()}}
		for id, node in graph.items()
	}
	return nodes, tuple(moved(value) for value in outputs)
