"""What is known of each output before anything runs: the type behind a generic one, and its facts.

Nodes are resolved each after those that they need. Kinds that neither hand types on nor tell or compare facts cost
nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from engine.declaration import Choice, FromConstant, FromFile, FromInput, Input, NodeInfo, Output
from engine.dynamic import live_inputs
from engine.facts import Facts, Known
from engine.graph import Argument, Call, Constant, Graph, Link, NodeId
from engine.problems import Problem, shown
from engine.sockets import ANY, meet
from engine.storage import Storage

JSON_TYPES: dict[type, str] = {bool: 'BOOLEAN', int: 'INT', float: 'FLOAT', str: 'STRING'}
NUMBERS = {'INT', 'FLOAT'}
NOTHING: Facts = {}


@dataclass(frozen=True, slots=True)
class Kind:
	"""A declaration, laid out for many looks at it.

	`types` are those of its outputs, `bound` its inputs that share a generic; `resolves` says whether anything is to be
	resolved for it.
	"""

	info: NodeInfo
	inputs: tuple[Input, ...]
	types: tuple[str, ...]
	bound: tuple[Input, ...]
	is_generic: bool
	tells: bool
	resolves: bool

	@classmethod
	def of(cls, info: NodeInfo) -> Kind:
		"""Lay out a declaration."""
		bound = _bound(info.inputs)
		is_generic = any(output.generic for output in info.outputs)
		tells = is_generic or any(output.facts for output in info.outputs)
		resolves = tells or bool(bound) or bool(info.agreements)
		return cls(info, info.inputs, tuple(item.type for item in info.outputs), bound, is_generic, tells, resolves)

	def live(self, given: Mapping[str, Argument]) -> tuple[Input, ...]:
		"""The inputs that a call has, given its arguments."""
		return live_inputs(self.info, given) if self.info.is_dynamic else self.inputs

	def bound_of(self, given: Mapping[str, Argument]) -> tuple[Input, ...]:
		"""Those among them that share a generic."""
		return _bound(self.live(given)) if self.info.is_dynamic else self.bound


@dataclass(frozen=True, slots=True)
class Settled:
	"""The type that stands behind a generic so far, the input that brought it, and whether that was a constant."""

	type: str
	input: str
	is_constant: bool


class Resolver:
	"""What is known of the outputs of a graph's nodes, as far as they were resolved."""

	def __init__(self, graph: Graph, nodes: Mapping[str, NodeInfo], storage: Storage) -> None:
		self._calls = graph.calls
		self._nodes = nodes
		self._storage = storage
		self._kinds: dict[str, Kind | None] = {}
		self._types: dict[NodeId, tuple[str, ...]] = {}
		self._facts: dict[NodeId, tuple[Facts, ...]] = {}

	def kind(self, name: str) -> Kind | None:
		"""The declaration of a kind, laid out; None if it is unknown."""
		try:
			return self._kinds[name]
		except KeyError:
			info = self._nodes.get(name)
			found = self._kinds[name] = None if info is None else Kind.of(info)
			return found

	def types(self, node: NodeId, call: Call) -> tuple[str, ...] | None:
		"""The types of a node's outputs, `*` where it stays open; None if its kind is unknown."""
		kind = self.kind(call.kind)
		if kind is None:
			return None
		if not kind.is_generic:
			return kind.types
		return self._types.get(node) or kind.types

	def facts(self, link: Link) -> Facts:
		"""What is known of the output that a link comes from."""
		return self._of(link)

	def output(self, link: Link) -> Output:
		"""The declaration of the output that a good link comes from."""
		return self._nodes[self._calls[link.node].kind].outputs[link.output]

	def resolve(self, node: NodeId, kind: Kind, given: Mapping[str, Argument]) -> list[Problem]:
		"""Resolve one node whose inputs are each good by themselves; what does not agree among them is told.

		Of a node with problems nothing becomes known, so that one fault is told once.
		"""
		problems: list[Problem] = []
		types = self._settle(node, kind, given, problems)
		if not problems:
			self._agree(node, kind, given, problems)
		if not problems:
			if kind.is_generic:
				self._types[node] = types
			if kind.tells:
				facts = tuple(self._told(node, kind, output, given) for output in kind.info.outputs)
				if any(facts):
					self._facts[node] = facts
		return problems

	def _settle(
		self, node: NodeId, kind: Kind, given: Mapping[str, Argument], problems: list[Problem]
	) -> tuple[str, ...]:
		"""The types of the outputs, with what stands behind the generics filled in."""
		settled: dict[str, Settled] = {}
		for wanted in kind.bound_of(given):
			argument = given.get(wanted.name)
			brings = self._brings(argument)
			if brings == ANY:
				continue
			is_constant = isinstance(argument, Constant)
			before = settled.get(wanted.generic)
			if before is None:
				settled[wanted.generic] = Settled(brings, wanted.name, is_constant)
				continue
			shared = meet(before.type, brings)
			# JSON writes 5.0 as 5, so a number in the graph is of either kind.
			if not shared and {before.type, brings} == NUMBERS and (before.is_constant or is_constant):
				shared = 'FLOAT'
			if shared:
				settled[wanted.generic] = Settled(shared, before.input, before.is_constant and is_constant)
			else:
				problems.append(self._clash(node, kind, wanted, argument, before, brings))
		return tuple(
			settled[output.generic].type if output.generic in settled else output.type for output in kind.info.outputs
		)

	def _brings(self, argument: Argument | None) -> str:
		"""The type that an argument brings; `*` where it is open."""
		if isinstance(argument, Link):
			source = self._calls.get(argument.node)
			types = None if source is None else self.types(argument.node, source)
			if types is None:
				return ANY
			return ANY if ANY in types[argument.output].split(',') else types[argument.output]
		if isinstance(argument, Constant):
			return JSON_TYPES.get(type(argument.value), ANY)
		return ANY

	def _clash(
		self, node: NodeId, kind: Kind, wanted: Input, argument: Argument | None, before: Settled, brings: str
	) -> Problem:
		expected = f'{before.type}, as input {before.input!r} brings'
		if isinstance(argument, Link):
			source, output = self._calls[argument.node], self.output(argument)
			received = f'{brings} from {argument.node!r} ({source.kind}), output {output.name!r}'
			return _mismatch(node, kind, wanted.name, expected, received, argument, brings)
		value: JsonValue = argument.value if isinstance(argument, Constant) else None
		return Problem(
			code='invalid_input_type',
			node=node,
			kind=kind.info.kind,
			input=wanted.name,
			expected=expected,
			received=shown(value),
			value=value,
		)

	def _agree(self, node: NodeId, kind: Kind, given: Mapping[str, Argument], problems: list[Problem]) -> None:
		"""Note the first fact in which inputs that must agree do not."""
		for agreement in kind.info.agreements:
			first: tuple[str, Known] | None = None
			for name in agreement.inputs:
				argument = given.get(name)
				facts = self._of(argument) if isinstance(argument, Link) else NOTHING
				known = None if agreement.unless in facts else facts.get(agreement.fact)
				if known is None or not isinstance(argument, Link):
					continue
				if first is None:
					first = (name, known)
				elif first[1].value != known.value:
					other, said = first
					expected = f'{agreement.fact} {said.value} as {other!r} brings ({said.aside})'
					received = f'{known.value} from {known.origin}'
					problems.append(
						_mismatch(node, kind, name, expected, received, argument, self.output(argument).type)
					)
					return

	def _of(self, link: Link) -> Facts:
		facts = self._facts.get(link.node)
		return facts[link.output] if facts is not None and 0 <= link.output < len(facts) else NOTHING

	def _told(self, node: NodeId, kind: Kind, output: Output, given: Mapping[str, Argument]) -> Facts:
		"""The facts of one output."""
		if not output.facts and not output.generic:
			return NOTHING
		found: dict[str, Known] = dict(self._handed_on(kind, output.generic, given)) if output.generic else {}
		for fact, source in output.facts.items():
			if isinstance(source, FromInput):
				argument = given.get(source.input)
				known = self._of(argument).get(fact) if isinstance(argument, Link) else None
			elif isinstance(source, FromConstant):
				value = _value(given, source.input)
				known = Known(value, node, kind.info.kind) if isinstance(value, str | int) else None
			elif isinstance(source, FromFile):
				known = self._of_file(node, kind, source.input, fact, given)
			else:
				known = Known(source.value, node, kind.info.kind)
			if known is not None:
				found[fact] = known
		return found

	def _handed_on(self, kind: Kind, generic: str, given: Mapping[str, Argument]) -> Facts:
		"""The facts that everything brings which may come out of a generic output."""
		common: Facts | None = None
		for wanted in kind.bound_of(given):
			argument = given.get(wanted.name)
			if wanted.generic != generic or argument is None:
				continue
			facts = self._of(argument) if isinstance(argument, Link) else NOTHING
			if common is None:
				common = facts
			else:
				common = {
					fact: known for fact, known in common.items() if fact in facts and facts[fact].value == known.value
				}
		return common or NOTHING

	def _of_file(self, node: NodeId, kind: Kind, name: str, fact: str, given: Mapping[str, Argument]) -> Known | None:
		wanted = kind.info.inputs_by_name.get(name)
		value = _value(given, name)
		if wanted is None or not isinstance(wanted.widget, Choice) or not isinstance(value, str):
			return None
		found = self._storage.facts(wanted.widget, value).get(fact)
		return None if found is None else Known(found, node, kind.info.kind, value)


def _bound(inputs: tuple[Input, ...]) -> tuple[Input, ...]:
	return tuple(item for item in inputs if item.generic)


def _value(given: Mapping[str, Argument], name: str) -> JsonValue:
	argument = given.get(name)
	return argument.value if isinstance(argument, Constant) else None


def _mismatch(node: NodeId, kind: Kind, name: str, expected: str, received: str, link: Link, type: str) -> Problem:
	return Problem(
		code='return_type_mismatch',
		node=node,
		kind=kind.info.kind,
		input=name,
		expected=expected,
		received=received,
		value=type,
		source=(link.node, link.output),
	)
