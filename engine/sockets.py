"""Socket types: the names of what travels along links, and which of them join.

A Python class gets its name on the wire from `@socket('LATENT')`. The annotation of a node's parameter or result is
read with `socket_name`: `Latent` → `LATENT`, `ModelRef[DiffusionModel]` → `MODEL`, `int` → `INT`, `Any` → `*`,
`Images | Mask` → `IMAGE,MASK`.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, TypeVar, Union, get_args, get_origin

from engine.errors import NodeUsage

ANY = '*'
PRIMITIVES: dict[type, str] = {int: 'INT', float: 'FLOAT', str: 'STRING', bool: 'BOOLEAN'}

C = TypeVar('C', bound=type)


def socket(name: str) -> Callable[[C], C]:
	"""Give a class its name on the wire."""

	def mark(cls: C) -> C:
		setattr(cls, '__socket__', name)  # noqa: B010 - mypy knows no such attribute on type
		return cls

	return mark


def socket_name(annotation: Any) -> str:
	"""The wire name of a type annotation; `NodeUsage` if it has none."""
	if annotation is Any or annotation is object:
		return ANY
	origin = get_origin(annotation)
	if origin in (Union, types.UnionType):
		members = [member for member in get_args(annotation) if member is not type(None)]
		return ','.join(dict.fromkeys(socket_name(member) for member in members))
	if isinstance(annotation, type) and annotation in PRIMITIVES:
		return PRIMITIVES[annotation]
	if isinstance(origin, type) and origin.__module__ != 'builtins' and get_args(annotation):
		# A generic such as ModelRef[DiffusionModel] is named after what it refers to; list[int] is another thing.
		return socket_name(get_args(annotation)[0])
	name = getattr(annotation, '__socket__', None)
	if isinstance(name, str):
		return name
	raise NodeUsage(f'{annotation!r} has no socket name: mark the class with @socket("NAME").')


def joins(output: str, wanted: str) -> bool:
	"""Whether an output of one type may feed an input of another.

	Equal names join, `*` on either side joins anything, and unions (`A,B`, in any order, spaces ignored) join when they
	share a member. An empty name joins only an empty name.
	"""
	if output == wanted:
		return True
	offered = set(_members(output))
	accepted = set(_members(wanted))
	if ANY in offered or ANY in accepted:
		return True
	return bool((offered & accepted) - {''})


def meet(one: str, other: str) -> str:
	"""The type that is both: the shared members of two unions, in the first one's order; `*` is whatever the other is.

	Empty if they share none.
	"""
	if one == other or ANY in _members(other):
		return one
	if ANY in _members(one):
		return other
	accepted = set(_members(other))
	return ','.join(member for member in _members(one) if member in accepted and member)


def _members(name: str) -> list[str]:
	return [part.strip() for part in name.split(',')]
