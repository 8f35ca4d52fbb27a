"""The editor form → a graph, with what is missing here and what had to be left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.errors import BadDocument
from engine.formats.editor.broadcast import connect_broadcasts
from engine.formats.editor.follow import Follower, Value
from engine.formats.editor.kinds import CORE, VIRTUAL
from engine.formats.editor.places import Places, Record
from engine.formats.editor.promoted import Promoted, shown_names
from engine.formats.editor.sheet import Definition, EditorNode, mapping, read_definitions, read_sheet, text
from engine.formats.editor.widgets import named_values
from engine.formats.flatten import Target
from engine.graph import Argument, Call, Constant, Graph, Link, node_id


@dataclass(frozen=True, slots=True)
class MissingKind:
	"""A kind of node that is not known here, the nodes of it, and the pack that has it if the file says so."""

	kind: str
	nodes: tuple[str, ...]
	pack: str = ''

	@property
	def sentence(self) -> str:
		"""For people."""
		nodes = f'{"nodes" if len(self.nodes) > 1 else "node"} {", ".join(self.nodes)}'
		return f'{self.kind!r} is not known here ({nodes}); {self.whence or "the file does not say which pack has it"}.'

	@property
	def whence(self) -> str:
		"""What has it, if the file says so."""
		if self.pack == CORE:
			return 'it comes with ComfyUI, and is not built here'
		return f'the pack {self.pack!r} has it' if self.pack else ''


@dataclass(frozen=True, slots=True)
class Canvas:
	"""The file as it was read: its places and definitions, and what its bypassed nodes were seen to hand on."""

	places: Places
	definitions: Mapping[str, Definition]
	passed: Mapping[tuple[int, int], set[int | None]]


@dataclass(frozen=True, slots=True)
class EditorReading:
	"""What a file of the editor form comes to, and `canvas`, all that was read of it.

	`targets`: (id of an instance, its input) → the inputs inside that take it over.
	"""

	graph: Graph
	canvas: Canvas
	missing: tuple[MissingKind, ...] = ()
	warnings: tuple[str, ...] = ()
	targets: Mapping[tuple[str, str], tuple[Target, ...]] = field(default_factory=dict)


def is_editor(document: JsonValue) -> bool:
	"""Whether a document looks like this form: it lists its nodes."""
	return isinstance(document, dict) and isinstance(document.get('nodes'), list)


def read_editor(document: JsonValue, nodes: Mapping[str, NodeInfo]) -> EditorReading:
	"""Read the editor form, version 0.4 or 1.

	Muted and bypassed nodes, reroutes, primitives, notes, group nodes, subgraphs and what sends without links are gone; the ids of nodes
	inside of others are joined by colons. Widget values are named by the declarations. Whatever cannot be read is left
	out, with a warning. Raises `BadDocument` if the document is of another form, or multiplies beyond all measure.
	"""
	if not isinstance(document, dict) or not is_editor(document):
		raise BadDocument('A workflow in the editor form is an object that lists its "nodes".')
	warnings: list[str] = []
	root, definitions = read_sheet(document, warnings), read_definitions(document, warnings)
	root = connect_broadcasts(root, mapping(document.get('extra')), warnings)
	definitions = {id: _connected(definition, warnings) for id, definition in definitions.items()}
	places = Places(
		root,
		definitions,
		mapping(mapping(document.get('extra')).get('groupNodes')),
		nodes,
	)
	promoted = Promoted(shown_names([root, *(definition.sheet for definition in definitions.values())], definitions))
	follower = Follower(places, promoted)
	records = {record.id: record for record in places.everything() if record.node.type not in VIRTUAL}
	calls = {
		node_id(id): Call(
			record.node.type,
			_arguments(record, records, follower, promoted, nodes.get(record.node.type), warnings),
			record.node.title,
		)
		for id, record in records.items()
	}
	canvas = Canvas(places, definitions, follower.passed)
	return EditorReading(Graph(calls), canvas, tuple(_missing(records, nodes)), tuple(warnings), promoted.targets)


def _connected(definition: Definition, warnings: list[str]) -> Definition:
	extra = mapping(definition.raw.get('extra'))
	where = f'subgraph {definition.name!r}: '
	return replace(definition, sheet=connect_broadcasts(definition.sheet, extra, warnings, where))


def _arguments(
	record: Record,
	records: Mapping[str, Record],
	follower: Follower,
	promoted: Promoted,
	info: NodeInfo | None,
	warnings: list[str],
) -> dict[str, Argument]:
	node = record.node
	widgets = named_values(node, info)
	if widgets.left:
		warnings.append(
			f'node {record.id!r} ({node.type}): the file has {widgets.left} values more than the node has widgets; '
			'it was saved for another version of it.'
		)
	if widgets.filled:
		warnings.append(
			f'node {record.id!r} ({node.type}): the file has no value for {", ".join(widgets.filled)}; '
			'what the node itself proposes is taken.'
		)
	found: dict[str, Argument] = {name: Constant(value) for name, value in widgets.values.items()}
	for (inner, widget), value in record.place.overrides.items():
		if inner == node.id and (widget in found or (info is not None and widget in info.inputs_by_name)):
			found[widget] = Constant(value)
	promoted.widgets(record, {*found, *(info.inputs_by_name if info is not None else ())})
	for index, slot in enumerate(node.inputs):
		if slot.link is None or not slot.name:
			continue
		source = follower.feeds(record, index)
		if isinstance(source, Value):
			found[slot.name] = Constant(source.value)
		elif source is not None and source.record.id in records:
			found[slot.name] = Link(node_id(source.record.id), source.output)
	return found


def _missing(records: Mapping[str, Record], nodes: Mapping[str, NodeInfo]) -> list[MissingKind]:
	found: dict[str, list[Record]] = {}
	for record in records.values():
		if record.node.type not in nodes:
			found.setdefault(record.node.type, []).append(record)
	return [
		MissingKind(
			kind,
			tuple(record.id for record in those),
			next((pack for record in those if (pack := pack_of(record.node))), ''),
		)
		for kind, those in found.items()
	]


def pack_of(node: EditorNode) -> str:
	"""The pack that a node says it comes from: its name in the registry, or its repository."""
	return text(node.properties.get('cnr_id')) or text(node.properties.get('aux_id'))
