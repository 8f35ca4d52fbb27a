"""The canvas as data: nodes with slots, and wires between them. Whatever is no node or no wire is left out and told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from engine.formats.editor.kinds import type_name
from engine.formats.prompt import describe

INSIDE_INPUTS, INSIDE_OUTPUTS = '-10', '-20'
"""The ids under which a subgraph's own inputs and outputs appear in the wires inside of it."""


@dataclass(frozen=True, slots=True)
class Slot:
	"""An input or output of a node. `link` is the wire that comes in, `widget` the widget that it stands for."""

	name: str
	type: str
	link: str | None = None
	widget: str | None = None


@dataclass(frozen=True, slots=True)
class EditorNode:
	"""One node. `values` are its widgets' values as the file has them, `named` the same by name where it says so."""

	id: str
	type: str
	mode: int = 0
	title: str = ''
	inputs: tuple[Slot, ...] = ()
	outputs: tuple[Slot, ...] = ()
	values: JsonValue = None
	named: Mapping[str, JsonValue] = field(default_factory=dict)
	properties: Mapping[str, JsonValue] = field(default_factory=dict)
	raw: Mapping[str, JsonValue] = field(default_factory=dict)

	def input_named(self, name: str) -> int | None:
		"""The place of the input slot with a name."""
		return next((index for index, slot in enumerate(self.inputs) if slot.name == name), None)

	@property
	def first_value(self) -> JsonValue:
		"""The value of the first widget; None if there is none."""
		if isinstance(self.values, list):
			return self.values[0] if self.values else None
		if isinstance(self.values, dict):
			return next(iter(self.values.values()), None)
		return next(iter(self.named.values()), None)


@dataclass(frozen=True, slots=True)
class Wire:
	"""A link from an output slot to an input slot."""

	origin: str
	origin_slot: int
	target: str
	target_slot: int
	type: str = ''


@dataclass(frozen=True, slots=True)
class Sheet:
	"""One canvas: the workflow itself, or the inside of a subgraph."""

	nodes: Mapping[str, EditorNode]
	wires: Mapping[str, Wire]


@dataclass(frozen=True, slots=True)
class Definition:
	"""A subgraph: its inside, and the names and types of what goes in and comes out."""

	id: str
	name: str
	sheet: Sheet
	inputs: tuple[Slot, ...] = ()
	outputs: tuple[Slot, ...] = ()
	raw: Mapping[str, JsonValue] = field(default_factory=dict)


def objects(value: JsonValue) -> Iterator[dict[str, JsonValue]]:
	"""The objects of a list; nothing if it is none."""
	if isinstance(value, list):
		yield from (item for item in value if isinstance(item, dict))


def mapping(value: JsonValue) -> dict[str, JsonValue]:
	"""An object as it is; anything else as an empty one."""
	return value if isinstance(value, dict) else {}


def text(value: JsonValue) -> str:
	"""Text as it is; anything else as none."""
	return value if isinstance(value, str) else ''


def identity(value: JsonValue) -> str | None:
	"""An id as text: a whole number or text; None for anything else."""
	if isinstance(value, bool):
		return None
	if isinstance(value, float):
		return str(int(value)) if value.is_integer() else None
	return str(value) if isinstance(value, int | str) else None


def position(value: JsonValue) -> int | None:
	"""A slot number; some files have it as text."""
	found = identity(value)
	return int(found) if found is not None and found.isascii() and found.isdecimal() and len(found) < 10 else None


def read_sheet(body: Mapping[str, JsonValue], warnings: list[str], where: str = '') -> Sheet:
	"""The nodes and wires of a canvas. What cannot be one is told in `warnings` and left out."""
	nodes: dict[str, EditorNode] = {}
	listed = body.get('nodes')
	for index, entry in enumerate(listed if isinstance(listed, list) else ()):
		node = read_node(entry)
		if node is None:
			warnings.append(f'{where}nodes[{index}] is no node: {_why(entry)}; it is left out.')
		elif node.id in nodes:
			warnings.append(f'{where}there are two nodes {node.id!r}; the second is left out.')
		else:
			nodes[node.id] = node
	return Sheet(nodes, dict(_wires(body.get('links'))))


def _why(entry: JsonValue) -> str:
	if not isinstance(entry, dict):
		return f'an object is expected, not {describe(entry)}'
	missing = 'id' if identity(entry.get('id')) is None else 'type'
	return f'its {missing!r} is {describe(entry.get(missing))}'


def read_node(entry: JsonValue) -> EditorNode | None:
	"""A node; None if it has no id or type."""
	if not isinstance(entry, dict):
		return None
	id, type = identity(entry.get('id')), entry.get('type')
	if id is None or not isinstance(type, str):
		return None
	mode = entry.get('mode')
	return EditorNode(
		id,
		type,
		mode=mode if isinstance(mode, int) else 0,
		title=text(entry.get('title')),
		inputs=tuple(_slots(entry.get('inputs'))),
		outputs=tuple(_slots(entry.get('outputs'))),
		values=entry.get('widgets_values'),
		named=mapping(entry.get('widgets_values_named')),
		properties=mapping(entry.get('properties')),
		raw=entry,
	)


def _slots(value: JsonValue) -> Iterator[Slot]:
	"""Slots in their places: one that is no object keeps its place, since wires count."""
	for entry in value if isinstance(value, list) else ():
		body = mapping(entry)
		widget = body.get('widget')
		yield Slot(
			text(body.get('name')),
			type_name(body.get('type')),
			identity(body.get('link')),
			(text(widget.get('name')) or text(body.get('name'))) if isinstance(widget, dict) else None,
		)


def _wires(value: JsonValue) -> Iterator[tuple[str, Wire]]:
	"""Wires by id, of both ways to write them."""
	entries: Iterable[JsonValue] = (
		value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
	)
	for entry in entries:
		if isinstance(entry, dict):
			parts = [entry.get(key) for key in ('id', 'origin_id', 'origin_slot', 'target_id', 'target_slot', 'type')]
		elif isinstance(entry, list) and len(entry) >= 5:
			parts = [*entry, None][:6]
		else:
			continue
		id, origin, target = identity(parts[0]), identity(parts[1]), identity(parts[3])
		origin_slot, target_slot = position(parts[2]), position(parts[4])
		if id is not None and origin is not None and target is not None and origin_slot is not None:
			yield id, Wire(origin, origin_slot, target, target_slot or 0, type_name(parts[5]))


def read_definitions(body: Mapping[str, JsonValue], warnings: list[str]) -> dict[str, Definition]:
	"""The subgraphs of a file by id, those that are defined inside of others too."""
	found: dict[str, Definition] = {}
	waiting = list(objects(mapping(body.get('definitions')).get('subgraphs')))
	while waiting:
		entry = waiting.pop()
		id = identity(entry.get('id'))
		waiting += objects(mapping(entry.get('definitions')).get('subgraphs'))
		if id is None or id in found:
			continue
		name = text(entry.get('name')) or id
		found[id] = Definition(
			id,
			name,
			read_sheet(entry, warnings, f'subgraph {name!r}: '),
			tuple(_slots(entry.get('inputs'))),
			tuple(_slots(entry.get('outputs'))),
			entry,
		)
	return found
