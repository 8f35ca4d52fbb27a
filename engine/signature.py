"""Reads a node's inputs and outputs off the signature of its function: see `engine.spec`."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, Union, get_args, get_origin

from engine.context import Context
from engine.declaration import (
	Choice,
	Growing,
	Input,
	Number,
	Output,
	Text,
	Toggle,
	Variant,
	Varying,
	Widget,
)
from engine.dynamic import GROWING, VARYING, Grow, Vary
from engine.errors import NodeUsage
from engine.flow import Expand, Lazy, Skip
from engine.sockets import ANY, socket_name


def read_inputs(kind: str, function: Callable[..., object]) -> tuple[str | None, tuple[Input, ...]]:
	"""The name of the parameter that gets the context, if there is one, and the inputs. Raises `NodeUsage`."""
	try:
		hints = typing.get_type_hints(function, include_extras=True)
	except NameError as error:
		raise NodeUsage(f'{kind}: an annotation cannot be read: {error}') from error
	context: str | None = None
	inputs: list[Input] = []
	for name, parameter in inspect.signature(function).parameters.items():
		if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
			raise NodeUsage(f'{kind}: parameter {name!r} cannot be passed by name.')
		if name not in hints:
			raise NodeUsage(f'{kind}: parameter {name!r} has no type.')
		if hints[name] is Context:
			context = name
			continue
		inputs.append(_read_input(kind, parameter, hints[name]))
	return context, tuple(inputs)


def _read_input(kind: str, parameter: inspect.Parameter, hint: Any) -> Input:
	annotation: Any = hint
	extras: list[object] = []
	if get_origin(hint) is typing.Annotated:
		annotation, *extras = get_args(hint)
	widgets = [extra for extra in extras if isinstance(extra, Number | Text | Toggle | Choice)]
	tooltips = [extra for extra in extras if isinstance(extra, str)]
	options = [dict(extra) for extra in extras if isinstance(extra, Mapping)]
	for extra in extras:
		if isinstance(extra, Grow | Vary):
			if isinstance(extra, Grow):
				read = _read_growing(kind, parameter, annotation, extra)
			else:
				read = _read_varying(kind, parameter, extra)
			return read.model_copy(update={'tooltip': ''.join(tooltips[:1])})
	takes_skips = Skip in get_args(annotation)
	annotation = _plain(annotation) if takes_skips else annotation
	lazy = get_origin(annotation) is Lazy
	annotation = get_args(annotation)[0] if lazy else annotation
	is_list = get_origin(annotation) is list
	annotation = get_args(annotation)[0] if is_list else annotation
	type_name, generic = _type_of(kind, f'parameter {parameter.name!r}', annotation)
	widget = widgets[0] if widgets else _default_widget(type_name, parameter.default)
	if widgets and widget is not None and isinstance(parameter.default, bool | int | float | str):
		widget = widget.model_copy(update={'default': parameter.default})
	return Input(
		name=parameter.name,
		type='COMBO' if isinstance(widget, Choice) else type_name,
		widget=widget,
		required=parameter.default is parameter.empty,
		tooltip=tooltips[0] if tooltips else '',
		lazy=lazy,
		is_list=is_list,
		takes_skips=takes_skips,
		generic=generic,
		options=options[0] if options else {},
	)


def _read_growing(kind: str, parameter: inspect.Parameter, annotation: Any, grow: Grow) -> Input:
	if get_origin(annotation) is not Mapping:
		raise NodeUsage(f'{kind}: parameter {parameter.name!r} grows, so its type is Mapping[str, …].')
	name = grow.item or grow.prefix or 'value'
	item = _read_input(kind, inspect.Parameter(name, parameter.KEYWORD_ONLY), get_args(annotation)[1])
	return Input(
		name=parameter.name,
		type=GROWING,
		required=parameter.default is parameter.empty,
		dynamic=Growing(
			item=item,
			names=grow.all_names,
			min=grow.min,
			prefix=grow.prefix,
		),
	)


def _read_varying(kind: str, parameter: inspect.Parameter, vary: Vary) -> Input:
	variants = []
	for key, cls in vary.variants.items():
		hints = typing.get_type_hints(cls, include_extras=True)
		parts = inspect.signature(cls).parameters
		variants.append(
			Variant(key=key, inputs=tuple(_read_input(kind, part, hints[name]) for name, part in parts.items()))
		)
	default = next((key for key, cls in vary.variants.items() if type(parameter.default) is cls), None)
	return Input(
		name=parameter.name,
		type=VARYING,
		widget=Choice(options=tuple(vary.variants), default=default),
		required=parameter.default is parameter.empty,
		dynamic=Varying(variants=tuple(variants)),
	)


def read_variants(function: Callable[..., object]) -> dict[str, Mapping[str, type[Any]]]:
	"""The data classes of each varying parameter, by key."""
	found: dict[str, Mapping[str, type[Any]]] = {}
	for name, hint in typing.get_type_hints(function, include_extras=True).items():
		for extra in get_args(hint)[1:] if get_origin(hint) is typing.Annotated else ():
			if isinstance(extra, Vary):
				found[name] = extra.variants
	return found


def _type_of(kind: str, where: str, annotation: Any) -> tuple[str, str]:
	"""The socket's name, and the type variable that it stands for, if it does."""
	members = [member for member in get_args(annotation) if member is not type(None)]
	if get_origin(annotation) in (Union, types.UnionType) and len(members) == 1:
		annotation = members[0]
	if isinstance(annotation, TypeVar):
		constraints = annotation.__constraints__
		return ','.join(socket_name(one) for one in constraints) if constraints else ANY, annotation.__name__
	try:
		return socket_name(annotation), ''
	except NodeUsage as error:
		raise NodeUsage(f'{kind}: {where}: {error}') from error


