"""The one validator: a graph and declarations in, every problem out.

Follows what ComfyUI's server checks: nodes that feed a selected sink are looked at, constants are brought into their
widget's normal form (`"5"` → 5 for an INT), links must fit their input. A sink can run when nothing it needs has a
problem, whatever is wrong elsewhere.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import networkx as nx
from pydantic import JsonValue

from engine.declaration import Choice, Input, Model, NodeInfo, Number, accepts
from engine.graph import Argument, BadLink, Call, Constant, Graph, Link, NodeId
from engine.storage import Storage

Code = Literal[
	'missing_node_type',
	'prompt_no_outputs',
	'required_input_missing',
	'unknown_input',
	'bad_linked_input',
	'return_type_mismatch',
	'invalid_input_type',
	'value_smaller_than_min',
	'value_bigger_than_max',
	'value_not_in_list',
	'custom_validation_failed',
	'dependency_cycle',
]


class Problem(Model):
	"""One thing that is wrong, with all that is needed to say so.

	`node` is None when the graph as a whole is meant. `source` is the linked node and output of a link's problem.
	"""

	code: Code
	node: str | None = None
	kind: str = ''
	input: str | None = None
	expected: str = ''
	received: str = ''
	value: JsonValue = None
	source: tuple[str, int] | None = None
	cycle: tuple[str, ...] = ()

	@property
	def sentence(self) -> str:
		"""For people: which node and input, what was expected, what came."""
		where = f'node {self.node!r}' if self.node is not None else 'the graph'
		if self.kind:
			where += f' ({self.kind})'
		if self.input is not None:
			where += f', input {self.input!r}'
		return f'{where}: expected {self.expected}, got {self.received}'


@dataclass(frozen=True)
class Checked:
	"""What the check found: the graph in normal form, the problems, and the sinks that can run all the same."""

	graph: Graph
	problems: tuple[Problem, ...]
	sinks: tuple[NodeId, ...]
	good_sinks: tuple[NodeId, ...]


def check(
	graph: Graph,
	nodes: Mapping[str, NodeInfo],
	storage: Storage,
	*,
	targets: Collection[str] | None = None,
	tolerant: bool = False,
) -> Checked:
	"""Look at everything that the selected sinks need.

	`targets` selects sinks (all, if None; others among them are passed over). A `tolerant` check lets pass inputs that
	a node does not declare, as ComfyUI's does.
	"""
	problems = _unknown_kinds(graph, nodes)
	sinks = tuple(
		node
		for node, call in graph.calls.items()
		if call.kind in nodes and nodes[call.kind].sink and (targets is None or node in targets)
	)
	if not sinks and not problems:
		problems.append(_no_sink(graph, nodes, targets))
	needed = graph.closure(sinks)
	calls = dict(graph.calls)
	for node, call in needed.calls.items():
		info = nodes.get(call.kind)
		if info is not None:
			calls[node], found = _NodeCheck(node, call, info, graph, nodes, storage, tolerant).run()
			problems.extend(found)
	problems.extend(_cycles(needed))
	bad = {NodeId(problem.node) for problem in problems if problem.node is not None}
	spoilt = _downstream(needed, bad)
	return Checked(Graph(calls), tuple(problems), sinks, tuple(sink for sink in sinks if sink not in spoilt))


def _unknown_kinds(graph: Graph, nodes: Mapping[str, NodeInfo]) -> list[Problem]:
	problems = []
	for node, call in graph.calls.items():
		if call.kind in nodes:
			continue
		near = difflib.get_close_matches(call.kind, nodes, n=1)
		problems.append(
			Problem(
				code='missing_node_type',
				node=node,
				kind=call.kind,
				expected=f'a known kind (did you mean {near[0]!r}?)' if near else 'a known kind',
				received=repr(call.kind) if call.kind else 'none',
				value=call.title or None,
			)
		)
	return problems


def _no_sink(graph: Graph, nodes: Mapping[str, NodeInfo], targets: Collection[str] | None) -> Problem:
	if not graph.calls:
		received = 'an empty graph'
	elif targets is not None and any(nodes[call.kind].sink for call in graph.calls.values()):
		received = 'none among the selected targets'
	else:
		received = 'none'
	return Problem(
		code='prompt_no_outputs', expected='a node that saves or shows something (SaveImage, …)', received=received
	)


def _cycles(graph: Graph) -> Iterable[Problem]:
	network: nx.DiGraph[NodeId] = nx.DiGraph()
	network.add_nodes_from(graph.calls)
	network.add_edges_from((link.node, node) for node, _, link in graph.links() if link.node in graph.calls)
	for component in nx.strongly_connected_components(network):
		if len(component) == 1 and not any(network.has_edge(node, node) for node in component):
			continue
		first = next(node for node in graph.calls if node in component)
		cycle = tuple(edge[0] for edge in nx.find_cycle(network.subgraph(component), first))
		told = ' -> '.join(f'{node} ({graph.calls[node].kind})' for node in (*cycle, cycle[0]))
		for node in cycle:
			yield Problem(
				code='dependency_cycle',
				node=node,
				kind=graph.calls[node].kind,
				expected='links that lead in no circle',
				received=told,
				cycle=tuple(cycle),
			)


def _downstream(graph: Graph, bad: Collection[NodeId]) -> set[NodeId]:
	"""The bad nodes and all that need them."""
	readers: dict[NodeId, list[NodeId]] = {}
	for node, _, link in graph.links():
		readers.setdefault(link.node, []).append(node)
	found: set[NodeId] = set()
	waiting = list(bad)
	while waiting:
		node = waiting.pop()
		if node not in found:
			found.add(node)
			waiting.extend(readers.get(node, ()))
	return found


class _NodeCheck:
	"""The check of one call against its kind's declaration."""

	def __init__(
		self,
		node: NodeId,
		call: Call,
		info: NodeInfo,
		graph: Graph,
		nodes: Mapping[str, NodeInfo],
		storage: Storage,
		tolerant: bool,
	) -> None:
		self.node = node
		self.call = call
		self.info = info
		self.graph = graph
		self.nodes = nodes
		self.storage = storage
		self.tolerant = tolerant
		self.problems: list[Problem] = []

	def run(self) -> tuple[Call, list[Problem]]:
		"""The call with its constants in normal form, and what is wrong with it."""
		inputs: dict[str, Argument] = dict(self.call.inputs)
		for wanted in self.info.inputs:
			argument = inputs.get(wanted.name)
			if argument is None:
				if wanted.required:
					self._refuse('required_input_missing', wanted, self._described(wanted), 'nothing')
			elif isinstance(argument, BadLink):
				self._refuse('bad_linked_input', wanted, 'a link', argument.reason, value=argument.value)
			elif isinstance(argument, Link):
				self._link(wanted, argument)
			else:
				inputs[wanted.name] = self._constant(wanted, argument)
		if not self.tolerant:
			self._undeclared(inputs)
		return Call(self.call.kind, inputs, self.call.title), self.problems

	def _undeclared(self, inputs: Mapping[str, Argument]) -> None:
		declared = self.info.inputs_by_name
		for name in inputs:
			if name not in declared:
				self.problems.append(
					Problem(
						code='unknown_input',
						node=self.node,
						kind=self.info.kind,
						input=name,
						expected=f'one of its inputs: {", ".join(declared) or "it has none"}',
						received=f'an input {name!r}',
					)
				)

	def _link(self, wanted: Input, link: Link) -> None:
		source = self.graph.calls.get(link.node)
		received: JsonValue = [str(link.node), link.output]
		if source is None:
			self._refuse(
				'bad_linked_input', wanted, 'a link to a node', f'there is no node {link.node!r}', value=received
			)
			return
		info = self.nodes.get(source.kind)
		if info is None:
			return  # Its unknown kind is reported already.
		if not 0 <= link.output < len(info.outputs):
			count = len(info.outputs)
			self._refuse(
				'bad_linked_input',
				wanted,
				f'an output of {link.node!r} ({source.kind}), which has {count}',
				f'output number {link.output}',
				value=received,
			)
			return
		output = info.outputs[link.output]
		if not accepts(wanted, output):
			self._refuse(
				'return_type_mismatch',
				wanted,
				self._described(wanted),
				f'{output.type} from {link.node!r} ({source.kind}), output {output.name!r}',
				value=output.type,
				source=(link.node, link.output),
			)

	def _constant(self, wanted: Input, constant: Constant) -> Constant:
		value = constant.value
		if wanted.widget is None and wanted.type not in ('INT', 'FLOAT', 'STRING', 'BOOLEAN', '*'):
			self._refuse('invalid_input_type', wanted, self._described(wanted), shown(value), value=value)
			return constant
		try:
			normal = normal_form(wanted.type, value)
		except (TypeError, ValueError, OverflowError):
			self._refuse('invalid_input_type', wanted, self._described(wanted), shown(value), value=value)
			return constant
		widget = wanted.widget
		if isinstance(widget, Number) and isinstance(normal, int | float):
			if widget.min is not None and normal < widget.min:
				self._refuse('value_smaller_than_min', wanted, self._described(wanted), shown(normal), value=normal)
			elif widget.max is not None and normal > widget.max:
				self._refuse('value_bigger_than_max', wanted, self._described(wanted), shown(normal), value=normal)
		if isinstance(widget, Choice):
			self._choice(wanted, widget, normal)
		return Constant(normal)

	def _choice(self, wanted: Input, widget: Choice, value: JsonValue) -> None:
		if not self.storage.allows(widget, str(value)):
			self._refuse('value_not_in_list', wanted, self._described(wanted), shown(value), value=value)
			return
		damage = self.storage.damage(widget, str(value))
		if damage is not None:
			self._refuse(
				'custom_validation_failed', wanted, 'a readable model file', f'{value!r}: {damage}', value=value
			)

	def _refuse(
		self,
		code: Code,
		wanted: Input,
		expected: str,
		received: str,
		*,
		value: JsonValue = None,
		source: tuple[str, int] | None = None,
	) -> None:
		self.problems.append(
			Problem(
				code=code,
				node=self.node,
				kind=self.info.kind,
				input=wanted.name,
				expected=expected,
				received=received,
				value=value,
				source=source,
			)
		)

	def _described(self, wanted: Input) -> str:
		"""What an input wants, in words."""
		widget = wanted.widget
		if isinstance(widget, Number):
			name = 'a whole number' if wanted.type == 'INT' else 'a number'
			if widget.min is not None and widget.max is not None:
				return f'{name} from {widget.min} to {widget.max}'
			return name
		if isinstance(widget, Choice):
			options = self.storage.options(widget)
			shown_options = ', '.join(options[:20]) + (f' … ({len(options)} in all)' if len(options) > 20 else '')
			return f'one of: {shown_options}' if options else 'one of: none are there'
		return {'STRING': 'text', 'BOOLEAN': 'true or false'}.get(wanted.type, f'a link that gives {wanted.type}')


def normal_form(type: str, value: JsonValue) -> JsonValue:
	"""A constant as its input's type sees it; `ValueError` or `TypeError` if it is none of that type.

	The same values must get the same form, since it enters the cache key: 7 and 7.0 are one for a FLOAT.
	"""
	match type:
		case 'INT':
			if isinstance(value, float | int | str):
				return int(value)
			raise TypeError
		case 'FLOAT':
			if isinstance(value, float | int | str) and math.isfinite(number := float(value)):
				return number
			raise TypeError
		case 'STRING':
			if isinstance(value, dict | list) or value is None:
				raise TypeError
			return str(value)
		case 'BOOLEAN':
			return bool(value)
		case 'COMBO':
			if isinstance(value, str | int | float):
				return value
			raise TypeError
		case _:
			return value


def shown(value: JsonValue) -> str:
	"""A value for a message, shortened."""
	text = repr(value)
	return text if len(text) <= 80 else f'{text[:77]}…'
