"""What a workflow takes and gives when it is called like a function: its named inputs and outputs, with types.

A named input has the type, bounds and choices of the node's input that it stands for, unless the file says otherwise;
its default is the value that stands in the workflow. From that come the JSON Schema of the inputs and the check of
given values, which tells everything that is wrong at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

from pydantic import Field, JsonValue

from engine.check_call import TYPEABLE, described, normal_form
from engine.declaration import Choice, Input, Model, NodeInfo, Number, Option, Widget
from engine.dynamic import input_called
from engine.errors import BadDocument, InputMisfit, WrongInputs
from engine.formats.document import NamedInput, NamedOutput
from engine.formats.workflow import Workflow
from engine.graph import Constant, NodeId
from engine.problems import shown
from engine.storage import Storage

SCHEMA: Final = 'https://json-schema.org/draft/2020-12/schema'
JSON_TYPES: Mapping[str, str] = {'INT': 'integer', 'FLOAT': 'number', 'STRING': 'string', 'BOOLEAN': 'boolean'}
NUMBERS = ('INT', 'FLOAT')
ANY = '*'


class InputSignature(Model):
	"""A workflow input: which input of which node it sets, and what it takes.

	`label` is what people see instead of the name. `required` says that the workflow does not run without it; otherwise `default` is what it has when nothing is given
	(null where that comes by a link). `widget` tells bounds and choices; without one any JSON is taken.
	"""

	name: str
	node: str
	input: str
	type: str
	label: str = ''
	description: str = ''
	widget: Widget | None = None
	required: bool = False
	default: JsonValue = None

	def json_schema(self, storage: Storage) -> dict[str, JsonValue]:
		"""Its JSON Schema; file choices are those that lie there now."""
		told: dict[str, JsonValue] = {'title': self.label} if self.label else {}
		told |= {'description': self.description} if self.description else {}
		told |= _value_schema(self.type, self.widget, storage)
		return told if self.required or self.default is None else {**told, 'default': self.default}

	def accept(self, value: JsonValue, storage: Storage) -> JsonValue:
		"""The value in its type's normal form. Raises `WrongInputs` that says what was expected and what came."""
		wanted = Input(name=self.name, type=self.type, widget=self.widget)
		try:
			return _accepted(wanted, value, storage)
		except (TypeError, ValueError, OverflowError):
			misfit = InputMisfit(self.name, described(wanted, storage), shown(value))
			raise WrongInputs([misfit]) from None


class OutputSignature(Model):
	"""A workflow output: the node whose result it is; `output` names one of its outputs, else it is what it shows."""

	name: str
	node: str
	kind: str
	output: str | int | None = None
	type: str = ANY
	description: str = ''


class Interface(Model):
	"""The signature of a workflow.

	`idle`: inputs that it would have, if what they stand for was not switched off → the node. Such outputs it has not either.
	"""

	title: str = ''
	description: str = ''
	inputs: tuple[InputSignature, ...] = ()
	outputs: tuple[OutputSignature, ...] = ()
	idle: Mapping[str, str] = Field(default_factory=dict)

	@property
	def by_name(self) -> Mapping[str, InputSignature]:
		"""The inputs, to look up."""
		return {item.name: item for item in self.inputs}

	def json_schema(self, storage: Storage) -> dict[str, JsonValue]:
		"""The JSON Schema of an object that has values for the inputs."""
		required: list[JsonValue] = [item.name for item in self.inputs if item.required]
		return {
			'$schema': SCHEMA,
			**({'title': self.title} if self.title else {}),
			**({'description': self.description} if self.description else {}),
			'type': 'object',
			'properties': {item.name: item.json_schema(storage) for item in self.inputs},
			**({'required': required} if required else {}),
			'additionalProperties': False,
		}

	def accept(
		self, values: Mapping[str, JsonValue], storage: Storage, *, given_otherwise: frozenset[str] = frozenset()
	) -> dict[str, JsonValue]:
		"""The values in normal form. Raises `WrongInputs` with everything that is wrong with them.

		Inputs `given_otherwise` are not missed.
		"""
		known = self.by_name
		accepted: dict[str, JsonValue] = {}
		misfits: list[InputMisfit] = []
		for name, value in values.items():
			wanted = known.get(name)
			if wanted is None:
				misfits.append(self._switched_off(name, value) if name in self.idle else self.unknown(name))
				continue
			try:
				accepted[name] = wanted.accept(value, storage)
			except WrongInputs as error:
				misfits += error.misfits
		for item in self.inputs:
			if item.required and item.name not in values and item.name not in given_otherwise:
				expected = described(Input(name=item.name, type=item.type, widget=item.widget), storage)
				misfits.append(InputMisfit(item.name, expected, 'nothing'))
		if misfits:
			raise WrongInputs(misfits)
		return accepted

	def _switched_off(self, name: str, value: JsonValue) -> InputMisfit:
		node = self.idle[name]
		return InputMisfit(name, f'nothing, since the node {node!r} that takes it is switched off', shown(value))

	def unknown(self, name: str) -> InputMisfit:
		"""What is wrong with a name that no input has."""
		near = difflib.get_close_matches(name, self.by_name, n=1)
		guess = f' (did you mean {near[0]!r}?)' if near else ''
		names = ', '.join(self.by_name) or 'it has none'
		return InputMisfit(name, f"one of the workflow's inputs: {names}", f'an input {name!r}{guess}')


