"""A call in Python → a node of the graph: its arguments checked against the declaration as far as they are known."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from engine.code.handles import Handle, handle_class
from engine.declaration import Choice, Growing, Input, NodeInfo, Number, Text, Toggle, Varying, accepts
from engine.dynamic import live_inputs
from engine.errors import NodeUsage
from engine.graph import Argument, Call, Constant, Link
from engine.storage import Storage

JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


@dataclass(frozen=True)
class Named:
	"""A value that is one of the workflow's own inputs."""

	name: str
	value: JsonValue
	description: str = ''


def spread(info: NodeInfo, given: Mapping[str, object]) -> dict[str, object]:
	"""The arguments of a call by the names that the graph has for them: `images.image0`, `format.quality`."""
	return {name: value for key, one in given.items() for name, value in _spread(info, key, one)}


def placed(info: NodeInfo, arguments: Mapping[str, object], title: str, storage: Storage) -> Call:
	"""The node that a call with `spread` arguments stands for; inputs with a widget that are not given have its default.

	Raises `NodeUsage` for inputs that the kind has not, handles of another type, and links that are missing.
	"""
	inputs: dict[str, Argument] = {name: _argument(info, name, value) for name, value in arguments.items()}
	live = {item.name: item for item in live_inputs(info, inputs)}
	for name, value in arguments.items():
		wanted = live.get(name)
		if wanted is None:
			if info.open_inputs == 'no' and name not in info.unlisted:
				raise NodeUsage(_unknown(info, name, list(live)))
		elif isinstance(value, Handle) and not accepts(wanted.type, value.socket):
			raise NodeUsage(f'{info.kind}: input {name!r} takes {wanted.type}, got {value.socket} ({value!r}).')
	for name, item in live.items():
		if name not in inputs and item.required:
			inputs[name] = Constant(_default(info, item, storage))
	return Call(info.kind, inputs, title)


def _spread(info: NodeInfo, name: str, value: object) -> Iterator[tuple[str, object]]:
	"""One argument as the graph has it: lists and mappings of growing inputs, and what belongs to a choice, one by one."""
	item = info.inputs_by_name.get(name)
	dynamic = item.dynamic if item is not None else None
	match dynamic, value:
		case Growing(), Mapping():
			yield from ((f'{name}.{key}', one) for key, one in value.items())
		case Growing(names=names), list() | tuple():
			if len(value) > len(names):
				raise NodeUsage(f'{info.kind}: input {name!r} takes at most {len(names)}, got {len(value)}.')
			yield from ((f'{name}.{key}', one) for key, one in zip(names, value, strict=False))
		case Growing(), Handle() | Named():
			yield from _spread(info, name, [value])
		case Varying(), (str() as key, Mapping() as rest):
			yield name, key
			yield from ((f'{name}.{part}', one) for part, one in rest.items())
		case _:
			if value is not None or item is None or item.required:
				yield name, value


def _argument(info: NodeInfo, name: str, value: object) -> Argument:
	match value:
		case Handle():
			return value.link
		case Link():
			return value
		case Named():
			return Constant(value.value)
	try:
		return Constant(JSON.validate_python(value))
	except ValidationError:
		raise NodeUsage(
			f'{info.kind}: input {name!r} takes an output of another node or a plain value, got {type(value).__name__}.'
		) from None


def _default(info: NodeInfo, item: Input, storage: Storage) -> JsonValue:
	match item.widget:
		case Number(default=default) | Text(default=default) | Toggle(default=default) if default is not None:
			return default
		case Choice() as choice:
			options = storage.options(choice)
			if choice.default is not None and (not options or choice.default in options):
				return choice.default
			if options:
				return options[0]
	raise NodeUsage(f'{info.kind}: input {item.name!r} ({item.type}) is missing.')


def _unknown(info: NodeInfo, name: str, known: list[str]) -> str:
	near = difflib.get_close_matches(name, known, n=1)
	guess = f' Did you mean {near[0]!r}?' if near else ''
	return f'{info.kind} has no input {name!r}; it has: {", ".join(known) or "none"}.{guess}'


def outputs_of(info: NodeInfo, node: str) -> list[Handle[Any]]:
	"""Handles of all outputs of a node."""
	return [handle_class(output.type)(node, index, output.name) for index, output in enumerate(info.outputs)]
