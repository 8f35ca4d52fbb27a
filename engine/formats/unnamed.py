"""Widget values of kinds that were not known when a file of the editor form became a native one.

That form has values in places, and only the declaration of a kind names them. So they are kept as they were, and named as
soon as the kind is known.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.formats.arguments import write_argument
from engine.formats.document import Layout, NodeEntry, WorkflowDocument
from engine.formats.editor.controls import policies
from engine.formats.editor.sheet import EditorNode, mapping
from engine.formats.editor.widgets import named_values
from engine.graph import Constant

BLOCK, VALUES = 'comfy', 'widgets_values'


def unnamed_values(entry: NodeEntry) -> list[JsonValue]:
	"""The values of a node that have no names."""
	values = mapping((entry.model_extra or {}).get(BLOCK)).get(VALUES)
	return values if isinstance(values, list) else []


def with_names(document: WorkflowDocument, nodes: Mapping[str, NodeInfo]) -> WorkflowDocument:
	"""The document with names for the values of kinds that are known here by now."""
	changes: dict[str, object] = {}
	own = _named(document.nodes, nodes)
	if own is not document.nodes:
		changes |= {'nodes': own, 'layout': _with_seeds(document.layout, document.nodes, nodes)}
	for name, definition in document.subgraphs.items():
		inner = _named(definition.nodes, nodes)
		if inner is not definition.nodes:
			subgraphs = changes.setdefault('subgraphs', dict(document.subgraphs))
			if isinstance(subgraphs, dict):
				layout = _with_seeds(definition.layout, definition.nodes, nodes)
				subgraphs[name] = definition.model_copy(update={'nodes': inner, 'layout': layout})
	return document.model_copy(update=changes) if changes else document


def _with_seeds(layout: Layout, entries: Mapping[str, NodeEntry], nodes: Mapping[str, NodeInfo]) -> Layout:
	"""The layout with what the values without names say becomes of seeds after a run."""
	places = dict(layout.nodes)
	for node, entry in entries.items():
		values = unnamed_values(entry)
		if values and node in places and not places[node].seeds:
			seeds = policies(EditorNode(node, entry.kind, values=values), nodes.get(entry.kind))
			places[node] = places[node].model_copy(update={'seeds': seeds})
	return layout.model_copy(update={'nodes': places})


def _named(entries: dict[str, NodeEntry], nodes: Mapping[str, NodeInfo]) -> dict[str, NodeEntry]:
	waiting = [
		node for node, entry in entries.items() if entry.model_extra and entry.kind in nodes and unnamed_values(entry)
	]
	if not waiting:
		return entries
	found = dict(entries)
	for node in waiting:
		entry = entries[node]
		read = named_values(EditorNode(node, entry.kind, values=unnamed_values(entry)), nodes[entry.kind]).values
		given = {name: write_argument(Constant(value)) for name, value in read.items()}
		rest = {name: value for name, value in mapping((entry.model_extra or {})[BLOCK]).items() if name != VALUES}
		body = {**entry.model_dump(exclude_unset=True, exclude={BLOCK}), 'inputs': {**given, **entry.inputs}}
		found[node] = NodeEntry.model_validate({**body, **({BLOCK: rest} if rest else {})})
	return found
