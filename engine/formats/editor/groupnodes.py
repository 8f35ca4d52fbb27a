"""Group nodes, which the peer had before it had subgraphs: read as if each was a subgraph of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.formats.editor.kinds import VIRTUAL
from engine.formats.editor.sheet import (
	INSIDE_INPUTS,
	INSIDE_OUTPUTS,
	Definition,
	EditorNode,
	Sheet,
	Slot,
	Wire,
	identity,
	position,
	read_node,
)
from engine.formats.editor.widgets import BESIDE, Widgets, has_control, has_widget, in_order, named_values

Overrides = dict[tuple[str, str], JsonValue]


def read_group(
	instance: EditorNode, body: Mapping[str, JsonValue], nodes: Mapping[str, NodeInfo]
) -> tuple[Definition, Overrides]:
	"""The inside of a group node as a subgraph, and what the instance's values are inside.

	Inner nodes are known by their place in the list. Inputs that no wire inside feeds are the group's inputs, in order;
	outputs that no wire inside takes, or that are marked as external, its outputs.
	"""
	inner = _inner_nodes(body.get('nodes'))
	fed, taken = _inner_wires(body.get('links'))
	external = {(index, slot) for index, slot in map(_external, _list(body.get('external'))) if index is not None}
	wires = {f'inner {index}': wire for index, wire in enumerate(fed.values())}
	links = {(wire.target, wire.target_slot): name for name, wire in wires.items()}
	inputs: list[Slot] = []
	outputs: list[Slot] = []
	made: dict[str, EditorNode] = {}
	for node in inner:
		slots: list[Slot] = []
		for place, slot in enumerate(node.inputs):
			link = links.get((node.id, place))
			if link is None and slot.widget is None:
				link = f'input {len(inputs)}'
				wires[link] = Wire(INSIDE_INPUTS, len(inputs), node.id, place, slot.type)
				inputs.append(Slot(_next_name(instance, len(inputs)), slot.type))
			slots.append(replace(slot, link=link))
		for place, slot in enumerate(node.outputs):
			if (node.id, place) not in taken or (node.id, place) in external:
				wires[f'output {len(outputs)}'] = Wire(node.id, place, INSIDE_OUTPUTS, len(outputs), slot.type)
				outputs.append(slot)
		made[node.id] = replace(node, inputs=tuple(slots))
	overrides = _overrides(instance, made, nodes)
	_wire_converted(instance, made, inputs, wires)
	return Definition(instance.type, instance.type, Sheet(made, wires), tuple(inputs), tuple(outputs)), overrides


def _list(value: JsonValue) -> list[JsonValue]:
	return value if isinstance(value, list) else []


def _inner_nodes(value: JsonValue) -> list[EditorNode]:
	found: list[EditorNode] = []
	for index, entry in enumerate(_list(value)):
		node = read_node({**entry, 'id': index}) if isinstance(entry, dict) else None
		if node is not None:
			found.append(node)
	return found


def _inner_wires(value: JsonValue) -> tuple[dict[tuple[str, int], Wire], set[tuple[str, int]]]:
	"""Wires by the input that they feed, and the outputs that they come from. Those from outside are left out."""
	fed: dict[tuple[str, int], Wire] = {}
	taken: set[tuple[str, int]] = set()
	for entry in _list(value):
		parts = entry if isinstance(entry, list) else []
		if len(parts) < 4:
			continue
		origin, origin_slot = identity(parts[0]), position(parts[1])
		target, target_slot = identity(parts[2]), position(parts[3])
		if origin is None or origin_slot is None or target is None or target_slot is None:
			continue
		fed[target, target_slot] = Wire(origin, origin_slot, target, target_slot)
		taken.add((origin, origin_slot))
	return fed, taken


def _external(entry: JsonValue) -> tuple[str | None, int]:
	"""An output that is taken outside, too: its node is written by number, or as a whole."""
	parts = entry if isinstance(entry, list) else []
	if len(parts) < 2:
		return None, 0
	node = parts[0].get('index') if isinstance(parts[0], dict) else parts[0]
	return identity(node), position(parts[1]) or 0


def _next_name(instance: EditorNode, index: int) -> str:
	"""The instance's own name of its input at a place; those that stand for widgets come behind all others."""
	plain = [slot for slot in instance.inputs if slot.widget is None]
	return plain[index].name if index < len(plain) else f'input {index}'


def _overrides(instance: EditorNode, inner: Mapping[str, EditorNode], nodes: Mapping[str, NodeInfo]) -> Overrides:
	"""The instance's values, given out to the widgets inside one node after the other."""
	found: Overrides = {}
	values = instance.values if isinstance(instance.values, list) else []
	at = 0
	for node in inner.values():
		own, length = _share(node, nodes.get(node.type), values[at:])
		found.update({(node.id, name): value for name, value in own.values.items()})
		at += length
	return found


def _share(node: EditorNode, info: NodeInfo | None, values: list[JsonValue]) -> tuple[Widgets, int]:
	"""What a node inside takes of the values that are left, and how many these are."""
	if node.type in VIRTUAL or not values:
		return Widgets({}), 0
	if info is None:
		count = len(node.values) if isinstance(node.values, list) else 0
		return named_values(replace(node, values=values[:count], named={}), None), count
	linked = {slot.name for slot in node.inputs if slot.widget and slot.link}
	shown = info.model_copy(update={'inputs': tuple(item for item in in_order(info) if item.name not in linked)})
	count = sum(has_widget(item) + (has_widget(item) and has_control(item)) for item in shown.inputs)
	taken = named_values(replace(node, values=values[:count], named={}), shown)
	return Widgets({name: value for name, value in taken.values.items() if name not in BESIDE}), count


def _wire_converted(
	instance: EditorNode, inner: dict[str, EditorNode], inputs: list[Slot], wires: dict[str, Wire]
) -> None:
	"""Carry links to widgets of the instance on to the node inside that the widget's name leads to."""
	for slot in instance.inputs:
		if slot.widget is None or slot.link is None:
			continue
		for node in inner.values():
			titles = (node.title, node.type)
			place = next(
				(
					place
					for place, own in enumerate(node.inputs)
					if own.widget
					and own.link is None
					and slot.name in (own.name, *(f'{title} {own.name}' for title in titles))
				),
				None,
			)
			if place is None:
				continue
			name = f'input {len(inputs)}'
			wires[name] = Wire(INSIDE_INPUTS, len(inputs), node.id, place, slot.type)
			inputs.append(Slot(slot.name, slot.type))
			own = replace(node.inputs[place], link=name)
			inner[node.id] = replace(node, inputs=(*node.inputs[:place], own, *node.inputs[place + 1 :]))
			break
