"""A workflow from any form into any other, with what the other form cannot say put aside instead of lost."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.errors import BadDocument
from engine.formats.delta import apply, difference, loosened
from engine.formats.document import NodeEntry, WorkflowDocument
from engine.formats.editor.drawn import read_layout
from engine.formats.editor.read import EditorReading, read_editor
from engine.formats.editor.sheet import mapping
from engine.formats.editor.structure import structured
from engine.formats.editor.write import with_policies, write_editor
from engine.formats.editor.write_canvas import node_ids
from engine.formats.native import flat_document, is_structured, read_document, read_native, settled, write_native
from engine.formats.prompt import write_prompt
from engine.formats.unnamed import VALUES
from engine.formats.workflow import Form, Workflow
from engine.formats.writing import to_json
from engine.graph import Argument, Call, Constant, Graph, Link, NodeId

EDITOR = 'editor'
"""The block of a native file that holds what the editor's document that it came from says beyond it, for the way back.

It may be removed; nothing else needs it. `numbers` are those of the links, `beyond` is a delta (`engine.formats.delta`) to
what `write_editor` makes of the file; `document` is the whole document, where that would not do.
"""
BESIDE = 'comfy'
"""The same in a node, for what the API form says of it beside its kind and inputs; and in the file, that it came from there.

A file with one of these blocks may carry inputs that its nodes do not declare, since those forms may.
"""
TYPE, VALUE = '__type__', '__value__'
"""What is in the wrapper that the API form has around values that are told with their type."""
WRAPPED = frozenset({'CURVE'})


def converted(workflow: Workflow, to: Form, nodes: Mapping[str, NodeInfo]) -> dict[str, JsonValue]:
	"""The workflow in another form, as JSON."""
	with _collector_at_rest():
		match to:
			case 'native':
				return to_json(as_native(workflow, nodes))
			case 'api':
				return as_prompt(workflow, nodes)
			case 'editor':
				return as_editor(workflow, nodes)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
	"""Keep Python from looking for circles meanwhile: of thousands of nodes that are all alive it would find none."""
	was_on = gc.isenabled()
	gc.disable()
	try:
		yield
	finally:
		if was_on:
			gc.enable()


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
			update={
				'nodes': {node: _with_rest(entry, workflow.source.get(node)) for node, entry in made.nodes.items()},
				BESIDE: {'form': 'api'},
			}
		)
	reading = workflow.reading or read_editor(dict(workflow.source), nodes)
	document = _of_editor(workflow.source, reading, nodes)
	return document if reading.graph == workflow.graph else write_native(workflow.graph, nodes, base=document)


def _of_editor(
	source: Mapping[str, JsonValue], reading: EditorReading, nodes: Mapping[str, NodeInfo]
) -> WorkflowDocument:
	"""What a document of the editor form says, in ours; flat, if its structure cannot be said in ours.

	What of it the document would not say when it is written in the editor form again is kept in a block.
	"""
	made, numbers = structured(source, reading.canvas, nodes)
	if not _comes_to(made, reading.graph, nodes):
		flat = write_native(reading.graph, nodes)
		layout = read_layout(source, reading.canvas.places.root.sheet, nodes)
		return flat.model_copy(update={'layout': layout, EDITOR: {'document': dict(source)}})
	made = settled(made, nodes)
	drawn = write_editor(made, nodes, numbers)
	delta = difference(drawn, dict(source))
	kept: dict[str, JsonValue] = {
		'numbers': {name: {**listed} for name, listed in numbers.items()},
		'beyond': delta,
	}
	if apply(drawn, delta) != source:
		kept = {'document': dict(source)}
	return made.model_copy(update={EDITOR: kept})


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
	if types := _written_types(told):
		rest[TYPE] = {**types}
	return entry.model_copy(update={BESIDE: rest}) if rest else entry


def as_prompt(workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> dict[str, JsonValue]:
	"""The API form, with what an earlier API form of this workflow said beside it."""
	written = write_prompt(workflow.graph)
	for node, call in workflow.graph.calls.items():
		body = mapping(written[node])
		types = _types(workflow, node, nodes.get(call.kind))
		typed: dict[str, JsonValue] = {
			name: {TYPE: types[name], VALUE: given.value}
			for name, given in call.inputs.items()
			if name in types and isinstance(given, Constant) and given.value is not None
		}
		if typed:
			body = {**body, 'inputs': {**mapping(body['inputs']), **typed}}
		rest = _rest(workflow, node)
		meta = {**mapping(rest.get('_meta')), **mapping(body.get('_meta'))}
		written[node] = {**rest, **body, **({'_meta': meta} if meta else {})}
	return written


def _types(workflow: Workflow, node: str, info: NodeInfo | None) -> Mapping[str, JsonValue]:
	"""The inputs whose values the API form has in a wrapper that tells the type.

	As it was written where the workflow came from that form, else those of the types for which ComfyUI's editor does so.
	"""
	if workflow.form == 'api':
		return _written_types(mapping(workflow.source.get(node)))
	if 'form' in mapping(workflow.source.get(BESIDE)):
		return mapping(_kept(workflow, node).get(TYPE))
	return {item.name: item.type for item in info.inputs if item.type in WRAPPED} if info is not None else {}


def _written_types(body: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
	"""The types that a node's wrapped values tell."""
	return {
		name: value[TYPE]
		for name, value in mapping(body.get('inputs')).items()
		if isinstance(value, dict) and TYPE in value and VALUE in value
	}


