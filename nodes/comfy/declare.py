"""A ComfyUI node class → its declaration, and the types of its sockets as plain strings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import ne
from typing import Any, get_args

from engine.declaration import (
	Choice,
	Hidden,
	Input,
	NodeInfo,
	Number,
	OpenInputs,
	Option,
	Output,
	Text,
	Toggle,
	Validator,
	Widget,
)
from engine.errors import NodeUsage
from engine.sockets import ANY
from nodes.comfy.plain import json_safe, primitive

OTHER = 'some other type'
UNKNOWN_INPUT = 'lumengraph asks for an input of any name'
UPLOADS = ('image_upload', 'video_upload', 'audio_upload', 'mesh_upload', 'file_upload', 'animated_image_upload')
HIDDEN: Mapping[str, Hidden] = {source.upper(): source for source in get_args(Hidden)}


def declare(kind: str, cls: type[Any], *, title: str, origin: str, code: str) -> NodeInfo:
	"""Read a class's declaration. Raises whatever its `INPUT_TYPES` raises, and `NodeUsage` for what is none."""
	declared = cls.INPUT_TYPES()
	if not isinstance(declared, Mapping):
		raise NodeUsage(f'{kind}: INPUT_TYPES gives a {type(declared).__name__}; a mapping is expected.')
	return NodeInfo(
		kind=kind,
		title=title,
		category=str(getattr(cls, 'CATEGORY', '') or ''),
		description=str(getattr(cls, 'DESCRIPTION', '') or ''),
		code=code,
		inputs=tuple(_inputs(kind, declared)),
		outputs=tuple(_outputs(cls)),
		sink=bool(getattr(cls, 'OUTPUT_NODE', False)),
		hidden=_hidden(declared.get('hidden')),
		unlisted=_unlisted(declared.get('hidden')),
		origin=origin,
		caching='identity' if getattr(cls, 'NOT_IDEMPOTENT', False) else 'value',
		open_inputs=_open_inputs(declared),
		input_is_list=bool(getattr(cls, 'INPUT_IS_LIST', False)),
		validator=_validator(getattr(cls, 'VALIDATE_INPUTS', None)),
		foreign=True,
		deprecated=bool(getattr(cls, 'DEPRECATED', False)),
		experimental=bool(getattr(cls, 'EXPERIMENTAL', False)),
		dev_only=bool(getattr(cls, 'DEV_ONLY', False)),
		api_node=bool(getattr(cls, 'API_NODE', False)),
		intermediate=bool(getattr(cls, 'HAS_INTERMEDIATE_OUTPUT', False)),
		essentials=str(getattr(cls, 'ESSENTIALS_CATEGORY', '') or ''),
		aliases=tuple(str(alias) for alias in getattr(cls, 'SEARCH_ALIASES', None) or ()),
	)


def plain_type(declared: object) -> str:
	"""The name of a socket type. A list of choices is a COMBO; a str that is never unequal to anything is `*`."""
	if isinstance(declared, list | tuple):
		return 'COMBO'
	if not isinstance(declared, str):
		return str(declared)
	# Asked by `!=`, as ComfyUI does: packs override it, and perhaps nothing else.
	if type(declared) is not str and not (ne(OTHER, declared) and ne(declared, OTHER)):
		return ANY
	return str.__str__(declared)


def _inputs(kind: str, declared: Mapping[str, Any]) -> Iterator[Input]:
	seen: set[str] = set()
	for category in ('required', 'optional'):
		# Such mappings may answer for any key; what they list is what is declared.
		for name, entry in (declared.get(category) or {}).items():
			if name not in seen:
				seen.add(name)
				yield _input(kind, str(name), entry, required=category == 'required')


