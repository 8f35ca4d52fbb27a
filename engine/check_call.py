"""The check of single calls against the declarations of their kinds, each after those that it needs."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import JsonValue

from engine.declaration import Choice, Input, NodeInfo, Number, accepts
from engine.graph import Argument, BadLink, Call, Constant, Graph, Link, NodeId
from engine.problems import Code, Problem, shown
from engine.resolve import Kind, Resolver
from engine.spec import ValidationRequest
from engine.storage import Storage

PLAIN: dict[str, type] = {'INT': int, 'STRING': str, 'BOOLEAN': bool}
"""Types of which a value of the Python type is in its normal form already."""

TYPEABLE = frozenset({'INT', 'FLOAT', 'STRING', 'BOOLEAN', 'COMBO', '*'})
LISTED = 20
"""How many options a sentence lists."""


class CallCheck:
	"""One pass over a graph. Clean calls stay the objects that they are.

	`problems` are in the order of the pass; `changed` has the calls whose constants were brought into normal form;
	`validations` what the nodes themselves have to judge.
	"""

	def __init__(self, graph: Graph, nodes: Mapping[str, NodeInfo], storage: Storage, tolerant: bool) -> None:
		self.problems: list[Problem] = []
		self.changed: dict[NodeId, Call] = {}
		self.validations: list[ValidationRequest] = []
		self._calls = graph.calls
		self._storage = storage
		self._tolerant = tolerant
		self._resolver = Resolver(graph, nodes, storage)
		self._node = NodeId('')
		self._kind: Kind

	def look(self, node: NodeId) -> None:
		"""Check one call. What it needs must have been looked at before."""
		call = self._calls[node]
		kind = self._resolver.kind(call.kind)
		if kind is None:
			return  # An unknown kind is reported already.
		self._node, self._kind = node, kind
		found = len(self.problems)
		given = call.inputs
		normal: dict[str, Argument] | None = None
		declared = 0
		inputs = kind.live(given)
		for wanted in inputs:
			argument = given.get(wanted.name)
			if argument is None:
				if wanted.required:
					self._refuse('required_input_missing', wanted, described(wanted, self._storage), 'nothing')
				continue
			declared += 1
			if type(argument) is Link:
				self._link(wanted, argument)
			elif type(argument) is Constant:
				value = self._constant(wanted, argument.value)
				if value is not argument.value:
					normal = dict(given) if normal is None else normal
					normal[wanted.name] = Constant(value)
			elif isinstance(argument, BadLink):
				self._refuse('bad_linked_input', wanted, 'a link', argument.reason, value=argument.value)
		if declared < len(given):
			self._undeclared(given, inputs)
		if normal is not None:
			given = normal
			self.changed[node] = Call(call.kind, normal, call.title)
		if kind.resolves and len(self.problems) == found:
			self.problems.extend(self._resolver.resolve(node, kind, given))
		if kind.info.validator is not None and len(self.problems) == found:
			self._ask(given, inputs)

	def _undeclared(self, given: Mapping[str, Argument], inputs: tuple[Input, ...]) -> None:
		"""Inputs that the kind does not declare: refused, or let pass as far as it takes them."""
		info = self._kind.info
		declared = {item.name for item in inputs} if info.is_dynamic else info.inputs_by_name
		for name, argument in given.items():
			if name in declared:
				continue
			if info.open_inputs != 'no':
				if isinstance(argument, Link):
					self._source(name, argument)
			elif not self._tolerant:
				expected = f'one of its inputs: {", ".join(declared) or "it has none"}'
				self._refuse('unknown_input', name, expected, f'an input {name!r}')

	def _link(self, wanted: Input, link: Link) -> None:
		types = self._source(wanted.name, link)
		if types is None:
			return
		offered = types[link.output]
		if offered == wanted.type or accepts(wanted.type, offered):
			return
		validator = self._kind.info.validator
		if validator is not None and validator.types:
			return
		source = self._calls[link.node]
		output = self._resolver.output(link)
		self._refuse(
			'return_type_mismatch',
			wanted,
			described(wanted, self._storage),
			f'{offered} from {link.node!r} ({source.kind}), output {output.name!r}',
			value=offered,
			source=(link.node, link.output),
		)

	def _source(self, name: str, link: Link) -> tuple[str, ...] | None:
		"""The types of the outputs of the node that a link comes from; None if the link leads nowhere."""
		source = self._calls.get(link.node)
		if source is None:
			told = f'there is no node {link.node!r}'
			self._refuse('bad_linked_input', name, 'a link to a node', told, value=[link.node, link.output])
			return None
		types = self._resolver.types(link.node, source)
		if types is not None and not 0 <= link.output < len(types):
			self._refuse(
				'bad_linked_input',
				name,
				f'an output of {link.node!r} ({source.kind}), which has {len(types)}',
				f'output number {link.output}',
				value=[link.node, link.output],
			)
			return None
		return types

	def _constant(self, wanted: Input, value: JsonValue) -> JsonValue:
		"""The value in its normal form; the very same object if it is in it already, or is refused."""
		widget = wanted.widget
		if type(value) is PLAIN.get(wanted.type):
			normal = value
		else:
			try:
				normal = self._normal(wanted, value)
			except (TypeError, ValueError, OverflowError):
				self._refuse('invalid_input_type', wanted, described(wanted, self._storage), shown(value), value=value)
				return value
		if widget is None or (self._kind.info.validator is not None and self._kind.info.validator.covers(wanted.name)):
			return normal
		if isinstance(widget, Number) and isinstance(normal, int | float):
			if widget.min is not None and normal < widget.min:
				self._refuse(
					'value_smaller_than_min', wanted, described(wanted, self._storage), shown(normal), value=normal
				)
			elif widget.max is not None and normal > widget.max:
				self._refuse(
					'value_bigger_than_max', wanted, described(wanted, self._storage), shown(normal), value=normal
				)
		elif isinstance(widget, Choice) and not widget.open:
			return self._chosen(wanted, widget, normal)
		return normal

	def _normal(self, wanted: Input, value: JsonValue) -> JsonValue:
		"""The normal form of a value; `TypeError`, `ValueError` or `OverflowError` if the input takes no such constant."""
		widget = wanted.widget
		# What a foreign node's own widget in the browser gives is the node's affair.
		if widget is None and not (self._kind.info.foreign or wanted.options or self._is_typeable(wanted.type)):
			raise TypeError
		if isinstance(widget, Choice) and widget.several and isinstance(value, list):
			return [normal_form(wanted.type, item) for item in value]
		return normal_form(wanted.type, value)

	def _is_typeable(self, type: str) -> bool:
		return type in TYPEABLE or any(part.strip() in TYPEABLE for part in type.split(','))

	def _chosen(self, wanted: Input, widget: Choice, value: JsonValue) -> JsonValue:
		"""The options that a value stands for, if all may be chosen and no file of them is plainly broken."""
		picks = value if isinstance(value, list) else [value]
		options: list[JsonValue] = []
		for pick in picks:
			option = self._storage.option(widget, pick)
			if option is None:
				self._refuse('value_not_in_list', wanted, described(wanted, self._storage), shown(value), value=value)
				return value
			damage = self._storage.damage(widget, option)
			if damage is not None:
				told = f'{option!r}: {damage}'
				self._refuse('custom_validation_failed', wanted, 'a readable model file', told, value=value)
				return value
			options.append(option)
		if isinstance(value, list):
			return options
		# An equal option of another type (1.0 for 1) is another object; the same value stays the same object.
		return value if options[0] == value and type(options[0]) is type(value) else options[0]

	def _ask(self, given: Mapping[str, Argument], inputs: tuple[Input, ...]) -> None:
		"""Note what the node has to judge itself. A native one sees everything, a foreign one what it covers."""
		info = self._kind.info
		validator = info.validator
		if validator is None:
			return
		names = [item.name for item in inputs]
		if info.open_inputs == 'all':
			names += [name for name in given if name not in info.inputs_by_name]
		constants: dict[str, JsonValue] = {}
		links: dict[str, str] = {}
		for name in names:
			argument = given.get(name)
			covered = not info.foreign or validator.covers(name)
			if covered and isinstance(argument, Constant):
				constants[name] = argument.value
			elif isinstance(argument, Link) and (covered or validator.types):
				types = self._resolver.types(argument.node, self._calls[argument.node])
				links[name] = '*' if types is None else types[argument.output]
		self.validations.append(ValidationRequest(self._node, info.kind, constants, links))

	def _refuse(
		self,
		code: Code,
		wanted: Input | str,
		expected: str,
		received: str,
		*,
		value: JsonValue = None,
		source: tuple[str, int] | None = None,
	) -> None:
		self.problems.append(
			Problem(
				code=code,
				node=self._node,
				kind=self._kind.info.kind,
				input=wanted if isinstance(wanted, str) else wanted.name,
				expected=expected,
				received=received,
				value=value,
				source=source,
			)
		)


def described(wanted: Input, storage: Storage) -> str:
	"""What an input wants, in words."""
	widget = wanted.widget
	if isinstance(widget, Number):
		name = 'a whole number' if wanted.type == 'INT' else 'a number'
		if widget.min is not None and widget.max is not None:
			return f'{name} from {widget.min} to {widget.max}'
		return name
	if isinstance(widget, Choice):
		options = storage.options(widget)
		some = ', '.join(map(str, options[:LISTED])) + (f' … ({len(options)} in all)' if len(options) > LISTED else '')
		several = 'some of' if widget.several else 'one of'
		return f'{several}: {some}' if options else f'{several}: none are there'
	if wanted.type == '*':
		return 'a link or a value'
	return {'STRING': 'text', 'BOOLEAN': 'true or false'}.get(wanted.type, f'a link that gives {wanted.type}')


def normal_form(type: str, value: JsonValue) -> JsonValue:
	"""A constant as its input's type sees it; `ValueError` or `TypeError` if it is none of that type.

	The same values must get the same form, since it enters the cache key: 7 and 7.0 are one for a FLOAT. A value that is
	in its form already comes back as the same object.
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
