"""What feeds an input in the end: wires followed through reroutes, subgraphs, bypassed nodes, and named wires."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from engine.formats.editor.kinds import (
	BROADCASTERS,
	BYPASSED,
	GETTERS,
	MUTED,
	PRIMITIVE,
	REROUTES,
	SETTERS,
	SILENT,
	passed_through,
)
from engine.formats.editor.places import Place, Places, Record
from engine.formats.editor.promoted import Promoted
from engine.formats.editor.sheet import INSIDE_INPUTS, EditorNode
from engine.formats.flatten import Target
from engine.graph import node_id


@dataclass(frozen=True, slots=True)
class Source:
	"""An output of a node of the flat graph."""

	record: Record
	output: int


@dataclass(frozen=True, slots=True)
class Value:
	"""A value that a widget elsewhere holds."""

	value: JsonValue


@dataclass(frozen=True, slots=True)
class _Input:
	"""An input slot to look behind; `wanted` is the type that is asked for."""

	record: Record
	slot: int
	wanted: str


@dataclass(frozen=True, slots=True)
class _Output:
	"""An output slot to look behind."""

	record: Record
	slot: int
	wanted: str


_Next = _Input | _Output | Source | Value | None


class Follower:
	"""Follows wires, each step from one slot to the next, so that no file is too deep.

	`promoted` is told of each input of an instance that lies on the way.
	"""

	def __init__(self, places: Places, promoted: Promoted) -> None:
		self._places = places
		self._promoted = promoted
		self._setters: dict[str, dict[str, Record]] = {}
		self.passed: dict[tuple[int, int], set[int | None]] = {}
		"""(identity of a bypassed node, output) → the inputs that it was seen to hand on there."""

	def feeds(self, record: Record, slot: int) -> Source | Value | None:
		"""What feeds an input: an output, a value, or nothing (also where wires lead in a circle)."""
		target = (node_id(record.id), record.node.inputs[slot].name)
		step: _Next = _Input(record, slot, record.node.inputs[slot].type)
		seen: set[tuple[bool, str, int, str]] = set()
		while isinstance(step, _Input | _Output):
			mark = (isinstance(step, _Input), step.record.id, step.slot, step.wanted)
			if mark in seen:
				return None
			seen.add(mark)
			step = self._behind_input(step, target) if isinstance(step, _Input) else self._behind_output(step, target)
		return step

	def _behind_input(self, step: _Input, target: Target) -> _Next:
		place = step.record.place
		inputs = step.record.node.inputs
		link = inputs[step.slot].link if step.slot < len(inputs) else None
		wire = place.sheet.wires.get(link) if link is not None else None
		if wire is None:
			return None
		if wire.origin == INSIDE_INPUTS and place.instance is not None:
			return self._outside(place, wire.origin_slot, target)
		origin = place.record(wire.origin)
		return None if origin is None else _Output(origin, wire.origin_slot, step.wanted)

	def _outside(self, place: Place, index: int, target: Target) -> _Next:
		"""Through an input of a subgraph to what its instance has there."""
		if place.instance is None or place.definition is None or index >= len(place.definition.inputs):
			return None
		name = place.definition.inputs[index].name
		self._promoted.through(place.instance, name, target)
		slot = place.instance.node.input_named(name)
		if slot is not None and place.instance.node.inputs[slot].link in place.instance.place.sheet.wires:
			return _Input(place.instance, slot, place.instance.node.inputs[slot].type)
		return Value(place.values[name]) if name in place.values else None

	def _behind_output(self, step: _Output, target: Target) -> _Next:
		record, node = step.record, step.record.node
		if node.mode == MUTED:
			return None
		if node.mode == BYPASSED:
			chosen = passed_slot(node, step.slot, step.wanted)
			self.passed.setdefault((id(node), step.slot), set()).add(chosen)
			return None if chosen is None else _Input(record, chosen, node.inputs[chosen].type)
		if self._places.is_instance(node):
			return self._inside(record, step, target)
		if node.type in REROUTES or node.type in SETTERS:
			return _Input(record, 0, step.wanted)
		if node.type == PRIMITIVE:
			value = node.first_value
			return None if value is None else Value(value)
		if node.type in GETTERS:
			setter = self._setter(record.place, node.first_value)
			return None if setter is None else _Input(setter, 0, step.wanted)
		return None if node.type in SILENT | BROADCASTERS else Source(record, step.slot)

	def _inside(self, record: Record, step: _Output, target: Target) -> _Next:
		"""Through an output of an instance to what feeds it inside."""
		place = self._places.inside(record)
		wire = place.results.get(step.slot) if place is not None else None
		if place is None or wire is None:
			return None
		if wire.origin == INSIDE_INPUTS:
			return self._outside(place, wire.origin_slot, target)
		origin = place.record(wire.origin)
		return None if origin is None else _Output(origin, wire.origin_slot, step.wanted)

	def _setter(self, place: Place | None, name: JsonValue) -> Record | None:
		"""The node that names a wire, on the same canvas or on one around it."""
		while place is not None and isinstance(name, str):
			named = self._setters.get(place.prefix)
			if named is None:
				named = {}
				for node in place.sheet.nodes.values():
					if node.type in SETTERS and isinstance(node.first_value, str):
						named.setdefault(node.first_value, Record(place, node))
				self._setters[place.prefix] = named
			if name in named:
				return named[name]
			place = place.instance.place if place.instance is not None else None
		return None


def passed_slot(node: EditorNode, output: int, wanted: str) -> int | None:
	"""Which input a bypassed node hands on at an output, by their types; None if none fits."""
	given = node.outputs[output].type if output < len(node.outputs) else ''
	return passed_through([slot.type for slot in node.inputs], given, output, wanted)
