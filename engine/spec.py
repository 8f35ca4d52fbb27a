"""A node as code: a typed function, with its declaration read from its signature.

	@node(kind='VAEDecode', category='latent')
	def vae_decode(context: Context, samples: Latent, vae: ModelRef[AutoEncoder]) -> Images:
		'''Turn a latent picture into pixels.'''

A parameter annotated `Context` gets the context. Any other parameter is an input, required unless it has a default;
`Annotated[int, Number(min=1, default=20), 'What it is for']` gives it a widget and a tooltip. `list[T]` takes all items
of a list at once, `Lazy[T]` is computed when asked for, a type variable takes any type and hands it on. The result is one
value, or a NamedTuple whose fields are the outputs; `list[T]` gives a list of items; `| Skip` and `| Expand` say that it
may do so (`engine.flow`). The function may be a coroutine function. The docstring is what the editor shows.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import JsonValue

from engine.context import Context
from engine.declaration import (
	Agreement,
	Caching,
	Choice,
	Hidden,
	Input,
	Lane,
	NodeInfo,
	Number,
	Output,
	Source,
	Text,
	Toggle,
	Validator,
	Widget,
)
from engine.errors import NodeUsage
from engine.flow import Expand, Lazy, Skip
from engine.graph import NodeId
from engine.sockets import ANY, socket_name
from engine.storage import Storage

F = TypeVar('F', bound=Callable[..., object])
Fingerprint = Callable[[Storage, Mapping[str, JsonValue]], str | None]
"""(storage, constants by input name) → the state of the outside world that the node depends on, as text.

None says that it is never the same: the node runs each time.
"""

__all__ = ['Context', 'Fingerprint', 'NodeSpec', 'Probe', 'ValidationRequest', 'node', 'spec_of']
ATTRIBUTE = '__node__'


@dataclass(frozen=True, slots=True)
class Probe:
	"""What a node may look at to tell its fingerprint, before anything runs: constants, and which inputs are linked."""

	storage: Storage
	node: NodeId
	constants: Mapping[str, JsonValue]
	links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ValidationRequest:
	"""One node whose constants it shall judge itself; `links` maps linked inputs to the types that they bring."""

	node: NodeId
	kind: str
	constants: Mapping[str, JsonValue]
	links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodeSpec:
	"""A declaration with the function that does it.

	`context` is the name of the parameter that gets the context. `fingerprint` tells the outside state, such as a
	file's digest, that belongs in the cache key; None stands for "never the same". `validate` judges constants and gives
	a sentence if it refuses them. `wants` names the inputs that a call, given what is there (None for what is not),
	still needs; it is asked again until it names nothing new. `is_async` says that `call` gives an awaitable.
	"""

	info: NodeInfo
	call: Callable[..., object]
	context: str | None = None
	fingerprint: Callable[[Probe], str | None] | None = None
	validate: Callable[[ValidationRequest], str | None] | None = None
	wants: Callable[[Context, Mapping[str, object]], tuple[str, ...]] | None = None
	is_async: bool = False


def node(
	*,
	category: str,
	kind: str = '',
	title: str = '',
	version: str = '1',
	sink: bool = False,
	lane: Lane = 'device',
	caching: Caching = 'value',
	hidden: tuple[Hidden, ...] = (),
	outputs: tuple[str, ...] = (),
	facts: Mapping[str, Mapping[str, Source]] | None = None,
	agreements: tuple[Agreement, ...] = (),
	fingerprint: Fingerprint | None = None,
	validate: Callable[[ValidationRequest], str | None] | None = None,
	time_limit: float | None = None,
) -> Callable[[F], F]:
	"""Read a spec off a function's signature and attach it. Registers nothing.

	`outputs` names the outputs where the result's type does not. `facts` maps an output's name to what is known of it
	before running. `validate` sees all constants that are good by their widgets. A call that takes more than `time_limit`
	seconds is taken for hung. Raises `NodeUsage` for what cannot be a node.
	"""

	def attach(function: F) -> F:
		name = kind or ''.join(part.capitalize() for part in function.__name__.split('_'))
		context, inputs = _read_inputs(name, function)
		read = _read_outputs(name, function, outputs)
		unknown = set(facts or {}) - {output.name for output in read}
		if unknown:
			raise NodeUsage(f'{name}: facts are given of {sorted(unknown)}, which are not among its outputs.')
		info = NodeInfo(
			kind=name,
			title=title or name,
			category=category,
			description=inspect.cleandoc(function.__doc__ or ''),
			version=version,
			inputs=inputs,
			outputs=tuple(
				output.model_copy(update={'facts': dict((facts or {}).get(output.name, {}))}) for output in read
			),
			lane=lane,
			sink=sink,
			caching=caching,
			hidden={item: item for item in hidden},
			agreements=agreements,
			validator=None if validate is None else Validator(),
			time_limit=time_limit,
		)
		setattr(
			function,
			ATTRIBUTE,
			NodeSpec(
				info,
				function,
				context,
				None if fingerprint is None else _probing(fingerprint),
				validate,
				is_async=inspect.iscoroutinefunction(function),
			),
		)
		return function

	return attach


def spec_of(function: object) -> NodeSpec | None:
	"""The spec that `@node` attached, if it did."""
	found = getattr(function, ATTRIBUTE, None)
	return found if isinstance(found, NodeSpec) else None


def _probing(fingerprint: Fingerprint) -> Callable[[Probe], str | None]:
	def probe(asked: Probe) -> str | None:
		return fingerprint(asked.storage, asked.constants)

	return probe


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
		generic=generic,
	)


def _type_of(kind: str, where: str, annotation: Any) -> tuple[str, str]:
	"""The socket's name, and the type variable that it stands for, if it does."""
	if isinstance(annotation, TypeVar):
		return ANY, annotation.__name__
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


def _read_outputs(kind: str, function: Callable[..., object], names: tuple[str, ...]) -> tuple[Output, ...]:
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
