"""What an input of the native file is given: a constant, a link, or an input of the subgraph around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from engine.formats.prompt import misshapen
from engine.graph import BadLink, Constant

LINK_SHAPE = (
	'a link is {"node": id, "output": name}, inside of a subgraph also {"input": name}; '
	'another object is wrapped in {"value": …}'
)
LINKS = ({'node', 'output'}, {'node', 'output', 'value'})
INPUTS = ({'input'}, {'input', 'value'})


@dataclass(frozen=True, slots=True)
class FromNode:
	"""What an output of a node beside this one gives; `otherwise` holds if nothing comes from there."""

	node: str
	output: str | int
	otherwise: Constant | None = None


@dataclass(frozen=True, slots=True)
class FromOutside:
	"""What an instance of the subgraph has at an input; `otherwise` holds if it has nothing there."""

	name: str
	otherwise: Constant | None = None


@dataclass(frozen=True, slots=True)
class Misshapen:
	"""What says none of this, with the reason; `{"link": […]}` is a list that stood for a link in the API form and is none."""

	reason: str
	value: JsonValue


Written: TypeAlias = Constant | FromNode | FromOutside | Misshapen


def read_argument(value: JsonValue) -> Written:
	"""What a value of the file means."""
	if not isinstance(value, dict):
		return Constant(value)
	keys = value.keys()
	if keys == {'value'}:
		return Constant(value['value'])
	otherwise = Constant(value['value']) if 'value' in value else None
	list_there = value.get('link')
	if keys == {'link'} and isinstance(list_there, list):
		return Misshapen(misshapen(list_there), list_there)
	name = value.get('input')
	if keys in INPUTS and isinstance(name, str):
		return FromOutside(name, otherwise)
	node, output = value.get('node'), value.get('output')
	if keys not in LINKS or not isinstance(node, str):
		return Misshapen(LINK_SHAPE, value)
	if isinstance(output, str) or (isinstance(output, int) and not isinstance(output, bool)):
		return FromNode(node, output, otherwise)
	return Misshapen('the output of a link is a name or a number', value)


def write_bad_link(link: BadLink) -> JsonValue:
	"""What is no link as the file has it: a list would be a constant there."""
	return {'link': link.value} if isinstance(link.value, list) else link.value


def write_argument(argument: Constant | FromNode | FromOutside) -> JsonValue:
	"""A value as the file has it."""
	if isinstance(argument, Constant):
		return {'value': argument.value} if isinstance(argument.value, dict) else argument.value
	written: dict[str, JsonValue] = (
		{'node': argument.node, 'output': argument.output}
		if isinstance(argument, FromNode)
		else {'input': argument.name}
	)
	return written if argument.otherwise is None else {**written, 'value': argument.otherwise.value}


def output_reference(names: Mapping[int, str] | tuple[str, ...], output: int) -> str | int:
	"""An output by its name, or by number where a name would not do."""
	listed = tuple(names.values()) if isinstance(names, Mapping) else names
	name = listed[output] if 0 <= output < len(listed) else ''
	return name if listed.count(name) == 1 else output
