"""A native document → the flat graph that runs: instances of subgraphs taken apart, muted and bypassed nodes gone.

A node inside of an instance has the id `INSTANCE:INNER`, as in ComfyUI's API form. A muted node gives nothing; a bypassed
one hands on, for each output, what is linked to one of its inputs. Links are followed in a loop, one step after the
other, so that no file is too deep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.errors import BadDocument
from engine.formats.arguments import FromNode, FromOutside, Misshapen, Written, read_argument
from engine.formats.document import SUBGRAPH, NodeEntry, SubgraphDefinition, WorkflowDocument
from engine.formats.sockets import Sockets
from engine.formats.unnamed import with_names
from engine.graph import Argument, BadLink, Call, Constant, Graph, Link, NodeId, node_id

DEEPEST = 50
MOST_NODES = 100_000

Target = tuple[NodeId, str]
"""A node of the flat graph, and one of its inputs."""
OutputPlace = tuple[str, str | int]
"""A node of the document, or one inside of an instance, and one of its outputs by name or number."""


@dataclass(eq=False, slots=True)
class Scope:
	"""One canvas where it is used: the workflow itself, or the inside of an instance."""

	nodes: Mapping[str, NodeEntry]
	prefix: str = ''
	definition: SubgraphDefinition | None = None
	instance: NodeEntry | None = None
	outer: Scope | None = None
	inside: dict[str, Scope] = field(default_factory=dict)

	@property
	def path(self) -> str:
		"""The id of the instance that this is the inside of."""
		return self.prefix.removesuffix(':')


@dataclass(frozen=True, slots=True)
class Flat:
	"""What a document comes to.

	`targets`: (id of an instance, its input) → the inputs inside that take it over; `idle` are those that nothing takes, since
	what would is switched off.
	`results`: an output inside of an instance of the workflow itself → (id of the instance, number of its output).
	`sources`: the other way round, for the named outputs of the workflow that stand at an instance or at a bypassed node:
	(node, output as it is written) → what gives it, None if nothing does. `off` are the muted and bypassed nodes that
	nothing else that is switched off is around.
	"""

	graph: Graph
	targets: Mapping[tuple[str, str], tuple[Target, ...]] = field(default_factory=dict)
	results: Mapping[Link, tuple[str, int]] = field(default_factory=dict)
	sources: Mapping[OutputPlace, Link | None] = field(default_factory=dict)
	off: frozenset[str] = frozenset()
	idle: frozenset[tuple[str, str]] = frozenset()


def flatten(document: WorkflowDocument, nodes: Mapping[str, NodeInfo]) -> Flat:
	"""The flat graph of a document; what is wrong with a single link becomes a `BadLink`.

	Raises `BadDocument` if a subgraph contains itself, if subgraphs multiply beyond all measure, or if two nodes come to
	have one id.
	"""
	return _Flattener(with_names(document, nodes), nodes).flat()


class _Flattener:
	def __init__(self, document: WorkflowDocument, nodes: Mapping[str, NodeInfo]) -> None:
		self._document = document
		self._sockets = Sockets(nodes, document.subgraphs)
		self._root = Scope(document.nodes)
		self._targets: dict[tuple[str, str], list[Target]] = {}
		self._off: set[str] = set()

	def flat(self) -> Flat:
		calls: dict[NodeId, Call] = {}
		for scope, name, entry in self._records():
			id = node_id(scope.prefix + name)
			if id in calls:
				raise BadDocument(
					f'Two nodes have the id {id!r}: one of the workflow itself, one inside of an instance.'
				)
			calls[id] = Call(entry.kind, self._inputs(scope, entry, id), entry.title)
		for named in self._document.inputs.values():
			if not named.has_default:
				continue
			for place, given in self._targets.get((named.node, named.input), [(NodeId(named.node), named.input)]):
				call = calls.get(place)
				if call is not None and given not in call.inputs:
					calls[place] = Call(call.kind, {**call.inputs, given: Constant(named.default)}, call.title)
		targets = {place: tuple(found) for place, found in self._targets.items() if found}
		idle = frozenset(self._targets.keys() - targets.keys())
		sources = dict(self._sources(calls))
		return Flat(Graph(calls), targets, dict(self._results()), sources, frozenset(self._off), idle)

	def _results(self) -> Iterator[tuple[Link, tuple[str, int]]]:
		for name, entry in self._document.nodes.items():
			definition = self._sockets.definition(entry)
			if definition is None or entry.mode != 'run':
				continue
			for number in range(len(definition.outputs)):
				found = self._trace(_Output(self._root, name, number, (entry, number)))
				if isinstance(found, Link) and found.node not in self._document.nodes:
					yield found, (name, number)

	def _sources(self, calls: Mapping[NodeId, Call]) -> Iterator[tuple[OutputPlace, Link | None]]:
		for named in self._document.outputs.values():
			found = self._find(named.node)
			if found is None or named.output is None or named.node in calls:
				continue
			scope, name = found
			entry = scope.nodes[name]
			index = self._sockets.output_index(entry, named.output)
			if isinstance(index, int):
				source = self._trace(_Output(scope, name, index, (entry, index)))
				# What is wrong with the output itself is for whoever asks for it.
				if not isinstance(source, str):
					yield (named.node, named.output), source if isinstance(source, Link) else None

	def _find(self, path: str) -> tuple[Scope, str] | None:
		"""Where a node stands, by its id in the flat graph; None if it is nowhere, or inside of what is switched off."""
		waiting = [self._root]
		while waiting:
			scope = waiting.pop()
			name = path.removeprefix(scope.prefix)
			if name in scope.nodes:
				return scope, name
			waiting += (inside for inside in scope.inside.values() if path.startswith(inside.prefix))
		return None

	def _records(self) -> Iterator[tuple[Scope, str, NodeEntry]]:
		"""Every node that runs, in the order of the file, the inside of an instance where the instance stands."""
		waiting = [(self._root, iter(self._root.nodes.items()))]
		count = 0
		while waiting:
			scope, listed = waiting[-1]
			name, entry = next(listed, ('', None))
			if entry is None:
				waiting.pop()
				continue
			count += 1
			if count > MOST_NODES:
				raise BadDocument(f'With its subgraphs taken apart, the workflow has more than {MOST_NODES} nodes.')
			if entry.mode != 'run':
				self._off.add(scope.prefix + name)
				continue
			definition = self._sockets.definition(entry)
			if definition is None:
				yield scope, name, entry
				continue
			inside = _inside(scope, name, entry, definition)
			for given in definition.inputs:
				self._targets.setdefault((inside.path, given), [])
			waiting.append((inside, iter(inside.nodes.items())))

	def _inputs(self, scope: Scope, entry: NodeEntry, id: NodeId) -> dict[str, Argument]:
		found: dict[str, Argument] = {}
		for name, value in entry.inputs.items():
			argument = self._follow(scope, entry, name, value, id) if isinstance(value, dict) else Constant(value)
			if argument is not None:
				found[name] = argument
		return found

	def _follow(self, scope: Scope, entry: NodeEntry, name: str, value: JsonValue, id: NodeId) -> Argument | None:
		"""What feeds an input in the end; None if nothing does."""
		given = read_argument(value)
		found = self._trace(_Input(scope, given, (entry, name)), (id, name))
		if not isinstance(found, str):
			return found
		return BadLink(given.value if isinstance(given, Misshapen) else value, found)

	def _trace(
		self, step: _Step | Constant | Link | str | None, target: Target | None = None
	) -> Constant | Link | str | None:
		"""What lies at the end of the way: a source, nothing, or the reason why there is none."""
		otherwise: list[Constant] = []
		seen: set[object] = set()
		while isinstance(step, _Input | _Output):
			if isinstance(step, _Output):
				# A circle of bypassed nodes gives nothing.
				again = step.mark in seen
				seen.add(step.mark)
				step = None if again else self._behind_output(step)
				continue
			if isinstance(step.given, FromOutside) and step.scope.definition is not None and target is not None:
				self._note(step.scope, step.given.name, target)
			otherwise += _otherwise(step)
			step = self._behind_input(step)
		return step if step is not None else otherwise[-1] if otherwise else None

	def _note(self, scope: Scope, name: str, target: Target) -> None:
		"""Remember that an input of an instance comes to be an input of a node inside."""
		listed = self._targets.setdefault((scope.path, name), [])
		if target not in listed:
			listed.append(target)

	@staticmethod
	def _behind_input(step: _Input) -> _Step | Constant | str | None:
		match step.given:
			case Constant():
				# What a bypassed node has itself is not handed on.
				return None if step.passing else step.given
			case Misshapen(reason):
				return reason
			case FromNode(node, output):
				return _Output(step.scope, node, output, step.wanted)
			case FromOutside(name):
				definition, instance, outer = step.scope.definition, step.scope.instance, step.scope.outer
				if definition is None or instance is None or outer is None:
					return '{"input": …} stands only inside of subgraphs'
				if name not in definition.inputs:
					return f'the subgraph has no input {name!r}; it has: {", ".join(definition.inputs) or "none"}'
				if name not in instance.inputs:
					return None
				return _Input(outer, read_argument(instance.inputs[name]), (instance, name))

	def _wanted_type(self, entry: NodeEntry, socket: str | int) -> str:
		if isinstance(socket, int):
			return self._sockets.output_type(entry, socket)
		return self._sockets.input_type(entry, socket)

	def _behind_output(self, step: _Output) -> _Step | Link | str | None:
		scope, entry = step.scope, step.scope.nodes.get(step.node)
		if entry is None:
			if scope.outer is None and isinstance(step.output, int):
				# It means the same in every form, so the checker reports it as it does elsewhere.
				return Link(node_id(step.node), step.output)
			return f'there is no node {step.node!r}'
		if entry.mode == 'mute':
			return None
		if entry.mode == 'bypass':
			passed = self._sockets.passed_input(entry, step.output, self._wanted_type(*step.wanted))
			if passed is None or passed not in entry.inputs:
				return None
			return _Input(scope, read_argument(entry.inputs[passed]), (entry, passed), passing=True)
		index = self._sockets.output_index(entry, step.output)
		if isinstance(index, str):
			return f'node {step.node!r} {index}'
		definition = self._sockets.definition(entry)
		if definition is None:
			return Link(node_id(scope.prefix + step.node), index)
		listed = list(definition.outputs.values())
		if not 0 <= index < len(listed):
			return f'node {step.node!r} ({entry.kind}) has no output {index}; it has {len(listed)}'
		inside = _inside(scope, step.node, entry, definition)
		output = listed[index]
		if output.input is not None:
			return _Input(inside, FromOutside(output.input), step.wanted)
		if output.node is None:
			return None
		return _Output(inside, output.node, 0 if output.output is None else output.output, step.wanted)


@dataclass(frozen=True, eq=False, slots=True)
class _Input:
	"""What is written at an input. `wanted`: the node that takes it in, and at which input of its own; or, where an output is
	looked behind for its own sake, the node and the number of that.

	`passing`: a bypassed node hands it on.
	"""

	scope: Scope
	given: Written
	wanted: tuple[NodeEntry, str | int]
	passing: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class _Output:
	"""An output to look behind."""

	scope: Scope
	node: str
	output: str | int
	wanted: tuple[NodeEntry, str | int]

	@property
	def mark(self) -> tuple[int, str, str | int, int, str | int]:
		"""Tells one step from another."""
		entry, name = self.wanted
		return id(self.scope), self.node, self.output, id(entry), name


_Step = _Input | _Output


def _otherwise(step: _Input) -> list[Constant]:
	"""What holds if nothing comes this way."""
	given = step.given
	if isinstance(given, FromOutside):
		definition = step.scope.definition
		parameter = definition.inputs.get(given.name) if definition is not None else None
		if parameter is not None and parameter.has_default:
			return [Constant(parameter.default)]
	if isinstance(given, FromNode | FromOutside) and given.otherwise is not None and not step.passing:
		return [given.otherwise]
	return []


def _inside(scope: Scope, name: str, entry: NodeEntry, definition: SubgraphDefinition) -> Scope:
	"""The inside of an instance. Raises `BadDocument` if it contains itself, or is nested too deep."""
	if name not in scope.inside:
		around: list[str] = []
		at: Scope | None = scope
		while at is not None and at.instance is not None:
			around.append(at.instance.kind.removeprefix(SUBGRAPH))
			at = at.outer
		own = entry.kind.removeprefix(SUBGRAPH)
		if own in around:
			circle = ' → '.join([*reversed(around[: around.index(own) + 1]), own])
			raise BadDocument(f'The subgraph {own!r} contains itself: {circle}.')
		if len(around) >= DEEPEST:
			raise BadDocument(f'Subgraphs are nested more than {DEEPEST} deep.')
		scope.inside[name] = Scope(definition.nodes, f'{scope.prefix}{name}:', definition, entry, scope)
	return scope.inside[name]
