"""The native workflow file: what the editor saves, what the command line runs.

Inputs and links go by name, never by position; the layout is a block of its own; named workflow inputs and outputs let
a saved workflow be called like a function. A link is an object with exactly the keys `node` and `output` (a name, or a
number where names repeat). A constant that itself is an object is wrapped: `{"value": {…}}`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue, ValidationError

from engine.declaration import NodeInfo
from engine.errors import BadDocument
from engine.formats.document import NodeEntry, WorkflowDocument
from engine.formats.migrate import VERSION
from engine.graph import Argument, BadLink, Call, Constant, Graph, Link, NodeId


def is_native(document: JsonValue) -> bool:
	"""Whether a document says that it is a native workflow file."""
	return isinstance(document, dict) and 'lumengraph' in document


def read_document(document: JsonValue) -> WorkflowDocument:
	"""Read the file's structure. Raises `BadDocument` that names every place that is wrong."""
	if isinstance(document, dict):
		_check_version(document.get('lumengraph'))
	try:
		return WorkflowDocument.model_validate(document)
	except ValidationError as error:
		places = '; '.join(
			f'{".".join(str(part) for part in detail["loc"])}: {detail["msg"]}' for detail in error.errors()
		)
		raise BadDocument(f'This is not a workflow file: {places}.') from error


def check_version(document: WorkflowDocument) -> None:
	"""Raise `BadDocument` if a file was written by a newer program than this one."""
	_check_version(document.lumengraph)


def _check_version(version: JsonValue) -> None:
	# Said before anything else: a newer file may be wrong in every other place, too.
	if isinstance(version, int | float) and not isinstance(version, bool) and version > VERSION:
		raise BadDocument(f'The file has version {version}; this program reads up to version {VERSION}.')


def read_native(document: WorkflowDocument, nodes: Mapping[str, NodeInfo]) -> Graph:
	"""The graph of a file; output names are looked up in the declarations."""
	return Graph(
		{
			NodeId(node): Call(
				entry.kind,
				{name: _argument(value, document, nodes) for name, value in entry.inputs.items()},
				entry.title,
			)
			for node, entry in document.nodes.items()
		}
	)


def write_native(
	graph: Graph, nodes: Mapping[str, NodeInfo], *, base: WorkflowDocument | None = None
) -> WorkflowDocument:
	"""Write a graph as a native file. What `base` holds beside the graph is kept, as far as its nodes are still there."""
	former = base.nodes if base is not None else {}
	entries: dict[str, NodeEntry] = {}
	for node, call in graph.calls.items():
		inputs = {name: _written(argument, graph, nodes) for name, argument in call.inputs.items()}
		entry = former.get(node) or NodeEntry(kind=call.kind)
		entries[node] = entry.model_copy(update={'kind': call.kind, 'title': call.title, 'inputs': inputs})
	document = base or WorkflowDocument(lumengraph=VERSION, nodes={})
	return document.model_copy(update={'nodes': entries})


def _written(argument: Argument, graph: Graph, nodes: Mapping[str, NodeInfo]) -> JsonValue:
	match argument:
		case Link(node, output):
			source = graph.calls.get(node)
			info = nodes.get(source.kind) if source is not None else None
			# By number where a name would not do.
			name = info.outputs[output].name if info is not None and 0 <= output < len(info.outputs) else ''
			named = info is not None and info.output_index(name) == output
			return {'node': node, 'output': name if named else output}
		case Constant(value):
			return {'value': value} if isinstance(value, dict) else value
		case BadLink(value):
			return value
		case _:
			raise TypeError('A live value cannot be written down.')


def _argument(value: JsonValue, document: WorkflowDocument, nodes: Mapping[str, NodeInfo]) -> Argument:
	if not isinstance(value, dict):
		return Constant(value)
	if set(value) == {'value'}:
		return Constant(value['value'])
	node, output = value.get('node'), value.get('output')
	if set(value) != {'node', 'output'} or not isinstance(node, str):
		return BadLink(value, 'a link is {"node": id, "output": name}, another object is wrapped in {"value": …}')
	if isinstance(output, int) and not isinstance(output, bool):
		return Link(NodeId(node), output)
	if not isinstance(output, str):
		return BadLink(value, 'the output of a link is a name or a number')
	source = document.nodes.get(node)
	if source is None:
		return BadLink(value, f'there is no node {node!r}')
	info = nodes.get(source.kind)
	if info is None:
		return BadLink(value, f'node {node!r} is of unknown kind {source.kind!r}')
	index = info.output_index(output)
	if index is None:
		names = ', '.join(item.name for item in info.outputs) or 'none'
		return BadLink(value, f'node {node!r} ({source.kind}) has no output {output!r}; it has: {names}')
	return Link(NodeId(node), index)
