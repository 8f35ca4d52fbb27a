"""One canvas of the editor form as it is written: the nodes and wires of a workflow, or of a subgraph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from engine.formats.arguments import FromNode, FromOutside, Written, read_argument
from engine.formats.document import Layout, NodeEntry, NodePlace, SubgraphDefinition, WorkflowDocument
from engine.formats.editor.arrange import arrange
from engine.formats.editor.drawn import write_notes
from engine.formats.editor.instances import COMFY, Instances
from engine.formats.editor.sheet import INSIDE_INPUTS, INSIDE_OUTPUTS, mapping
from engine.formats.editor.write_node import WrittenNode
from engine.formats.sockets import Sockets
from engine.formats.unnamed import unnamed_values
from engine.graph import Argument, Call, Constant, Graph, Link, NodeId

Numbers = Mapping[str, Mapping[str, JsonValue]]
"""Node → its input → the number that the link there has."""
PACK = ('cnr_id', 'aux_id', 'ver')
"""What both the API form and the editor form may say of the pack that has a node."""


@dataclass(frozen=True, slots=True)
class Wire:
	"""A link as the file has it."""

	number: int
	origin: int | str
	origin_slot: int
	target: int | str
	target_slot: int
	type: str


@dataclass(slots=True)
class _Given:
	"""What a node is given: by the canvas it lies on, and from outside of it."""

	call: Call
	outside: dict[str, str] = field(default_factory=dict)
	otherwise: dict[str, JsonValue] = field(default_factory=dict)


class WrittenCanvas:
	"""The nodes and wires of the workflow itself, or of a subgraph."""

	def __init__(
		self,
		entries: Mapping[str, NodeEntry],
		layout: Layout,
		document: WorkflowDocument,
		instances: Instances,
		numbers: Numbers,
		definition: SubgraphDefinition | None = None,
	) -> None:
		self._entries = entries
		self._layout = layout
		self._definition = definition
		self._sockets = Sockets(instances.nodes, document.subgraphs)
		self._ids = node_ids([*entries, *layout.notes])
		self._given = {node: self._read(entry) for node, entry in entries.items()}
		self._written = {
			node: WrittenNode(
				self._ids[node],
				given.call,
				instances.info(entries[node]),
				given.otherwise,
				unnamed_values(entries[node]),
			)
			for node, given in self._given.items()
		}
		self._numbers = {
			(node, given): number
			for node, listed in numbers.items()
			for given, number in listed.items()
			if isinstance(number, int)
		}
		self._taken = set(self._numbers.values())
		self._next = 0
		self.ends: dict[tuple[str, str], int] = {}
		"""(node, input) → the number of the link there."""
		self.wires = sorted(self._join(), key=lambda wire: wire.number)
		self._places = self._placed()

	def _read(self, entry: NodeEntry) -> _Given:
		given = _Given(Call(entry.kind, {}, entry.title))
		inputs: dict[str, Argument] = {}
		for name, value in entry.inputs.items():
			argument: Written = read_argument(value)
			match argument:
				case Constant():
					inputs[name] = argument
				case FromNode(node, output, otherwise):
					source = self._entries.get(node)
					index = self._sockets.output_index(source, output) if source is not None else ''
					if isinstance(index, int):
						inputs[name] = Link(NodeId(node), index)
					if otherwise is not None:
						given.otherwise[name] = otherwise.value
				case FromOutside(outer, otherwise):
					parameter = self._definition.inputs.get(outer) if self._definition is not None else None
					if parameter is not None:
						given.outside[name] = outer
						if parameter.has_default:
							given.otherwise[name] = parameter.default
					if otherwise is not None:
						given.otherwise.setdefault(name, otherwise.value)
		definition = self._sockets.definition(entry)
		for name, parameter in definition.inputs.items() if definition is not None else ():
			if parameter.has_default and name not in entry.inputs:
				given.otherwise[name] = parameter.default
		given.call = Call(entry.kind, inputs, entry.title)
		return given

	def _number(self, node: str, given: str) -> int:
		number = self._numbers.get((node, given))
		if number is None:
			self._next += 1
			while self._next in self._taken:
				self._next += 1
			number = self._next
		self.ends[node, given] = number
		return number

	def _join(self) -> Iterable[Wire]:
		names = list(self._definition.inputs) if self._definition is not None else []
		for node, given in self._given.items():
			target = self._written[node]
			for name in (*given.call.inputs, *given.outside):
				argument = given.call.inputs.get(name)
				if isinstance(argument, Link):
					source = self._written[argument.node]
					slot, number = target.slot(name), self._number(node, name)
					type = source.output(argument.output, number)
					origin, origin_slot = source.id, argument.output
				elif name in given.outside:
					slot, number = target.slot(name), self._number(node, name)
					type = str(target.inputs[slot].get('type', '*'))
					origin, origin_slot = int(INSIDE_INPUTS), names.index(given.outside[name])
				else:
					continue
				target.inputs[slot]['link'] = number
				yield Wire(number, origin, origin_slot, target.id, slot, type)
		yield from self._join_outputs(names)

	def _join_outputs(self, names: list[str]) -> Iterable[Wire]:
		outputs = self._definition.outputs if self._definition is not None else {}
		for slot, (name, output) in enumerate(outputs.items()):
			target = int(INSIDE_OUTPUTS)
			if output.input is not None and output.input in names:
				number = self._number('', name)
				yield Wire(number, int(INSIDE_INPUTS), names.index(output.input), target, slot, output.type or '*')
			source = self._entries.get(output.node) if output.node is not None else None
			if output.node is None or source is None:
				continue
			index = self._sockets.output_index(source, output.output if output.output is not None else 0)
			if isinstance(index, int):
				number = self._number('', name)
				written = self._written[output.node]
				yield Wire(number, written.id, index, target, slot, written.output(index, number))

	def _placed(self) -> dict[str, NodePlace]:
		places = {node: place for node, place in self._layout.nodes.items() if node in self._written}
		if len(places) < len(self._written):
			graph = Graph({NodeId(node): given.call for node, given in self._given.items()})
			made = arrange(graph, {node: one.height for node, one in self._written.items()})
			# Nodes without a place go below the others.
			bottom = max((place.y + 200 for place in places.values()), default=0)
			for node, (x, y) in made.items():
				places.setdefault(node, NodePlace(x=x, y=y + bottom))
		return places

	def entries(self) -> list[JsonValue]:
		"""The nodes, and the notes behind them."""
		nodes: list[JsonValue] = [
			one.entry(order, self._places[node], self._entries[node].mode, _whence(self._entries[node]))
			for order, (node, one) in enumerate(self._written.items())
		]
		return nodes + write_notes(self._layout, self._ids, len(nodes))

	@property
	def left(self) -> float:
		"""Where the leftmost node begins."""
		return min((place.x for place in self._places.values()), default=0)

	@property
	def right(self) -> float:
		"""About where the rightmost node ends."""
		return max((place.x + (place.width or 315) for place in self._places.values()), default=0)

	@property
	def last_node(self) -> int:
		"""The largest number of a node."""
		return max((id for id in self._ids.values() if isinstance(id, int)), default=0)

	@property
	def last_link(self) -> int:
		"""The largest number of a link."""
		return max((wire.number for wire in self.wires), default=0)


def _whence(entry: NodeEntry) -> dict[str, JsonValue]:
	"""Which pack has a node, as the API form said that it came from."""
	meta = mapping(mapping((entry.model_extra or {}).get(COMFY)).get('_meta'))
	return {name: meta[name] for name in PACK if name in meta}


def node_ids(nodes: Iterable[str]) -> dict[str, int | str]:
	"""Ids as the editor wants them: numbers, or text without the colons that part the ids of nested nodes."""
	listed = list(dict.fromkeys(nodes))
	found: dict[str, int | str] = {node: int(node) for node in listed if _is_number(node)}
	taken = {str(id) for id in found.values()}
	for node in listed:
		if node in found:
			continue
		name = wanted = node.replace(':', '_')
		again = 2
		while name in taken:
			name, again = f'{wanted}_{again}', again + 1
		taken.add(name)
		found[node] = name
	return found


def _is_number(id: str) -> bool:
	return re.fullmatch(r'0|-?[1-9][0-9]{0,14}', id) is not None
