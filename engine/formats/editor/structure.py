"""The editor form → a native document that keeps its structure: subgraphs, switched-off nodes, notes, groups.

Where the document says something that the native form cannot say (a Get node whose Set node lies on the canvas around
it), the result has another graph than the file; whoever calls this compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.formats.arguments import FromNode, FromOutside, output_reference, write_argument
from engine.formats.document import (
	SUBGRAPH,
	Layout,
	Mode,
	NodeEntry,
	SubgraphDefinition,
	SubgraphInput,
	SubgraphOutput,
	WorkflowDocument,
)
from engine.formats.editor.drafts import Draft, LinkNumbers, link_number, link_numbers, set_defaults, standing, unique
from engine.formats.editor.drawn import read_layout
from engine.formats.editor.follow import passed_slot
from engine.formats.editor.instances import COMFY
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
from engine.formats.editor.models import needed_models
from engine.formats.editor.places import ITSELF, Place, Record, proxied
from engine.formats.editor.read import Canvas, pack_of
from engine.formats.editor.sheet import INSIDE_INPUTS, Definition, EditorNode, Wire, text
from engine.formats.editor.widgets import named_values
from engine.formats.migrate import VERSION
from engine.formats.unnamed import BLOCK, VALUES
from engine.graph import Constant

MODES: Mapping[int, Mode] = {MUTED: 'mute', BYPASSED: 'bypass'}

_Local = FromNode | FromOutside | Constant | None


def structured(
	document: Mapping[str, JsonValue], canvas: Canvas, nodes: Mapping[str, NodeInfo]
) -> tuple[WorkflowDocument, dict[str, LinkNumbers]]:
	"""The native document of what was read from a document of the editor form, and the numbers of its links.

	The numbers are as `write_editor` takes them: canvas → node → input → number.
	"""
	structure = _Structure(document, canvas, nodes)
	return structure.document(), dict(structure.numbers())


class _Structure:
	def __init__(self, document: Mapping[str, JsonValue], canvas: Canvas, nodes: Mapping[str, NodeInfo]) -> None:
		self._raw = document
		self._canvas = canvas
		self._nodes = nodes
		self._drafts: dict[str, Draft] = {}
		self._packs: dict[str, str] = {}

	def document(self) -> WorkflowDocument:
		root = self._canvas.places.root
		for definition in self._canvas.definitions.values():
			self._draft(definition.id, definition, standing(definition))
		groups = list(self._find_groups())
		for node, place in groups:
			if place.definition is not None:
				self._draft(self._key(node), place.definition, place)
		self._find_proxies()
		subgraphs = {draft.name: self._subgraph(draft) for draft in self._drafts.values()}
		entries = self._entries(root, None)
		needs = {'packs': self._packs, 'models': needed_models(self._raw)}
		requires = {name: those for name, those in needs.items() if those}
		return WorkflowDocument.model_validate(
			{
				'lumengraph': VERSION,
				'nodes': entries,
				**({'requires': requires} if requires else {}),
				**({'subgraphs': subgraphs} if subgraphs else {}),
				'layout': read_layout(self._raw, root.sheet),
			}
		)

	def numbers(self) -> Iterator[tuple[str, LinkNumbers]]:
		"""The numbers of the links, of the workflow itself and of each definition."""
		yield '', link_numbers(self._canvas.places.root)
		for key, draft in self._drafts.items():
			if key not in self._canvas.definitions:
				continue
			numbers: LinkNumbers = link_numbers(draft.place)
			results: dict[str, JsonValue] = {}
			for link, wire in draft.definition.sheet.wires.items():
				if draft.place.results.get(wire.target_slot) is wire and wire.target_slot < len(draft.outputs):
					results[draft.outputs[wire.target_slot]] = link_number(link)
			yield draft.name, {**numbers, **({'': results} if results else {})}

	def _draft(self, key: str, definition: Definition, place: Place) -> None:
		names = {draft.name for draft in self._drafts.values()}
		wanted = name = definition.name.strip() or 'subgraph'
		again = 2
		while name in names:
			name, again = f'{wanted} {again}', again + 1
		draft = Draft(name, definition, place)
		for slot in definition.inputs:
			draft.inputs.setdefault(slot.name, SubgraphInput(type=slot.type or '*'))
		draft.outputs = unique([slot.name for slot in definition.outputs])
		self._drafts[key] = draft

	def _find_groups(self) -> Iterator[tuple[EditorNode, Place]]:
		"""Group nodes, each of which is a definition of its own: what it says of its inside is written there."""
		places = self._canvas.places
		standing = [places.root, *(draft.place for draft in self._drafts.values())]
		for place in standing:
			for node in place.sheet.nodes.values():
				if node.type not in self._canvas.definitions and places.is_instance(node):
					inside = places.enter(Record(place, node))
					if inside is not None:
						yield node, inside

	def _key(self, node: EditorNode) -> str:
		"""Under which key a node's definition is among the drafts."""
		return node.type if node.type in self._canvas.definitions else f'group {id(node)}'

	def _find_proxies(self) -> None:
		"""Widgets inside that instances show become inputs of their definitions."""
		standing = [self._canvas.places.root, *(draft.place for draft in self._drafts.values())]
		for place in standing:
			for node in place.sheet.nodes.values():
				draft = self._drafts.get(self._key(node))
				if draft is None or node.type not in self._canvas.definitions:
					continue
				for inner, widget in proxied(node):
					if inner == ITSELF or (inner, widget) in draft.proxies or inner not in draft.definition.sheet.nodes:
						continue
					name = widget if widget and widget not in draft.inputs else f'{inner}.{widget}'
					if name not in draft.inputs:
						draft.proxies[inner, widget] = name
						draft.inputs[name] = SubgraphInput(type=None)

	def _subgraph(self, draft: Draft) -> SubgraphDefinition:
		entries = self._entries(draft.place, draft)
		set_defaults(draft, entries)
		raw = draft.definition.raw
		made = {
			'title': '' if draft.name == draft.definition.name else draft.definition.name,
			'description': text(raw.get('description')),
			'inputs': draft.inputs,
			'outputs': self._outputs(draft),
			'nodes': entries,
			'layout': read_layout(raw, draft.definition.sheet) if raw else Layout(),
			COMFY: {'id': draft.definition.id} if raw else {},
		}
		return SubgraphDefinition.model_validate({name: value for name, value in made.items() if value})

	def _outputs(self, draft: Draft) -> dict[str, SubgraphOutput]:
		found: dict[str, SubgraphOutput] = {}
		for index, (name, slot) in enumerate(zip(draft.outputs, draft.definition.outputs, strict=True)):
			wire = draft.place.results.get(index)
			source = self._behind(draft.place, wire, slot.type) if wire is not None else None
			type = {'type': slot.type} if slot.type else {}
			match source:
				case FromNode(node, output):
					found[name] = SubgraphOutput.model_validate({'node': node, 'output': output, **type})
				case FromOutside(given):
					found[name] = SubgraphOutput.model_validate({'input': given, **type})
				case _:
					found[name] = SubgraphOutput.model_validate(type)
		return found

	def _entries(self, place: Place, draft: Draft | None) -> dict[str, NodeEntry]:
		found: dict[str, NodeEntry] = {}
		for node in place.sheet.nodes.values():
			if node.type not in VIRTUAL:
				found[node.id] = self._entry(place, node, draft)
		return found

	def _entry(self, place: Place, node: EditorNode, draft: Draft | None) -> NodeEntry:
		own = self._drafts.get(self._key(node)) if self._canvas.places.is_instance(node) else None
		constants = self._values(node, own)
		inputs: dict[str, JsonValue] = {name: write_argument(Constant(value)) for name, value in constants.items()}
		for slot in node.inputs:
			if slot.link is None or not slot.name:
				continue
			wire = place.sheet.wires.get(slot.link)
			source = self._behind(place, wire, slot.type)
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
			self._packs.setdefault(pack, text(node.properties.get('ver')))
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
				first = next((place for place in proxied(node) if place[1] == widget and place[0] != ITSELF), None)
				given = own.proxies.get(first, widget) if first is not None else widget
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

	def _behind(self, place: Place, wire: Wire | None, wanted: str) -> _Local:
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
				own = self._drafts.get(self._key(node))
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
