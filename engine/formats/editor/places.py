"""Subgraphs taken apart: each instance is a place of its own, with its inside and what the instance says about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.errors import BadDocument
from engine.formats.editor.groupnodes import read_group
from engine.formats.editor.kinds import BYPASSED, GROUP_PREFIXES, MUTED
from engine.formats.editor.sheet import (
	INSIDE_INPUTS,
	INSIDE_OUTPUTS,
	Definition,
	EditorNode,
	Sheet,
	Wire,
	identity,
	mapping,
)

DEEPEST = 50
MOST_NODES = 100_000
ITSELF = '-1'
"""The inner node id that stands for an input of the subgraph itself, in lists of proxied widgets."""


@dataclass(eq=False, slots=True)
class Place:
	"""A canvas where it is used. `values` are what the instance gives for inputs that nothing is linked to.

	`overrides` are widget values that the instance has for nodes inside: (inner id, widget) → value.
	"""

	sheet: Sheet
	prefix: str = ''
	instance: Record | None = None
	definition: Definition | None = None
	values: Mapping[str, JsonValue] = field(default_factory=dict)
	overrides: Mapping[tuple[str, str], JsonValue] = field(default_factory=dict)
	results: Mapping[int, Wire] = field(default_factory=dict)
	within: tuple[str, ...] = ()

	def record(self, node: str) -> Record | None:
		"""A node of this place."""
		found = self.sheet.nodes.get(node)
		return None if found is None else Record(self, found)


@dataclass(frozen=True, slots=True)
class Record:
	"""A node where it is used."""

	place: Place
	node: EditorNode

	@property
	def id(self) -> str:
		"""Its id in a flat graph: those of the instances around it and its own, joined by colons."""
		return self.place.prefix + self.node.id


class Places:
	"""All places of a file, made when they are first asked for."""

	def __init__(
		self,
		root: Sheet,
		definitions: Mapping[str, Definition],
		groups: Mapping[str, JsonValue],
		nodes: Mapping[str, NodeInfo],
	) -> None:
		self.root = Place(root)
		self._definitions = definitions
		self._groups = groups
		self._nodes = nodes
		self._inside: dict[str, Place | None] = {}

	def is_instance(self, node: EditorNode) -> bool:
		"""Whether a node stands for a subgraph or a group of others."""
		return node.type in self._definitions or self._group_name(node) is not None

	def everything(self) -> Iterator[Record]:
		"""Every node of the flat graph that is neither muted nor bypassed nor inside of what is.

		Raises `BadDocument` if subgraphs multiply beyond all measure.
		"""
		count = 0
		waiting = [self._records(self.root)]
		while waiting:
			record = next(waiting[-1], None)
			if record is None:
				waiting.pop()
				continue
			count += 1
			if count > MOST_NODES:
				raise BadDocument(f'With its subgraphs taken apart, the workflow has more than {MOST_NODES} nodes.')
			if record.node.mode in (MUTED, BYPASSED):
				continue
			if self.is_instance(record.node):
				inside = self.inside(record)
				if inside is not None:
					waiting.append(self._records(inside))
				continue
			yield record

	@staticmethod
	def _records(place: Place) -> Iterator[Record]:
		return (Record(place, node) for node in place.sheet.nodes.values())

	def inside(self, record: Record) -> Place | None:
		"""The inside of an instance; None if it contains itself, or nests too deep."""
		if record.id not in self._inside:
			self._inside[record.id] = self.enter(record)
		return self._inside[record.id]

	def _group_name(self, node: EditorNode) -> str | None:
		for prefix in GROUP_PREFIXES:
			if node.type.startswith(prefix) and node.type.removeprefix(prefix) in self._groups:
				return node.type.removeprefix(prefix)
		return None

	def enter(self, record: Record) -> Place | None:
		"""The inside of an instance, made anew."""
		node, outer = record.node, record.place
		if node.type in outer.within or len(outer.within) >= DEEPEST:
			return None
		prefix, within = f'{record.id}:', (*outer.within, node.type)
		group = self._group_name(node)
		if group is not None:
			made, overrides = read_group(node, mapping(self._groups[group]), self._nodes)
			return Place(made.sheet, prefix, record, made, {}, overrides, results(made.sheet), within)
		definition = self._definitions[node.type]
		values, overrides = self._said(record, definition)
		return Place(definition.sheet, prefix, record, definition, values, overrides, results(definition.sheet), within)

	def _said(
		self, record: Record, definition: Definition
	) -> tuple[dict[str, JsonValue], dict[tuple[str, str], JsonValue]]:
		"""What an instance says of its inside: values of its inputs, and values of widgets of single nodes."""
		node = record.node
		given = node.values if isinstance(node.values, list) else []
		values: dict[str, JsonValue] = {}
		overrides: dict[tuple[str, str], JsonValue] = {}
		shown = proxied(node)
		if shown:
			for (inner, widget), value in zip(shown, given, strict=False):
				if value is None:
					continue
				if inner == ITSELF:
					values[widget] = value
				else:
					overrides[inner, widget] = value
		else:
			promoted = self.promoted(definition)
			values.update({name: value for name, value in zip(promoted, given, strict=False) if value is not None})
			named = {**(node.values if isinstance(node.values, dict) else {}), **node.named}
			values.update({name: named[name] for name in promoted if named.get(name) is not None})
		# What the instance around this one has for it.
		for (inner, widget), value in record.place.overrides.items():
			if inner != node.id:
				continue
			places = [place for place in shown if place[1] == widget and place[0] != ITSELF]
			if places:
				overrides.update(dict.fromkeys(places[:1], value))
			else:
				values[widget] = value
		return values, overrides

	def promoted(self, definition: Definition, within: tuple[str, ...] = ()) -> list[str]:
		"""The inputs of a subgraph that drive a widget inside, in order: the instance has a value for each."""
		if definition.id in within or len(within) >= DEEPEST:
			return []
		driving: set[int] = set()
		for wire in definition.sheet.wires.values():
			if wire.origin == INSIDE_INPUTS and wire.origin_slot not in driving:
				target = definition.sheet.nodes.get(wire.target)
				if target is not None and self._is_widget(target, wire, definition, within):
					driving.add(wire.origin_slot)
		return [slot.name for index, slot in enumerate(definition.inputs) if index in driving]

	def _is_widget(self, target: EditorNode, wire: Wire, definition: Definition, within: tuple[str, ...]) -> bool:
		slot = next(
			(slot for slot in target.inputs if slot.link and definition.sheet.wires.get(slot.link) is wire),
			target.inputs[wire.target_slot] if wire.target_slot < len(target.inputs) else None,
		)
		if slot is None:
			return False
		nested = self._definitions.get(target.type)
		return slot.widget is not None or (
			nested is not None and slot.name in self.promoted(nested, (*within, definition.id))
		)


def proxied(node: EditorNode) -> list[tuple[str, str]]:
	"""The widgets inside that an instance shows, as its file of the older form lists them: (inner id, widget)."""
	listed = node.properties.get('proxyWidgets')
	found: list[tuple[str, str]] = []
	for entry in listed if isinstance(listed, list) else ():
		parts = [identity(part) for part in entry] if isinstance(entry, list) else []
		inner, widget = parts[:2] if len(parts) >= 2 else (None, None)
		# An entry that cannot be read keeps its place: the values run parallel.
		found.append((inner or '', widget or ''))
	return found


def results(sheet: Sheet) -> dict[int, Wire]:
	"""Which wire feeds each output of a subgraph."""
	found: dict[int, Wire] = {}
	for wire in sheet.wires.values():
		if wire.target == INSIDE_OUTPUTS:
			found.setdefault(wire.target_slot, wire)
	return found
