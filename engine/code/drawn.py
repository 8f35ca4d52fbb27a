"""A workflow that was built in code as a native document: laid out, with its names, written at once or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from engine.declaration import Choice, NodeInfo, Number, Text
from engine.dynamic import live_inputs
from engine.formats.convert import as_native
from engine.formats.document import Layout, NodePlace
from engine.formats.workflow import Workflow
from engine.formats.writing import to_json
from engine.graph import Call, Graph, Link
from engine.layering import Size, lay_out

WIDTH, HEAD, SOCKET, WIDGET, TALL = 270.0, 52.0, 24.0, 31.0, 60.0
"""About how large the editor draws a node: its width, its title, and each row; a text of several lines has more room."""
SEED, COMPLAINT = 26.0, 90.0
"""What a seed has below it, and what is said of a model file that is missing."""


def drawn_document(workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> dict[str, JsonValue]:
	"""The native document of a workflow, with places for all nodes that have none."""
	document = as_native(workflow, nodes)
	layout = document.layout
	if any(node not in layout.nodes for node in document.nodes):
		# Nodes inside of subgraphs have their places there.
		found = {node: place for node, place in tidy(workflow.graph, nodes).nodes.items() if node in document.nodes}
		layout = layout.model_copy(update={'nodes': {**found, **layout.nodes}})
	named = document.model_copy(
		update={
			'title': workflow.title,
			'description': workflow.description,
			'inputs': dict(workflow.inputs),
			'outputs': dict(workflow.outputs),
			'layout': layout,
		}
	)
	return to_json(named)


def tidy(graph: Graph, nodes: Mapping[str, NodeInfo]) -> Layout:
	"""Nodes from left to right, none over another."""
	sizes = {
		node: _roomy(drawn_size(call, nodes.get(call.kind)), nodes.get(call.kind)) for node, call in graph.calls.items()
	}
	places = lay_out(graph, sizes).places
	return Layout(nodes={node: NodePlace(x=round(place.x), y=round(place.y)) for node, place in places.items()})


def _roomy(size: Size, info: NodeInfo | None) -> Size:
	"""The size with room for what may be said of files that are missing."""
	files = [
		item
		for item in (info.inputs if info is not None else ())
		if isinstance(item.widget, Choice) and item.widget.files_from.startswith('models:')
	]
	return Size(size.width, size.height + len(files) * COMPLAINT)


def drawn_size(call: Call, info: NodeInfo | None) -> Size:
	"""About how large the editor draws a node."""
	if info is None:
		return Size(WIDTH, HEAD + len(call.inputs) * WIDGET)
	inputs = live_inputs(info, call.inputs)
	widgets = [item for item in inputs if item.widget is not None]
	linked = [item for item in widgets if isinstance(call.inputs.get(item.name), Link)]
	tall = [
		item
		for item in widgets
		if (isinstance(item.widget, Text) and item.widget.multiline)
		or (isinstance(item.widget, Choice) and item.widget.upload)
	]
	seeds = [item for item in widgets if isinstance(item.widget, Number) and item.widget.seed]
	sockets = max(len(inputs) - len(widgets) + len(linked), len(info.outputs))
	rows = sockets * SOCKET + len(widgets) * WIDGET + len(tall) * TALL + len(seeds) * SEED
	return Size(WIDTH, HEAD + rows)


def write_file(path: Path, text: str) -> None:
	"""Write a file at once or not at all."""
	partial = path.with_name(f'.{path.name}.{os.getpid()}')
	partial.write_text(text, encoding='utf-8')
	partial.replace(path)