def _rest(workflow: Workflow, node: str) -> Mapping[str, JsonValue]:
	if workflow.form == 'api':
		return mapping(workflow.source.get(node))
	if workflow.form == 'native':
		return {name: value for name, value in _kept(workflow, node).items() if name not in (VALUES, TYPE)}
	return {}


def _kept(workflow: Workflow, node: str) -> Mapping[str, JsonValue]:
	"""What a native file has beside a node."""
	return mapping(mapping(mapping(workflow.source.get('nodes')).get(node)).get(BESIDE))


def as_editor(workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> dict[str, JsonValue]:
	"""The editor form. If the workflow came from one and is still the same, that very document.

	Else what that said beyond ours is put back as far as the document still says what the workflow says.
	"""
	if workflow.form == 'editor':
		reading = workflow.reading or read_editor(dict(workflow.source), nodes)
		if reading.graph == workflow.graph:
			return dict(workflow.source)
	document = as_native(workflow, nodes)
	kept = mapping((document.model_extra or {}).get(EDITOR))
	for looser in (kept, {**kept, 'beyond': loosened(kept.get('beyond'))}) if kept else ():
		written = _editor_of(document, nodes, looser)
		if _says(written, workflow.graph, nodes):
			return written
	plain = write_editor(document, nodes)
	if not is_structured(document) or _says(plain, workflow.graph, nodes):
		return plain
	# What only ours can say, such as an input that a bypassed node hands on against the types, is taken apart.
	return write_editor(flat_document(workflow.graph, nodes, document), nodes)


def _editor_of(
	document: WorkflowDocument, nodes: Mapping[str, NodeInfo], kept: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
	"""The editor form of a document, with what was kept of the one that it came from."""
	if isinstance(kept.get('document'), dict):
		return with_policies(mapping(kept['document']), document, nodes)
	numbers = {
		name: {node: mapping(given) for node, given in mapping(listed).items()}
		for name, listed in mapping(kept.get('numbers')).items()
	}
	drawn = apply(write_editor(document, nodes, numbers), kept.get('beyond'))
	return with_policies(mapping(drawn), document, nodes)


def _says(written: Mapping[str, JsonValue], graph: Graph, nodes: Mapping[str, NodeInfo]) -> bool:
	"""Whether a document of the editor form says what a graph says.

	Ids may have become others, and the reader may have put in the defaults of widgets that have no value.
	"""
	try:
		read = _renamed(read_editor(dict(written), nodes).graph)
	except BadDocument:
		return False
	wanted = _renamed(graph)
	if read.calls.keys() != wanted.calls.keys():
		return False
	for node, call in wanted.calls.items():
		again = read.calls[node]
		if (again.kind, again.title) != (call.kind, call.title):
			return False
		for name in again.inputs.keys() | call.inputs.keys():
			given, found = call.inputs.get(name), again.inputs.get(name)
			dangling = isinstance(given, Link) and given.node not in wanted.calls
			filled = (dangling or given in (None, Constant(None))) and isinstance(found, Constant | None)
			if given != found and not filled:
				return False
	return True


def _renamed(graph: Graph) -> Graph:
	"""A graph whose nodes are called as the editor form calls them."""
	names = node_ids(graph.calls)

	def named(argument: Argument) -> Argument:
		if isinstance(argument, Link):
			return Link(NodeId(str(names.get(argument.node, argument.node))), argument.output)
		return argument

	return Graph(
		{
			NodeId(str(names[node])): Call(
				call.kind, {name: named(given) for name, given in call.inputs.items()}, call.title
			)
			for node, call in graph.calls.items()
		}
	)
