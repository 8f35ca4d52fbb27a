"""A native document → the editor form, version 0.4, with its subgraphs as definitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import NAMESPACE_URL, uuid5

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.formats.document import Layout, SubgraphDefinition, WorkflowDocument
from engine.formats.editor.controls import with_words
from engine.formats.editor.drawn import write_groups, write_reroutes
from engine.formats.editor.instances import Instances
from engine.formats.editor.sheet import INSIDE_INPUTS, INSIDE_OUTPUTS, identity, mapping, text
from engine.formats.editor.write_canvas import Numbers, WrittenCanvas, node_ids

VERSION = 0.4


def write_editor(
	document: WorkflowDocument, nodes: Mapping[str, NodeInfo], numbers: Mapping[str, Numbers] | None = None
) -> dict[str, JsonValue]:
	"""Write a document in the editor form. Nodes that have no place are put in columns.

	`numbers` are those that links had before: of the workflow itself under an empty name, of each subgraph under its own.
	"""
	numbers = numbers or {}
	instances = Instances(document, nodes)
	root = WrittenCanvas(document.nodes, document.layout, document, instances, numbers.get('', {}))
	groups = write_groups(document.layout)
	reroutes, extensions = write_reroutes(document.layout, root.ends)
	extra: dict[str, JsonValue] = {}
	if reroutes:
		extra = {'reroutes': reroutes, 'linkExtensions': extensions}
	definitions: list[JsonValue] = [
		_definition(name, definition, document, instances, numbers.get(name, {}))
		for name, definition in document.subgraphs.items()
	]
	links: list[JsonValue] = [
		[wire.number, wire.origin, wire.origin_slot, wire.target, wire.target_slot, wire.type] for wire in root.wires
	]
	return {
		'last_node_id': root.last_node,
		'last_link_id': root.last_link,
		'nodes': root.entries(),
		'links': links,
		'groups': groups,
		**({'definitions': {'subgraphs': definitions}} if definitions else {}),
		'config': {},
		'extra': extra,
		'version': VERSION,
	}


def with_policies(
	written: Mapping[str, JsonValue], document: WorkflowDocument, nodes: Mapping[str, NodeInfo]
) -> dict[str, JsonValue]:
	"""A document of the editor form in which seeds move after a run as the layout of a native one says.

	What was kept of the file that a native one came from may have the words that it had then.
	"""
	found = {**written, **_with_words(written, document.nodes, document.layout, nodes)}
	definitions = mapping(written.get('definitions'))
	listed = definitions.get('subgraphs')
	if isinstance(listed, list):
		instances = Instances(document, nodes)
		inner = {instances.id(name): definition for name, definition in document.subgraphs.items()}
		made: list[JsonValue] = []
		for body in listed:
			definition = inner.get(text(mapping(body).get('id')))
			made.append(
				{**mapping(body), **_with_words(mapping(body), definition.nodes, definition.layout, nodes)}
				if definition is not None
				else body
			)
		found['definitions'] = {**definitions, 'subgraphs': made}
	return found


def _with_words(
	body: Mapping[str, JsonValue], entries: Iterable[str], layout: Layout, nodes: Mapping[str, NodeInfo]
) -> dict[str, JsonValue]:
	"""The nodes of a canvas, with the words that its layout wants."""
	ids = node_ids([*entries, *layout.notes])
	wanted = {str(ids[node]): place.seeds for node, place in layout.nodes.items() if place.seeds and node in ids}
	listed = body.get('nodes')
	if not wanted or not isinstance(listed, list):
		return {}
	made: list[JsonValue] = []
	for entry in listed:
		seeds = wanted.get(identity(mapping(entry).get('id')) or '')
		info = nodes.get(text(mapping(entry).get('type')))
		made.append(with_words(entry, info, seeds) if seeds and info is not None else entry)
	return {'nodes': made}


def _definition(
	name: str, definition: SubgraphDefinition, document: WorkflowDocument, instances: Instances, numbers: Numbers
) -> dict[str, JsonValue]:
	canvas = WrittenCanvas(definition.nodes, definition.layout, document, instances, numbers, definition)
	id = instances.id(name)
	groups = write_groups(definition.layout)
	links: list[JsonValue] = [
		{
			'id': wire.number,
			'origin_id': wire.origin,
			'origin_slot': wire.origin_slot,
			'target_id': wire.target,
			'target_slot': wire.target_slot,
			'type': wire.type,
		}
		for wire in canvas.wires
	]

	def slots(listed: Iterable[tuple[str, str, str]], end: str, index_of: str) -> list[JsonValue]:
		return [
			{
				'id': str(uuid5(NAMESPACE_URL, f'{id}/{end}/{slot}')),
				'name': slot,
				'type': type or '*',
				'linkIds': [
					wire.number
					for wire in canvas.wires
					if str(getattr(wire, end)) == index_of and getattr(wire, f'{end}_slot') == index
				],
				**({'label': label} if label else {}),
			}
			for index, (slot, type, label) in enumerate(listed)
		]

	inputs = slots(
		((slot, item.type or '', item.label) for slot, item in definition.inputs.items()), 'origin', INSIDE_INPUTS
	)
	outputs = slots(
		((slot, item.type or '', item.label) for slot, item in definition.outputs.items()), 'target', INSIDE_OUTPUTS
	)
	return {
		'id': id,
		'version': 1,
		'state': {
			'lastGroupId': len(groups),
			'lastNodeId': canvas.last_node,
			'lastLinkId': canvas.last_link,
			'lastRerouteId': 0,
		},
		'revision': 0,
		'config': {},
		'name': definition.title or name,
		'inputNode': {'id': int(INSIDE_INPUTS), 'bounding': [canvas.left - 220, 0, 120, 40 + 20 * len(inputs)]},
		'outputNode': {'id': int(INSIDE_OUTPUTS), 'bounding': [canvas.right + 100, 0, 120, 40 + 20 * len(outputs)]},
		'inputs': inputs,
		'outputs': outputs,
		'widgets': [],
		'nodes': canvas.entries(),
		'groups': groups,
		'links': links,
		'extra': {},
		**({'description': definition.description} if definition.description else {}),
	}
