"""Calls a node's function: once, or once per item where lists come in; and joins what the calls gave.

Every output is a list of items inside the engine, most often of one. A node that does not take lists is called once per
item, shorter lists repeating their last. An item that was skipped blocks the call that would take it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import Token
from dataclasses import dataclass

from engine.cache import Items, Outputs
from engine.context import Context, current
from engine.declaration import Growing
from engine.errors import NodeUsage
from engine.flow import Expand, Lazy, Returned, Skip
from engine.graph import Link
from engine.spec import NodeSpec

Arguments = dict[str, object]
NOT_THERE: Items = (None,)


@dataclass(frozen=True, slots=True)
class Blocked:
	"""A call that was not made, since this input was skipped."""

	skip: Skip


Made = Returned | Blocked


def split(spec: NodeSpec, given: Mapping[str, Items], missing: Iterable[str] = ()) -> list[Arguments]:
	"""The arguments of each call. `missing` are lazy inputs that are not computed; they count as None.

	Raises `NodeUsage` if one of several lists is empty.
	"""
	each = {name: items for name, items in given.items() if not takes_list(spec, name)}
	shared: Arguments = {name: list(items) for name, items in given.items() if name not in each}
	for name in missing:
		# As ComfyUI's nodes know it: a tuple, where what is computed is a list.
		(shared if takes_list(spec, name) else each)[name] = NOT_THERE
	count = max(map(len, each.values()), default=1)
	if count == 0:
		# All lists are empty: as in ComfyUI, one call without them.
		return [dict(shared)]
	empty = [name for name, items in each.items() if not items]
	if empty:
		raise NodeUsage(f'Input {empty[0]!r} got an empty list, while others have items; there is nothing to repeat.')
	return [
		{**{name: items[min(index, len(items) - 1)] for name, items in each.items()}, **shared}
		for index in range(count)
	]


def split_plain(given: Mapping[str, Items]) -> Arguments | None:
	"""The arguments of the one call where no list is involved; None if some input has not exactly one item."""
	arguments: Arguments = {}
	for name, items in given.items():
		if len(items) != 1:
			return None
		arguments[name] = items[0]
	return arguments


def blocker(spec: NodeSpec, arguments: Arguments) -> Skip | None:
	"""The skipped value among a call's arguments, if there is one."""
	for name, value in arguments.items():
		if type(value) is Skip:
			if not takes_skips(spec, name):
				return value
		elif isinstance(value, list) and takes_list(spec, name):
			for item in value:
				if type(item) is Skip and not takes_skips(spec, name):
					return item
	return None


def takes_skips(spec: NodeSpec, name: str) -> bool:
	"""Whether a value that was skipped reaches the node by this input."""
	declared = spec.info.inputs_by_name.get(name) or spec.info.inputs_by_name.get(name.partition('.')[0])
	if declared is not None and isinstance(declared.dynamic, Growing):
		return declared.dynamic.item.takes_skips
	return declared is not None and declared.takes_skips


def takes_list(spec: NodeSpec, name: str) -> bool:
	"""Whether all items of an input arrive at once."""
	declared = spec.info.inputs_by_name.get(name)
	return spec.info.input_is_list or (declared is not None and declared.is_list)


def with_lazies(spec: NodeSpec, arguments: Arguments, missing: frozenset[str]) -> Arguments:
	"""The arguments as a native function takes them: lazy ones wrapped, those of `missing` without a value."""
	wrapped = dict(arguments)
	for item in spec.info.inputs:
		if item.lazy and item.name in wrapped:
			known = item.name not in missing
			wrapped[item.name] = Lazy[object](item.name, wrapped[item.name], known=known)
	return wrapped


def invoke(spec: NodeSpec, context: Context, arguments: Arguments) -> Returned | Awaitable[Returned]:
	"""Call the function once, with the context in place."""
	if spec.context is not None:
		arguments = {**arguments, spec.context: context}
	token: Token[Context | None] = current.set(context)
	try:
		result = spec.call(**arguments)
		return _awaited(spec, context, result) if isinstance(result, Awaitable) else returned(spec, result)
	finally:
		current.reset(token)


async def _awaited(spec: NodeSpec, context: Context, result: Awaitable[object]) -> Returned:
	current.set(context)  # for this coroutine's task alone
	return returned(spec, await result)


async def gather(calls: Iterable[Callable[[], Made | Awaitable[Returned]]]) -> list[Made]:
	"""Make calls side by side; the results in the order of the calls. One that raises cancels the others."""

	async def one(call: Callable[[], Made | Awaitable[Returned]]) -> Made:
		made = call()
		return await made if isinstance(made, Awaitable) else made

	tasks = [asyncio.ensure_future(one(call)) for call in calls]
	try:
		return list(await asyncio.gather(*tasks))
	except BaseException:
		for task in tasks:
			task.cancel()
		await asyncio.gather(*tasks, return_exceptions=True)
		raise


def returned(spec: NodeSpec, result: object) -> Returned:
	"""What one call gave, in full. Raises `NodeUsage` if the number of outputs is not the declared one."""
	declared = spec.info.outputs
	if type(result) is Returned:
		found = result
	elif type(result) is Expand:
		found = Returned(result.outputs, None, result)
	elif type(result) is Skip:
		found = Returned((result,) * len(declared))
	elif not declared:
		return Returned(())
	elif isinstance(result, tuple) and hasattr(result, '_fields'):
		found = Returned(tuple(result))
	else:
		found = Returned((result,))
	outputs = found.outputs
	if outputs is not None and len(outputs) != len(declared):
		if spec.info.foreign and len(outputs) > len(declared):
			return Returned(outputs[: len(declared)], found.ui, found.expand)
		raise NodeUsage(f'{spec.info.kind} gave {len(outputs)} outputs, {len(declared)} are declared.')
	return found


def join(spec: NodeSpec, made: Iterable[Made], resolve: Callable[[Link], Items]) -> Outputs:
	"""The outputs of all calls, per output one after the other. Links of expansions are resolved.

	Raises `NodeUsage` if an output that is declared as a list is none.
	"""
	declared = spec.info.outputs
	slots: list[list[object]] = [[] for _ in declared]
	stored = False
	for call in made:
		if isinstance(call, Blocked):
			stored = True
			for slot in slots:
				slot.append(call.skip)
			continue
		if call.outputs is None:
			continue
		stored = True
		for slot, output, value in zip(slots, declared, call.outputs, strict=True):
			if call.expand is not None and type(value) is Link:
				slot.extend(resolve(value))
			elif output.is_list and type(value) is not Skip:
				slot.extend(_items(spec, output.name, value))
			else:
				slot.append(value)
	return tuple(map(tuple, slots)) if stored else ()


def _items(spec: NodeSpec, output: str, value: object) -> Iterable[object]:
	if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
		return value
	raise NodeUsage(f'{spec.info.kind} declares output {output!r} as a list, and gave {type(value).__name__}.')
