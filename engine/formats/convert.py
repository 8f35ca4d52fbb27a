"""A workflow from any form into any other, with what the other form cannot say put aside instead of lost."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.errors import BadDocument
from engine.formats.document import NodeEntry, WorkflowDocument
from engine.formats.editor.drawn import read_layout
from engine.formats.editor.read import read_editor
from engine.formats.editor.sheet import identity, mapping, objects, read_sheet
from engine.formats.editor.structure import structured
from engine.formats.editor.write import Corner, write_editor
from engine.formats.native import read_document, read_native, write_native
from engine.formats.prompt import write_prompt
from engine.formats.workflow import Form, Workflow
from engine.formats.writing import to_json
from engine.graph import Graph

EDITOR = 'editor'
"""The block of a native file that holds the editor's document it came from. It may be removed; nothing else needs it."""
BESIDE = 'comfy'
"""The same in a node, for what the API form says of it beside its kind and inputs."""


def converted(workflow: Workflow, to: Form, nodes: Mapping[str, NodeInfo]) -> dict[str, JsonValue]:
	"""The workflow in another form, as JSON."""
	match to:
		case 'native':
			return to_json(as_native(workflow, nodes))
		case 'api':
			return as_prompt(workflow)
		case 'editor':
			return as_editor(workflow, nodes)


def beside_prompt(workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> dict[str, JsonValue]:
	"""What is written into saved pictures beside the prompt, by name: the workflow as its own editor opens it."""
	match workflow.form:
		case 'native':
			return {'lumengraph': converted(workflow, 'native', nodes)}
		case 'editor':
			return {'workflow': as_editor(workflow, nodes)}
		case 'api':
			return {}


def as_native(workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> WorkflowDocument:
	"""The native document. One that came from the editor form keeps that in a block of its own."""
	if workflow.form == 'native':
		return write_native(workflow.graph, nodes, base=_document(workflow))
	if workflow.form == 'api':
		made = write_native(workflow.graph, nodes)
		return made.model_copy(
			update={'nodes': {node: _with_rest(entry, workflow.source.get(node)) for node, entry in made.nodes.items()}}
		)
	base = _of_editor(workflow.source, nodes)
	return write_native(workflow.graph, nodes, base=base)


def _of_editor(source: Mapping[str, JsonValue], nodes: Mapping[str, NodeInfo]) -> WorkflowDocument:
	"""What a document of the editor form says, in ours; flat, if its structure cannot be said in ours."""
	reading = read_editor(dict(source), nodes)
	kept = {EDITOR: dict(source)}
	if reading.canvas is not None:
		made = structured(source, reading.canvas, nodes).model_copy(update=kept)
		if _comes_to(made, reading.graph, nodes):
			return made
	flat = write_native(reading.graph, nodes)
	return flat.model_copy(update={'layout': read_layout(source, read_sheet(source, [])), **kept})


def _comes_to(document: WorkflowDocument, graph: Graph, nodes: Mapping[str, NodeInfo]) -> bool:
	try:
		return read_native(document, nodes) == graph
	except BadDocument:
		return False


def _document(workflow: Workflow) -> WorkflowDocument | None:
	return read_document(dict(workflow.source)) if workflow.source else None


def _with_rest(entry: NodeEntry, body: JsonValue) -> NodeEntry:
	"""A node with what the API form says of it and our form has no place for."""
	told = mapping(body)
	rest = {name: value for name, value in told.items() if name not in ('class_type', 'inputs', '_meta')}
	meta = {name: value for name, value in mapping(told.get('_meta')).items() if name != 'title'}
	if meta:
		rest['_meta'] = meta
	return NodeEntry.model_validate({**entry.model_dump(), BESIDE: rest}) if rest else entry


def as_prompt(workflow: Workflow) -> dict[str, JsonValue]:
	"""The API form, with what an earlier API form of this workflow said beside it."""
	written = write_prompt(workflow.graph)
	for node, body in written.items():
		rest = _rest(workflow, node)
		if rest and isinstance(body, dict):
			meta = {**mapping(rest.get('_meta')), **mapping(body.get('_meta'))}
			written[node] = {**rest, **body, **({'_meta': meta} if meta else {})}
	return written


def _rest(workflow: Workflow, node: str) -> Mapping[str, JsonValue]:
	if workflow.form == 'api':
		return mapping(workflow.source.get(node))
	if workflow.form == 'native':
		return mapping(mapping(mapping(workflow.source.get('nodes')).get(node)).get(BESIDE))
	return {}


def as_editor(workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> dict[str, JsonValue]:
	"""The editor form. If the workflow came from one and is still the same, that very document."""
	former = workflow.source if workflow.form == 'editor' else mapping(workflow.source.get(EDITOR))
	if former and _says(former, workflow, nodes):
		return dict(former)
	places = _drawn_at(former)
	if workflow.form == 'native':
		places |= _laid_out(mapping(mapping(workflow.source.get('layout')).get('nodes')))
	return write_editor(workflow.graph, nodes, places=places, base=former)


def _says(former: Mapping[str, JsonValue], workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> bool:
	"""Whether an earlier document still says what the workflow says."""
	try:
		return read_editor(dict(former), nodes).graph == workflow.graph
	except BadDocument:
		return False


def _laid_out(layout: Mapping[str, JsonValue]) -> dict[str, Corner]:
	found: dict[str, Corner] = {}
	for node, value in layout.items():
		place = mapping(value)
		x, y, width = _number(place.get('x')), _number(place.get('y')), _number(place.get('width'))
		if x is not None and y is not None:
			found[node] = Corner(x, y, width)
	return found


def _drawn_at(document: Mapping[str, JsonValue]) -> dict[str, Corner]:
	"""Where the nodes of an editor's document lie; those inside of subgraphs are left out."""
	found: dict[str, Corner] = {}
	for entry in objects(document.get('nodes')):
		id = identity(entry.get('id'))
		(x, y), (width, _) = _pair(entry.get('pos')), _pair(entry.get('size'))
		if id is not None and x is not None and y is not None:
			found[id] = Corner(x, y, width)
	return found


def _pair(value: JsonValue) -> tuple[float | None, float | None]:
	"""Two numbers, as a list or as an object with the keys 0 and 1."""
	if isinstance(value, list):
		parts = [*value, None, None]
		return _number(parts[0]), _number(parts[1])
	return _number(mapping(value).get('0')), _number(mapping(value).get('1'))


def _number(value: JsonValue) -> float | None:
	return value if isinstance(value, int | float) and not isinstance(value, bool) else None