def _default_widget(type_name: str, default: object) -> Widget | None:
	match type_name:
		case 'INT' | 'FLOAT':
			return Number(default=default if isinstance(default, int | float) else None)
		case 'STRING':
			return Text(default=default if isinstance(default, str) else '')
		case 'BOOLEAN':
			return Toggle(default=default is True)
		case _:
			return None


def read_outputs(kind: str, function: Callable[..., object], names: tuple[str, ...]) -> tuple[Output, ...]:
	"""The outputs, called `names` if there are any. Raises `NodeUsage`."""
	hints = typing.get_type_hints(function)
	if 'return' not in hints:
		raise NodeUsage(f'{kind}: the result has no type; write -> None if there is none.')
	result = _plain(hints['return'])
	if result is type(None):
		return ()
	if isinstance(result, type) and issubclass(result, tuple) and hasattr(result, '_fields'):
		fields = typing.get_type_hints(result)
		found = [_read_output(kind, f'output {name!r}', name, annotation) for name, annotation in fields.items()]
	else:
		found = [_read_output(kind, 'the result', '', result)]
	if names and len(names) != len(found):
		raise NodeUsage(f'{kind}: {len(names)} output names are given for {len(found)} outputs.')
	return tuple(
		output.model_copy(update={'name': names[index]}) if names else output for index, output in enumerate(found)
	)


def _read_output(kind: str, where: str, name: str, annotation: Any) -> Output:
	plain = _plain(annotation)
	is_list = get_origin(plain) is list
	type_name, generic = _type_of(kind, where, get_args(plain)[0] if is_list else plain)
	return Output(name=name or type_name, type=type_name, is_list=is_list, generic=generic)


def _plain(annotation: Any) -> Any:
	"""A result's type without what the node may do instead."""
	if get_origin(annotation) not in (Union, types.UnionType):
		return annotation
	kept = [member for member in get_args(annotation) if member not in (Skip, Expand)]
	return Union[tuple(kept)] if kept else type(None)  # noqa: UP007 - the members are only known here
