"""A node as code: a typed function, with its declaration read from its signature.

	@node(kind='VAEDecode', category='latent')
	def vae_decode(context: Context, samples: Latent, vae: ModelRef[AutoEncoder]) -> Images:
		'''Turn a latent picture into pixels.'''

A parameter annotated `Context` gets the context. Any other parameter is an input, required unless it has a default;
`Annotated[int, Number(min=1, default=20), 'What it is for']` gives it a widget and a tooltip. The result is one value,
or a NamedTuple whose fields are the outputs. The docstring is what the editor shows.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args, get_origin

from pydantic import JsonValue

from engine.context import Context
from engine.declaration import Choice, Hidden, Input, Lane, NodeInfo, Number, Output, Text, Toggle, Widget
from engine.errors import NodeUsage
from engine.sockets import socket_name
from engine.storage import Storage

F = TypeVar('F', bound=Callable[..., object])
Fingerprint = Callable[[Storage, Mapping[str, JsonValue]], str]
"""(storage, constants by input name) → the state of the outside world that the node depends on, as text."""

__all__ = ['Context', 'Fingerprint', 'NodeSpec', 'node', 'spec_of']
ATTRIBUTE = '__node__'


@dataclass(frozen=True, slots=True)
class NodeSpec:
	"""A declaration with the function that does it.

	`context` is the name of the parameter that gets the context. `fingerprint` tells the outside state, such as a
	file's digest, that belongs in the cache key.
	"""

	info: NodeInfo
	call: Callable[..., object]
	context: str | None = None
	fingerprint: Fingerprint | None = None


def node(
	*,
	category: str,
	kind: str = '',
	title: str = '',
	version: str = '1',
	sink: bool = False,
	lane: Lane = 'device',
	hidden: tuple[Hidden, ...] = (),
	outputs: tuple[str, ...] = (),
	fingerprint: Fingerprint | None = None,
) -> Callable[[F], F]:
	"""Read a spec off a function's signature and attach it. Registers nothing.

	`outputs` names the outputs where the result's type does not. Raises `NodeUsage` for what cannot be a node.
	"""

	def attach(function: F) -> F:
		name = kind or ''.join(part.capitalize() for part in function.__name__.split('_'))
		if inspect.iscoroutinefunction(function):
			raise NodeUsage(f'{name}: a node function is a plain function, not a coroutine.')
		context, inputs = _read_inputs(name, function)
		info = NodeInfo(
			kind=name,
			title=title or name,
			category=category,
			description=inspect.cleandoc(function.__doc__ or ''),
			version=version,
			inputs=inputs,
			outputs=_read_outputs(name, function, outputs),
			lane=lane,
			sink=sink,
			hidden=hidden,
		)
		setattr(function, ATTRIBUTE, NodeSpec(info, function, context, fingerprint))
		return function

	return attach


def spec_of(function: object) -> NodeSpec | None:
	"""The spec that `@node` attached, if it did."""
	found = getattr(function, ATTRIBUTE, None)
	return found if isinstance(found, NodeSpec) else None


def _read_inputs(kind: str, function: Callable[..., object]) -> tuple[str | None, tuple[Input, ...]]:
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
	type_name = _socket_name(kind, f'parameter {parameter.name!r}', annotation)
	widget = widgets[0] if widgets else _default_widget(type_name, parameter.default)
	if widgets and widget is not None and isinstance(parameter.default, bool | int | float | str):
		widget = widget.model_copy(update={'default': parameter.default})
	return Input(
		name=parameter.name,
		type='COMBO' if isinstance(widget, Choice) else type_name,
		widget=widget,
		required=parameter.default is parameter.empty,
		tooltip=tooltips[0] if tooltips else '',
	)


def _socket_name(kind: str, where: str, annotation: Any) -> str:
	try:
		return socket_name(annotation)
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


def _read_outputs(kind: str, function: Callable[..., object], names: tuple[str, ...]) -> tuple[Output, ...]:
	hints = typing.get_type_hints(function)
	if 'return' not in hints:
		raise NodeUsage(f'{kind}: the result has no type; write -> None if there is none.')
	result = hints['return']
	if result is type(None):
		return ()
	if isinstance(result, type) and issubclass(result, tuple) and hasattr(result, '_fields'):
		fields = typing.get_type_hints(result)
		found = [(field, _socket_name(kind, f'output {field!r}', annotation)) for field, annotation in fields.items()]
	else:
		name = _socket_name(kind, 'the result', result)
		found = [(name, name)]
	if names and len(names) != len(found):
		raise NodeUsage(f'{kind}: {len(names)} output names are given for {len(found)} outputs.')
	return tuple(
		Output(name=names[index] if names else name, type=type_name) for index, (name, type_name) in enumerate(found)
	)
