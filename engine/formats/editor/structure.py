"""The editor form → a native document that keeps its structure: subgraphs, switched-off nodes, notes, groups.

Where the document says something that the native form cannot say (a Get node whose Set node lies on the canvas around
it), the result has another graph than the file; whoever calls this compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.formats.arguments import FromNode, FromOutside
from engine.formats.document import (
	Layout,
	NodeEntry,
	SubgraphDefinition,
	SubgraphInput,
	SubgraphOutput,
	WorkflowDocument,
)
from engine.formats.editor.drafts import Draft, LinkNumbers, link_number, link_numbers, set_defaults, standing, unique
from engine.formats.editor.drawn import read_layout
from engine.formats.editor.entries import Entries
from engine.formats.editor.instances import COMFY
from engine.formats.editor.kinds import VIRTUAL
from engine.formats.editor.models import needed_models
from engine.formats.editor.places import Place, Record
from engine.formats.editor.promoted import shown_names
from engine.formats.editor.read import Canvas
from engine.formats.editor.sheet import Definition, EditorNode, text
from engine.formats.migrate import VERSION


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
		self._made = Entries(canvas, nodes, self._drafts)

	def document(self) -> WorkflowDocument:
		root = self._canvas.places.root
		for definition in self._canvas.definitions.values():
			self._draft(definition.id, definition, standing(definition))
		groups = list(self._find_groups())
		for node, place in groups:
			if place.definition is not None:
				self._draft(self._made.key(node), place.definition, place)
		self._find_proxies()
		subgraphs = {draft.name: self._subgraph(draft) for draft in self._drafts.values()}
		entries = self._entries(root, None)
		needs = {'packs': self._made.packs, 'models': needed_models(self._raw)}
		requires = {name: those for name, those in needs.items() if those}
		return WorkflowDocument.model_validate(
			{
				'lumengraph': VERSION,
				'nodes': entries,
				**({'requires': requires} if requires else {}),
				**({'subgraphs': subgraphs} if subgraphs else {}),
				'layout': read_layout(self._raw, root.sheet, self._nodes),
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

	def _find_proxies(self) -> None:
		"""Widgets inside that instances show become inputs of their definitions."""
		standing = [self._canvas.places.root, *(draft.place for draft in self._drafts.values())]
		for id, names in shown_names([place.sheet for place in standing], self._canvas.definitions).items():
			draft = self._drafts[id]
			draft.proxies.update(names)
			draft.inputs.update((name, SubgraphInput(type=None)) for name in names.values())

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
			'layout': read_layout(raw, draft.definition.sheet, self._nodes) if raw else Layout(),
			COMFY: {'id': draft.definition.id} if raw else {},
		}
		return SubgraphDefinition.model_validate({name: value for name, value in made.items() if value})

	def _outputs(self, draft: Draft) -> dict[str, SubgraphOutput]:
		found: dict[str, SubgraphOutput] = {}
		for index, (name, slot) in enumerate(zip(draft.outputs, draft.definition.outputs, strict=True)):
			wire = draft.place.results.get(index)
			source = self._made.behind(draft.place, wire, slot.type) if wire is not None else None
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
				found[node.id] = self._made.entry(place, node, draft)
		return found
