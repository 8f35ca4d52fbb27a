"""Inputs and outputs of the nodes of a native document: of kinds that are declared, and of instances of subgraphs."""

from __future__ import annotations

from collections.abc import Mapping

from engine.declaration import NodeInfo
from engine.dynamic import live_inputs
from engine.formats.arguments import read_argument
from engine.formats.document import SUBGRAPH, NodeEntry, SubgraphDefinition
from engine.formats.editor.kinds import passed_through
from engine.formats.editor.widgets import has_widget, in_order
from engine.graph import Constant


class Sockets:
	"""Answers for the nodes of one document."""

	def __init__(self, nodes: Mapping[str, NodeInfo], subgraphs: Mapping[str, SubgraphDefinition]) -> None:
		self._nodes = nodes
		self._subgraphs = subgraphs

	def definition(self, entry: NodeEntry) -> SubgraphDefinition | None:
		"""What an instance stands for; None for any other node."""
		if not entry.kind.startswith(SUBGRAPH):
			return None
		return self._subgraphs.get(entry.kind.removeprefix(SUBGRAPH))

	def output_names(self, entry: NodeEntry) -> tuple[str, ...] | None:
		"""The names of the outputs; None if the kind is not known."""
		definition = self.definition(entry)
		if definition is not None:
			return tuple(definition.outputs)
		info = self._nodes.get(entry.kind)
		return None if info is None else tuple(output.name for output in info.outputs)

	def output_index(self, entry: NodeEntry, output: str | int) -> int | str:
		"""The number of an output; the reason, if it has none of this name."""
		if isinstance(output, int):
			return output
		names = self.output_names(entry)
		if names is None:
			return f'is of unknown kind {entry.kind!r}'
		if names.count(output) == 1:
			return names.index(output)
		return f'({entry.kind}) has no output {output!r}; it has: {", ".join(names) or "none"}'

	def input_type(self, entry: NodeEntry, name: str) -> str:
		"""The socket type of an input; empty if it is not known."""
		definition = self.definition(entry)
		if definition is not None:
			parameter = definition.inputs.get(name)
			return (parameter.type or '') if parameter is not None else ''
		info = self._nodes.get(entry.kind)
		if info is None:
			return ''
		plain = info.inputs_by_name.get(name)
		if plain is not None:
			return plain.type
		return next((item.type for item in live_inputs(info, _given(entry)) if item.name == name), '')

	def output_type(self, entry: NodeEntry, index: int) -> str:
		"""The socket type of an output; empty if it is not known."""
		definition = self.definition(entry)
		if definition is not None:
			listed = list(definition.outputs.values())
			return (listed[index].type or '') if 0 <= index < len(listed) else ''
		info = self._nodes.get(entry.kind)
		return info.outputs[index].type if info is not None and 0 <= index < len(info.outputs) else ''

	def passed_input(self, entry: NodeEntry, output: str | int, wanted: str) -> str | None:
		"""Which input a bypassed node hands on at an output that is taken as type `wanted`; None if none fits."""
		names = self.output_names(entry)
		index = self.output_index(entry, output)
		named = names[index] if names is not None and isinstance(index, int) and 0 <= index < len(names) else None
		for key in (str(output), named, str(index)):
			if key is not None and key in entry.passes:
				return entry.passes[key]
		if not isinstance(index, int):
			return None
		inputs = self._link_inputs(entry)
		types = [self.input_type(entry, name) for name in inputs]
		chosen = passed_through(types, self.output_type(entry, index), index, wanted)
		return None if chosen is None else inputs[chosen]

	def _link_inputs(self, entry: NodeEntry) -> list[str]:
		"""The inputs that have a socket of their own, in order, and then the widgets that are linked."""
		linked = [name for name, value in entry.inputs.items() if not isinstance(read_argument(value), Constant)]
		definition = self.definition(entry)
		if definition is not None:
			open_inputs = [name for name, parameter in definition.inputs.items() if not parameter.has_default]
		else:
			info = self._nodes.get(entry.kind)
			if info is None:
				return linked
			ordered = info.model_copy(update={'inputs': in_order(info)}) if info.is_dynamic else info
			open_inputs = [
				item.name
				for item in (live_inputs(ordered, _given(entry)) if info.is_dynamic else in_order(info))
				if not has_widget(item) and item.dynamic is None
			]
		return [*open_inputs, *(name for name in linked if name not in open_inputs)]


def _given(entry: NodeEntry) -> dict[str, object]:
	return {name: read_argument(value) for name, value in entry.inputs.items()}
