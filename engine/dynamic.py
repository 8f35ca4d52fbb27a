"""Inputs that stand for other inputs: as many as are linked, or those that belong to what is chosen.

	@dataclass(frozen=True)
	class Exactly:
		width: Annotated[int, Number(default=512, min=1)]
		height: Annotated[int, Number(default=512, min=1)]

	@node(kind='Resize', category='image')
	def resize(
		images: Annotated[Mapping[str, Images], Grow(prefix='image', max=50)],
		size: Annotated[Exactly | Longest, Vary({'exactly': Exactly, 'longer side': Longest})],
	) -> Images: ...

A graph gives them under dotted names: `images.image0`, `images.image1`; `size` is a key, and `size.width` belongs to it.
The function gets a mapping of what is there (`image0` → its value), and an instance of the chosen class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.declaration import Growing, Input, NodeInfo, Varying
from engine.errors import NodeUsage
from engine.graph import Constant

GROWING = 'COMFY_AUTOGROW_V3'
VARYING = 'COMFY_DYNAMICCOMBO_V3'


@dataclass(frozen=True, slots=True)
class Grow:
	"""Marks a parameter `Mapping[str, T]`: inputs called `names`, or `prefix` and a number below `max`."""

	prefix: str = ''
	names: tuple[str, ...] = ()
	min: int = 1
	max: int = 50
	item: str = ''

	@property
	def all_names(self) -> tuple[str, ...]:
		"""The names, in order."""
		return self.names or tuple(f'{self.prefix}{number}' for number in range(self.max))


@dataclass(frozen=True, slots=True)
class Vary:
	"""Marks a parameter that is an instance of one of these data classes, by the key that is chosen."""

	variants: Mapping[str, type[Any]]


def live_inputs(info: NodeInfo, given: Mapping[str, object]) -> tuple[Input, ...]:
	"""The inputs that a call has, given its arguments: those that are needed or given, and those of what is chosen."""
	return tuple(_live(info.inputs, given, '')) if info.is_dynamic else info.inputs


def input_called(info: NodeInfo, given: Mapping[str, object], name: str) -> Input | None:
	"""The input of a call that has this name, given its arguments: also one of as many as are linked that has none yet."""
	live = live_inputs(info, given if name in given else {**given, name: None})
	return next((item for item in live if item.name == name), None)


def _live(inputs: tuple[Input, ...], given: Mapping[str, object], prefix: str) -> Iterator[Input]:
	for item in inputs:
		name = prefix + item.name
		if isinstance(item.dynamic, Growing):
			for index, part in enumerate(item.dynamic.names):
				full = f'{name}.{part}'
				required = item.required and index < item.dynamic.min
				if required or full in given:
					yield item.dynamic.item.model_copy(update={'name': full, 'required': required})
			continue
		yield item.model_copy(update={'name': name}) if prefix else item
		if isinstance(item.dynamic, Varying):
			argument = given.get(name)
			chosen = argument.value if isinstance(argument, Constant) else None
			for variant in item.dynamic.variants:
				if variant.key == chosen:
					yield from _live(variant.inputs, given, f'{name}.')


def gathering(
	function: Callable[..., object], inputs: tuple[Input, ...], classes: Mapping[str, Mapping[str, type[Any]]]
) -> Callable[..., object]:
	"""The function as the executor calls it: with dotted arguments, which it gets as mappings and instances.

	`classes` has, for each varying input, the data class of each key.
	"""
	dynamic = [item for item in inputs if item.dynamic is not None]

	def call(**arguments: object) -> object:
		plain = {name: value for name, value in arguments.items() if '.' not in name}
		for item in dynamic:
			parts = {
				name.removeprefix(f'{item.name}.'): value
				for name, value in arguments.items()
				if name.startswith(f'{item.name}.')
			}
			if isinstance(item.dynamic, Growing):
				plain[item.name] = {name: parts[name] for name in item.dynamic.names if name in parts}
			elif item.name in plain:
				plain[item.name] = _instance(item, plain[item.name], parts, classes[item.name])
		return function(**plain)

	return call


def _instance(item: Input, key: object, parts: Mapping[str, object], classes: Mapping[str, type[Any]]) -> object:
	if not isinstance(key, str) or key not in classes:
		raise NodeUsage(f'Input {item.name!r} is one of {", ".join(classes)}, not {key!r}.')
	variants = item.dynamic.variants if isinstance(item.dynamic, Varying) else ()
	wanted = next(variant.inputs for variant in variants if variant.key == key)
	missing = [part.name for part in wanted if part.required and part.name not in parts]
	if missing:
		raise NodeUsage(f'Input {item.name!r} is {key!r}, which needs {item.name}.{missing[0]} too.')
	return classes[key](**{part.name: parts[part.name] for part in wanted if part.name in parts})
