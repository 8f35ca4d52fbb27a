"""The native workflow file: what the editor saves, what the command line runs.

| step | file |
|---|---|
| what stands in a file | `document.py`, `migrate.py`, `arguments.py` |
| document → flat graph | `flatten.py`, `sockets.py` |
| changed graph → document | here |
| document → text | `writing.py` |
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue, ValidationError

from engine.declaration import NodeInfo
from engine.errors import BadDocument
from engine.formats.arguments import FromNode, output_reference, write_argument, write_bad_link
from engine.formats.document import FIRST_VERSION, SUBGRAPH, NodeEntry, WorkflowDocument
from engine.formats.flatten import Flat, flatten
from engine.formats.migrate import VERSION
from engine.formats.sockets import Sockets
from engine.formats.unnamed import with_names
from engine.graph import Argument, BadLink, Call, Constant, Graph, Link, NodeId

PACKS = 'custom_nodes.'
"""What the origin of a kind begins with that comes from a pack."""


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
	"""The flat graph of a file, see `engine.formats.flatten`."""
	return flatten(document, nodes).graph


def write_native(
	graph: Graph, nodes: Mapping[str, NodeInfo], *, base: WorkflowDocument | None = None
) -> WorkflowDocument:
	"""Write a graph as a native file. What `base` holds beside the graph is kept, as far as its nodes are still there.

	Changes are written where `base` has the value: also that of an instance of a subgraph. If a change is none that the
	subgraphs of `base` could say, the nodes inside of instances become nodes of the workflow itself.
	"""
	if base is None:
		return flat_document(graph, nodes, WorkflowDocument(lumengraph=VERSION, nodes={}))
	flat = flatten(base, nodes)
	changed = base if flat.graph == graph else _Changes(graph, nodes, base, flat).document()
	if changed is None or (changed is not base and flatten(changed, nodes).graph != graph):
		changed = flat_document(graph, nodes, base)
	return settled(changed, nodes)


def settled(document: WorkflowDocument, nodes: Mapping[str, NodeInfo]) -> WorkflowDocument:
	"""The document as it is written: inputs in declared order, and the versions of the kinds that are installed."""
	document = with_names(document, nodes)
	return document.model_copy(
		update={
			'nodes': {node: _settled(entry, nodes) for node, entry in document.nodes.items()},
			'subgraphs': {
				name: definition.model_copy(
					update={'nodes': {node: _settled(entry, nodes) for node, entry in definition.nodes.items()}}
				)
				for name, definition in document.subgraphs.items()
			},
		}
	)


def is_structured(document: WorkflowDocument) -> bool:
	"""Whether the graph that runs is another one than the nodes of the document: it has subgraphs or switched-off nodes."""
	return bool(document.subgraphs) or any(entry.mode != 'run' for entry in document.nodes.values())


def flat_document(graph: Graph, nodes: Mapping[str, NodeInfo], base: WorkflowDocument) -> WorkflowDocument:
	"""A document whose nodes are those of the graph, and what is switched off in `base`, without subgraphs."""
	entries: dict[str, NodeEntry] = {}
	for node, call in graph.calls.items():
		inputs = {name: _written(argument, graph, nodes) for name, argument in call.inputs.items()}
		entry = base.nodes.get(node)
		if entry is None or entry.kind != call.kind:
			entry = NodeEntry(kind=call.kind)
		entries[node] = _settled(_with(entry, call, inputs), nodes)
	off = {
		node: entry
		for node, entry in base.nodes.items()
		if entry.mode != 'run' and not entry.kind.startswith(SUBGRAPH) and node not in entries
	}
	entries.update(off)
	return base.model_copy(update={'nodes': entries, 'subgraphs': {}})


def _with(entry: NodeEntry, call: Call, inputs: Mapping[str, JsonValue]) -> NodeEntry:
	return entry.model_copy(
		update={'kind': call.kind, 'title': call.title, 'inputs': dict(inputs), 'mode': 'run', 'passes': {}}
	)


def _settled(entry: NodeEntry, nodes: Mapping[str, NodeInfo]) -> NodeEntry:
	"""With the version and the pack of its kind, and its inputs in the order in which that declares them."""
	info = nodes.get(entry.kind)
	if info is None:
		return entry
	order = {item.name: index for index, item in enumerate(info.inputs)}
	names = sorted(entry.inputs, key=lambda name: order.get(name.partition('.')[0], len(order)))
	version = '' if info.version == FIRST_VERSION else info.version
	pack = entry.pack or (info.origin.removeprefix(PACKS) if info.origin.startswith(PACKS) else '')
	if (version, pack) == (entry.version, entry.pack) and names == list(entry.inputs):
		return entry
	inputs = {name: entry.inputs[name] for name in names}
	return entry.model_copy(update={'version': version, 'pack': pack, 'inputs': inputs})


def _written(argument: Argument, graph: Graph, nodes: Mapping[str, NodeInfo]) -> JsonValue:
	match argument:
		case Link(node, output):
			source = graph.calls.get(node)
			info = nodes.get(source.kind) if source is not None else None
			names = tuple(item.name for item in info.outputs) if info is not None else ()
			return write_argument(FromNode(node, output_reference(names, output)))
		case Constant():
			return write_argument(argument)
		case BadLink():
			return write_bad_link(argument)
		case _:
			raise TypeError('A live value cannot be written down.')


class _Changes:
	"""What differs between the graph of a document and another one, written into the document."""

	def __init__(self, graph: Graph, nodes: Mapping[str, NodeInfo], base: WorkflowDocument, flat: Flat) -> None:
		self._graph = graph
		self._nodes = nodes
		self._base = base
		self._flat = flat
		self._sockets = Sockets(nodes, base.subgraphs)

	def document(self) -> WorkflowDocument | None:
		"""The document; None if the subgraphs cannot say a change."""
		given = self._given_to_instances()
		if given is None:
			return None
		entries: dict[str, NodeEntry] = {}
		for node, entry in self._base.nodes.items():
			call = self._graph.calls.get(NodeId(node))
			if node in given:
				entries[node] = entry.model_copy(update={'inputs': {**entry.inputs, **given[node]}})
			elif call is not None:
				entries[node] = self._entry(node, entry, call)
			elif NodeId(node) not in self._flat.graph.calls:
				# An instance, or what is muted or bypassed.
				entries[node] = entry
		for id, call in self._graph.calls.items():
			if id not in self._flat.graph.calls:
				if id in entries:
					return None
				entries[id] = self._entry(id, NodeEntry(kind=call.kind), call)
		return self._base.model_copy(update={'nodes': entries})

	def _entry(self, node: str, entry: NodeEntry, call: Call) -> NodeEntry:
		former = self._flat.graph.calls.get(NodeId(node))
		before = former.inputs if former is not None else {}
		inputs = {name: value for name, value in entry.inputs.items() if name not in before or name in call.inputs}
		for name, argument in call.inputs.items():
			if name not in before or before[name] != argument:
				inputs[name] = self._value(argument)
		if former is None or former.kind != call.kind:
			return _with(entry, call, inputs)
		return entry.model_copy(update={'title': call.title, 'inputs': inputs})

	def _value(self, argument: Argument) -> JsonValue:
		result = self._flat.results.get(argument) if isinstance(argument, Link) else None
		if result is None:
			return _written(argument, self._graph, self._nodes)
		node, output = result
		names = self._sockets.output_names(self._base.nodes[node]) or ()
		return write_argument(FromNode(node, output_reference(names, output)))

	def _given_to_instances(self) -> dict[str, dict[str, JsonValue]] | None:
		"""What instances have to be given for the changes inside of them; None if that cannot be said so."""
		places: dict[tuple[str, str], list[tuple[str, str]]] = {}
		for (instance, name), targets in self._flat.targets.items():
			if instance in self._base.nodes:
				for target in targets:
					places.setdefault(target, []).append((instance, name))
		given: dict[str, dict[str, JsonValue]] = {}
		for node, former in self._flat.graph.calls.items():
			if node in self._base.nodes:
				continue
			call = self._graph.calls.get(node)
			if call is None or (call.kind, call.title) != (former.kind, former.title):
				return None
			for name in call.inputs.keys() | former.inputs.keys():
				argument = call.inputs.get(name)
				if argument == former.inputs.get(name):
					continue
				if argument is None or (node, name) not in places:
					return None
				instance, promoted = places[node, name][0]
				given.setdefault(instance, {})[promoted] = self._value(argument)
		return given
