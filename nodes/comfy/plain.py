"""Foreign objects as plain data: JSON for declarations and for what nodes show, text for fingerprints."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from pydantic import JsonValue

from engine.errors import NodeUsage
from engine.events import Ui


def number_of(value: object) -> object:
	"""The Python value of a number that numpy or torch wraps; anything else as it is."""
	item = getattr(value, 'item', None)
	return item() if callable(item) and getattr(value, 'ndim', None) == 0 else value


def primitive(value: object) -> str | int | float | bool | None:
	"""A str, number or bool without what subclasses add; None for anything else, and for None."""
	value = number_of(value)
	if isinstance(value, bool):
		return value
	if isinstance(value, str):
		return str.__str__(value)
	if isinstance(value, int):
		return int(value)
	return float(value) if isinstance(value, float) else None


def json_safe(value: object) -> JsonValue:
	"""The nearest JSON: mappings and sequences by their items, anything unknown as its text."""
	found = primitive(value)
	if found is not None or value is None:
		return found
	if isinstance(value, enum.Enum):
		return json_safe(value.value)
	if isinstance(value, Mapping):
		return {str(key): json_safe(item) for key, item in value.items()}
	if isinstance(value, list | tuple | set | frozenset):
		return [json_safe(item) for item in value]
	return str(value)


def shown(ui: object, node: str) -> Ui:
	"""What a node shows, from the `ui` of its result: a mapping of names to lists. `NodeUsage` if it cannot be told."""
	if not isinstance(ui, Mapping):
		raise NodeUsage(f'Node {node!r} shows a {type(ui).__name__}; "ui" must be a mapping of names to lists.')
	lists: dict[str, list[JsonValue]] = {}
	for name, items in ui.items():
		if not isinstance(items, Iterable):
			raise NodeUsage(f'Node {node!r} shows a {type(items).__name__} as {name!r}; a list is expected.')
		lists[str(name)] = [_strict(item, node, str(name)) for item in items]
	return Ui(lists)


def _strict(value: object, node: str, name: str) -> JsonValue:
	found = primitive(value)
	if found is not None or value is None:
		return found
	if isinstance(value, Mapping):
		return {str(key): _strict(item, node, name) for key, item in value.items()}
	if isinstance(value, list | tuple):
		return [_strict(item, node, name) for item in value]
	if isinstance(value, PurePath):
		return str(value)
	raise NodeUsage(f'Node {node!r} shows a {type(value).__name__} in {name!r}, which cannot be told as JSON.')


def fingerprint(value: object) -> str | None:
	"""A text that is equal for equal values of one type; None if a NaN is among them, which is never the same."""
	if _has_nan(value):
		return None
	try:
		# JSON keeps true, 1 and "1" apart.
		text = json.dumps(value, sort_keys=True)
	except (TypeError, ValueError):
		text = repr(value)
	return f'{type(value).__name__}:{text}'


def _has_nan(value: object) -> bool:
	found = number_of(value)
	if isinstance(found, float):
		return math.isnan(found)
	return isinstance(value, list | tuple) and any(_has_nan(item) for item in value)