def _input(kind: str, name: str, entry: object, *, required: bool) -> Input:
	if isinstance(entry, str):
		entry = (entry,)
	if not isinstance(entry, Sequence) or not entry:
		raise NodeUsage(f'{kind}: input {name!r} is declared as {entry!r}; (type,) or (type, options) is expected.')
	options = entry[1] if len(entry) > 1 and isinstance(entry[1], Mapping) else {}
	told = json_safe(options)
	tooltip = options.get('tooltip')
	return Input(
		name=name,
		type=plain_type(entry[0]),
		widget=None if options.get('forceInput') else _widget(name, entry[0], options),
		required=required,
		tooltip=tooltip if isinstance(tooltip, str) else '',
		lazy=bool(options.get('lazy')),
		raw_link=bool(options.get('rawLink')),
		options=told if isinstance(told, dict) else {},
	)


def _widget(name: str, declared: object, options: Mapping[str, Any]) -> Widget | None:
	default = primitive(options.get('default'))
	match plain_type(declared):
		case 'INT' | 'FLOAT' as type_name:
			seeds = type_name == 'INT' and name in ('seed', 'noise_seed')
			return Number(
				default=_number(default),
				min=_number(options.get('min')),
				max=_number(options.get('max')),
				step=_number(options.get('step')),
				round=_number(options.get('round')),
				seed=bool(options.get('control_after_generate', seeds)),
			)
		case 'STRING':
			return Text(
				default='' if default is None else str(default),
				multiline=bool(options.get('multiline')),
				dynamic_prompts=bool(options.get('dynamicPrompts')),
			)
		case 'BOOLEAN':
			return Toggle(default=bool(default))
		case 'COMBO':
			listed = declared if isinstance(declared, list | tuple) else options.get('options')
			return Choice(
				options=tuple(_option(item) for item in listed or ()),
				default=default,
				upload=any(options.get(key) for key in UPLOADS),
				open=bool(options.get('remote')) or listed is None,
				several=bool(options.get('multiselect')),
			)
		case _:
			return None


def _number(value: object) -> int | float | None:
	found = primitive(value)
	return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def _option(value: object) -> Option:
	found = primitive(value)
	return str(value) if found is None else found


def _outputs(cls: type[Any]) -> Iterator[Output]:
	names = _tuple(getattr(cls, 'RETURN_NAMES', None))
	lists = _tuple(getattr(cls, 'OUTPUT_IS_LIST', None))
	tooltips = _tuple(getattr(cls, 'OUTPUT_TOOLTIPS', None))
	for index, declared in enumerate(_tuple(getattr(cls, 'RETURN_TYPES', None))):
		type_name = plain_type(declared)
		yield Output(
			name=str(names[index]) if index < len(names) else type_name,
			type=type_name,
			is_list=index < len(lists) and bool(lists[index]),
			tooltip=str(tooltips[index] or '') if index < len(tooltips) else '',
		)


def _tuple(value: object) -> tuple[Any, ...]:
	"""A forgotten comma makes a str of a tuple of one."""
	if value is None:
		return ()
	return tuple(value) if isinstance(value, list | tuple) else (value,)


def _hidden(declared: object) -> dict[str, Hidden]:
	if not isinstance(declared, Mapping):
		return {}
	return {
		str(name): HIDDEN[source] for name, source in declared.items() if isinstance(source, str) and source in HIDDEN
	}


def _unlisted(declared: object) -> tuple[str, ...]:
	"""Hidden inputs that the host has nothing for: a node that expands may give them to the nodes it brings."""
	if not isinstance(declared, Mapping):
		return ()
	return tuple(str(name) for name, source in declared.items() if not (isinstance(source, str) and source in HIDDEN))


def _open_inputs(declared: Mapping[str, Any]) -> OpenInputs:
	answers = any(UNKNOWN_INPUT in (declared.get(category) or {}) for category in ('required', 'optional'))
	return 'all' if answers else 'links'


def _validator(function: Callable[..., object] | None) -> Validator | None:
	if function is None:
		return None
	parameters = inspect.signature(function).parameters.values()
	named = tuple(item.name for item in parameters if item.kind not in (item.VAR_KEYWORD, item.VAR_POSITIONAL))
	return Validator(
		inputs=tuple(name for name in named if name != 'input_types'),
		all_inputs=any(item.kind is item.VAR_KEYWORD for item in parameters),
		types='input_types' in named,
	)