def interface_of(workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> Interface:
	"""The signature of a workflow. Inputs and outputs of nodes that are switched off are left out.

	Raises `BadDocument` if an input or output stands for a node that is not there.
	"""
	idle = {name: named.node for name, named in workflow.inputs.items() if workflow.is_idle(named)}
	outputs = (_output(workflow, nodes, name, named) for name, named in workflow.outputs.items())
	return Interface(
		title=workflow.title,
		description=workflow.description,
		inputs=tuple(signature_of(workflow, nodes, name) for name in workflow.inputs if name not in idle),
		outputs=tuple(output for output in outputs if output is not None),
		idle=idle,
	)


def signature_of(workflow: Workflow, nodes: Mapping[str, NodeInfo], name: str) -> InputSignature:
	"""One input of a workflow, by its name or as `NODE.INPUT`. Raises `BadDocument` or `WrongInputs` if there is none."""
	node, given = workflow.place(name)
	call = workflow.graph.calls[node]
	info = nodes.get(call.kind)
	declared = None if info is None else input_called(info, call.inputs, given)
	argument = call.inputs.get(given)
	named = workflow.inputs.get(name) or NamedInput(node=node, input=given)
	type = named.type or (ANY if declared is None else declared.type)
	if isinstance(argument, Constant):
		default = argument.value
	else:
		default = named.default if argument is None and named.has_default else None
	return InputSignature(
		name=name,
		node=node,
		input=given,
		type=type,
		label=named.label,
		description=named.description or ('' if declared is None else declared.tooltip),
		widget=_narrowed(type, None if declared is None else declared.widget, named),
		required=argument is None and not named.has_default and declared is not None and declared.required,
		default=default,
	)


def _narrowed(type: str, widget: Widget | None, named: NamedInput) -> Widget | None:
	"""The widget of an input within the bounds that the workflow sets."""
	if widget is None and type in NUMBERS:
		widget = Number()
	if not isinstance(widget, Number):
		return widget
	least = [bound for bound in (widget.min, named.min) if bound is not None]
	most = [bound for bound in (widget.max, named.max) if bound is not None]
	return widget.model_copy(update={'min': max(least, default=None), 'max': min(most, default=None)})


def _output(workflow: Workflow, nodes: Mapping[str, NodeInfo], name: str, named: NamedOutput) -> OutputSignature | None:
	"""The signature of an output; None if nothing gives it, since what would is switched off."""
	node, output = NodeId(named.node), named.output
	if output is not None and (node, output) in workflow.sources:
		source = workflow.sources[node, output]
		if source is None:
			return None
		node, output = source.node, source.output
	elif workflow.is_off(node):
		return None
	call = workflow.graph.calls.get(node)
	if call is None:
		what = f'node {named.node!r}' if output is None else f'output {output!r} of node {named.node!r}'
		raise BadDocument(f'The workflow output {name!r} points at {what}, which does not exist.')
	return OutputSignature(
		name=name,
		node=node,
		kind=call.kind,
		output=output,
		type=named.type or _output_type(nodes.get(call.kind), output),
		description=named.description,
	)


def _output_type(info: NodeInfo | None, output: str | int | None) -> str:
	"""The type of one output of a kind, of its first if none is named; `*` if that is not known."""
	outputs = () if info is None else info.outputs
	if isinstance(output, str):
		return next((one.type for one in outputs if one.name == output), ANY)
	index = output or 0
	return outputs[index].type if 0 <= index < len(outputs) else ANY


def _value_schema(type: str, widget: Widget | None, storage: Storage) -> dict[str, JsonValue]:
	match widget:
		case Choice(several=True):
			return {'type': 'array', 'items': _option_schema(widget, storage)}
		case Choice():
			return _option_schema(widget, storage)
		case Number():
			bounds: dict[str, JsonValue] = {'minimum': widget.min, 'maximum': widget.max}
			told = {name: bound for name, bound in bounds.items() if bound is not None}
			return {'type': JSON_TYPES.get(type, 'number'), **told}
		case _:
			return {'type': JSON_TYPES[type]} if type in JSON_TYPES else {}


def _option_schema(choice: Choice, storage: Storage) -> dict[str, JsonValue]:
	return {} if choice.open else {'enum': [*storage.options(choice)]}


def _accepted(wanted: Input, value: JsonValue, storage: Storage) -> JsonValue:
	"""The normal form; `TypeError`, `ValueError` or `OverflowError` for what the input does not take."""
	widget = wanted.widget
	if isinstance(value, dict | list) and wanted.type in TYPEABLE - {ANY} and not _takes_list(widget):
		raise TypeError
	if isinstance(widget, Choice):
		return (
			[_option(widget, item, storage) for item in value]
			if isinstance(value, list)
			else _option(widget, value, storage)
		)
	normal = _strict(wanted.type, value)
	if isinstance(widget, Number) and isinstance(normal, int | float) and not _is_within(widget, normal):
		raise ValueError
	return normal


def _is_within(widget: Number, value: float) -> bool:
	return (widget.min is None or value >= widget.min) and (widget.max is None or value <= widget.max)


def _takes_list(widget: Widget | None) -> bool:
	return isinstance(widget, Choice) and widget.several


def _strict(type: str, value: JsonValue) -> JsonValue:
	"""The normal form of what means the same to everybody: not 1.5 for a whole number, not true for a number or a text."""
	match type:
		case 'INT' | 'FLOAT' | 'STRING' if isinstance(value, bool):
			raise TypeError
		case 'INT' if isinstance(value, float) and not value.is_integer():
			raise ValueError
		case 'STRING' if not isinstance(value, str):
			raise TypeError
		case 'BOOLEAN' if not isinstance(value, bool):
			raise TypeError
		case _:
			return normal_form(type, value)


def _option(choice: Choice, value: JsonValue, storage: Storage) -> Option:
	option = storage.option(choice, normal_form('COMBO', value))
	if option is None:
		raise ValueError
	return option
