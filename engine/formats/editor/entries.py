"""Nodes of the editor form → nodes of a native document: values with names, and links that pass over what the canvas alone has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.formats.arguments import FromNode, FromOutside, output_reference, write_argument
from engine.formats.document import SUBGRAPH, Mode, NodeEntry
from engine.formats.editor.drafts import Draft
from engine.formats.editor.follow import passed_slot
from engine.formats.editor.kinds import (
	BROADCASTERS,
	BYPASSED,
	CORE,
	GETTERS,
	MUTED,
	PRIMITIVE,
	REROUTES,
	SETTERS,
	SILENT,
	VIRTUAL,
)
from engine.formats.editor.places import ITSELF, Place, proxied
from engine.formats.editor.promoted import shown_input
from engine.formats.editor.read import Canvas, pack_of
from engine.formats.editor.sheet import INSIDE_INPUTS, EditorNode, Wire, text
from engine.formats.editor.widgets import named_values
from engine.formats.unnamed import BLOCK, VALUES
from engine.graph import Constant

MODES: Mapping[int, Mode] = {MUTED: 'mute', BYPASSED: 'bypass'}

Source = FromNode | FromOutside | Constant | None
"""What feeds a wire, in words of the native form."""


class Entries:
	"""What nodes come to. `drafts` are the definitions of subgraphs; `packs` fills with those that the nodes name."""

	def __init__(self, canvas: Canvas, nodes: Mapping[str, NodeInfo], drafts: Mapping[str, Draft]) -> None:
		self._canvas = canvas
		self._nodes = nodes
		self._drafts = drafts
		self.packs: dict[str, str] = {}

	def key(self, node: EditorNode) -> str:
		"""Under which key a node's definition is among the drafts."""
		return node.type if node.type in self._canvas.definitions else f'group {id(node)}'

	def entry(self, place: Place, node: EditorNode, draft: Draft | None) -> NodeEntry:
		"""A node of a canvas, that of the workflow itself or of the definition that is drafted."""
		own = self._drafts.get(self.key(node)) if self._canvas.places.is_instance(node) else None
		constants = self._values(node, own)
		inputs: dict[str, JsonValue] = {name: write_argument(Constant(value)) for name, value in constants.items()}
		for slot in node.inputs:
			if slot.link is None or not slot.name:
				continue
			wire = place.sheet.wires.get(slot.link)
			source = self.behind(place, wire, slot.type)
			if own is not None and wire is not None:
				# What an instance has beside a link never counts.
				inputs.pop(slot.name, None)
			if source is None:
				continue
			former = Constant(_plain(inputs[slot.name])) if slot.name in inputs else None
			if former is not None and not isinstance(source, Constant) and self._may_fail(place, source):
				source = replace(source, otherwise=former)
			inputs[slot.name] = write_argument(source)
		info = self._nodes.get(node.type)
		for (inner, widget), value in place.overrides.items():
			linked = isinstance(inputs.get(widget), dict)
			if inner == node.id and not linked and (widget in inputs or (info and widget in info.inputs_by_name)):
				inputs[widget] = write_argument(Constant(value))
		if draft is not None:
			self._take_proxies(node, own, draft, inputs)
		pack = pack_of(node)
		if pack and pack != CORE:
			self.packs.setdefault(pack, text(node.properties.get('ver')))
		made: dict[str, JsonValue] = {
			'kind': f'{SUBGRAPH}{own.name}' if own is not None else node.type,
			'title': node.title,
			'pack': pack if pack != CORE and (info is None or info.foreign) else '',
			'mode': MODES.get(node.mode, 'run'),
			'passes': self._passes(node, own) if node.mode == BYPASSED else {},
		}
		if own is None and node.type not in self._nodes and isinstance(node.values, list) and not constants:
			made[BLOCK] = {VALUES: node.values} if node.values else {}
		said = {name: value for name, value in made.items() if value not in ('', {}, 'run')}
		return NodeEntry.model_validate({'kind': '', **said, 'inputs': inputs})

	def _values(self, node: EditorNode, own: Draft | None) -> Mapping[str, JsonValue]:
		"""The values of a node's widgets, those of an instance under the names of its definition's inputs."""
		if own is None:
			return named_values(node, self._nodes.get(node.type)).values
		if node.type not in self._canvas.definitions:
			return {}
		given = node.values if isinstance(node.values, list) else []
		listed = proxied(node)
		found: dict[str, JsonValue] = {}
		if listed:
			for (inner, widget), value in zip(listed, given, strict=False):
				name = widget if inner == ITSELF else own.proxies.get((inner, widget))
				if value is not None and name in own.inputs:
					found[str(name)] = value
			return found
		promoted = self._canvas.places.promoted(own.definition)
		found |= {name: value for name, value in zip(promoted, given, strict=False) if value is not None}
		named = {**(node.values if isinstance(node.values, dict) else {}), **node.named}
		return found | {name: named[name] for name in promoted if named.get(name) is not None}

	def _take_proxies(self, node: EditorNode, own: Draft | None, draft: Draft, inputs: dict[str, JsonValue]) -> None:
		"""Let the inputs of the definition that stand for a node's widgets feed these."""
		info = self._nodes.get(node.type)
		linked = {slot.name for slot in node.inputs if slot.link in draft.place.sheet.wires}
		for (inner, widget), name in draft.proxies.items():
			if inner != node.id:
				continue
			if own is not None:
				given = shown_input(node, own.proxies, widget)
			else:
				given = widget
				if widget not in inputs and (info is None or widget not in info.inputs_by_name):
					continue
			if given in linked:
				continue
			otherwise = Constant(_plain(inputs[given])) if given in inputs else None
			inputs[given] = write_argument(FromOutside(name, otherwise))

	def _passes(self, node: EditorNode, own: Draft | None) -> dict[str, JsonValue]:
		"""What a bypassed node was seen to hand on, since the slots that the file has decide that."""
		found: dict[str, JsonValue] = {}
		for (of, output), chosen in self._canvas.passed.items():
			if of != id(node) or len(chosen) != 1:
				continue
			(index,) = chosen
			name = node.inputs[index].name if index is not None else None
			found[str(self._reference(node, own, output))] = name
		return found

	def _reference(self, node: EditorNode, own: Draft | None, output: int) -> str | int:
		if own is not None:
			return output_reference(own.outputs, output)
		info = self._nodes.get(node.type)
		return output_reference(tuple(item.name for item in info.outputs) if info is not None else (), output)

	def _may_fail(self, place: Place, source: FromNode | FromOutside) -> bool:
		"""Whether nothing may come from a source, so that the widget's own value counts."""
		if isinstance(source, FromOutside):
			return True
		node = place.sheet.nodes[source.node]
		return node.mode in MODES or self._canvas.places.is_instance(node)

	def behind(self, place: Place, wire: Wire | None, wanted: str) -> Source:
		"""What feeds a wire on its own canvas: through reroutes, primitives and named wires, not into other nodes."""
		seen: set[tuple[str, int]] = set()
		while wire is not None:
			if wire.origin == INSIDE_INPUTS and place.definition is not None:
				listed = place.definition.inputs
				return FromOutside(listed[wire.origin_slot].name) if wire.origin_slot < len(listed) else None
			node = place.sheet.nodes.get(wire.origin)
			if node is None or (node.id, wire.origin_slot) in seen:
				return None
			seen.add((node.id, wire.origin_slot))
			if node.type not in VIRTUAL:
				own = self._drafts.get(self.key(node))
				return FromNode(node.id, self._reference(node, own, wire.origin_slot))
			if node.mode == MUTED or node.type in SILENT | BROADCASTERS:
				return None
			if node.mode == BYPASSED:
				slot = passed_slot(node, wire.origin_slot, wanted)
			elif node.type == PRIMITIVE:
				return Constant(node.first_value) if node.first_value is not None else None
			elif node.type in GETTERS:
				node = _setter(place, node.first_value)
				slot = 0
			else:
				slot = 0 if node.type in REROUTES | SETTERS else None
			if node is None or slot is None or slot >= len(node.inputs):
				return None
			link = node.inputs[slot].link
			wire = place.sheet.wires.get(link) if link is not None else None
		return None


def _setter(place: Place, name: JsonValue) -> EditorNode | None:
	return next(
		(node for node in place.sheet.nodes.values() if node.type in SETTERS and node.first_value == name), None
	)


def _plain(value: JsonValue) -> JsonValue:
	"""The value of a constant as the file has it."""
	return value['value'] if isinstance(value, dict) and 'value' in value else value
