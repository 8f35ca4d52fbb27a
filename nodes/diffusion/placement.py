"""Networks of which only a part is in memory: each block's weights come before its forward pass and go after it.

Blocks are what stands in lists of modules: residual blocks, attention blocks, layers of a transformer. Where they come
from is the caller's: read again from the model's file, or copied from main memory to the device. What is computed is
bit for bit the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import Module, ModuleList, Parameter

from engine.errors import OutOfDeviceMemory

IN_LISTS = 0.7
"""A block is taken apart into blocks of its own if so much of its weights is in lists again."""

Read = Callable[[Collection[str]], Mapping[str, Tensor]]
"""Gives weights by name: always the same ones, on the device that is computed on."""


@dataclass(frozen=True)
class Block:
	"""A module that is called by itself, and the names of the weights that it alone needs."""

	name: str
	weights: tuple[str, ...]
	nbytes: int


@dataclass(frozen=True, eq=False)
class Stream:
	"""How a network is streamed: where its weights come from, their bytes, and the names of those that come and go."""

	read: Read
	sizes: Mapping[str, int]
	away: frozenset[str]


_STREAMS: WeakKeyDictionary[Module, Stream] = WeakKeyDictionary()


def streamed(module: Module) -> Stream | None:
	"""How a network is streamed; None if it is there whole."""
	return _STREAMS.get(module)


def tied_names(module: Module) -> dict[str, list[str]]:
	"""Every tensor of a network's state, by its first name, with all the names that it goes by."""
	names: dict[int, list[str]] = {}
	for name, tensor in module.state_dict(keep_vars=True).items():
		names.setdefault(id(tensor), []).append(name)
	return {same[0]: same for same in names.values()}


def blocks_of(module: Module, sizes: Mapping[str, int], tied: Mapping[str, Sequence[str]]) -> list[Block]:
	"""The blocks of a network, in its order.

	`sizes` are the bytes of its weights by name, `tied` all names that a weight goes by: one that several blocks share is in
	none.
	"""
	return [*_blocks('', module, sizes, tied)]


def _blocks(
	prefix: str, module: Module, sizes: Mapping[str, int], tied: Mapping[str, Sequence[str]]
) -> Iterator[Block]:
	for name, child in module.named_children():
		path = f'{prefix}{name}'
		if not isinstance(child, ModuleList):
			yield from _blocks(f'{path}.', child, sizes, tied)
			continue
		for index, item in child.named_children():
			inside = f'{path}.{index}.'
			weights = tuple(
				name for name in sizes if all(alias.startswith(inside) for alias in tied.get(name, (name,)))
			)
			nbytes = sum(sizes[weight] for weight in weights)
			inner = [*_blocks(inside, item, sizes, tied)]
			if nbytes and sum(block.nbytes for block in inner) >= IN_LISTS * nbytes:
				yield from inner
			elif nbytes:
				yield Block(inside[:-1], weights, nbytes)


def least_bytes(sizes: Mapping[str, int], blocks: Sequence[Block]) -> int:
	"""The fewest bytes with which a network can run: all that is in no block, and the largest block."""
	inside = [block.nbytes for block in blocks]
	return sum(sizes.values()) - sum(inside) + max(inside, default=0)


def stream(
	module: Module, read: Read, *, sizes: Mapping[str, int], room: int, tied: Mapping[str, Sequence[str]] | None = None
) -> None:
	"""Have a network's weights in at most `room` bytes from now on. It has none yet: they are on the meta device.

	`sizes` are the bytes of all its weights by name, `tied` the names that each goes by if there are several. What is in no
	block is read now, and so are as many blocks as there is room for beside the largest. Threads that use the
	network at the same time take turns, block by block. Raises `OutOfDeviceMemory` if there is no room for one block.
	With no room at all, nothing ever comes: the network cannot be called, and its weights can be read through its `Stream`.
	"""
	if not room:
		_STREAMS[module] = Stream(read, sizes, frozenset(sizes))
		return
	names = tied or {}
	blocks = blocks_of(module, sizes, names)
	least = least_bytes(sizes, blocks)
	if least > room:
		raise OutOfDeviceMemory(least, room)
	free, coming = room - least, list[Block]()
	for block in blocks:
		if block.nbytes <= free:
			free -= block.nbytes
		else:
			coming.append(block)
	away = {weight for block in coming for weight in block.weights}
	turns = _Turns(module, read, names)
	turns.bring([weight for weight in sizes if weight not in away])
	for block in coming:
		part = module.get_submodule(block.name)
		# Before all others: a hook that ends the pass must find the weights there.
		part.register_forward_pre_hook(partial(turns.enter, block), prepend=True)
		part.register_forward_hook(partial(turns.leave, block), always_call=True)
	_STREAMS[module] = Stream(read, sizes, frozenset(away))


def without_turns(module: Module) -> None:
	"""Take away from a copy of a streamed network what has weights come and go: that belongs to the original."""
	for part in module.modules():
		for hooks in (part._forward_pre_hooks, part._forward_hooks):
			of_turns = [
				key
				for key, hook in cast(Any, hooks).items()
				if isinstance(getattr(_called(hook), '__self__', None), _Turns)
			]
			for key in of_turns:
				del hooks[key]
				part._forward_hooks_always_called.pop(key, None)


def _called(hook: object) -> object:
	return hook.func if isinstance(hook, partial) else hook


class _Turns:
	"""One block at a time has its weights.

	Holds the dictionaries in which the modules hold their weights, not the modules: they hold this, and would never go.
	"""

	def __init__(self, module: Module, read: Read, tied: Mapping[str, Sequence[str]]) -> None:
		self._read = read
		self._tied = tied
		self._held = {
			f'{path}.{leaf}' if path else leaf: cast(dict[str, Tensor | None], held)
			for path, part in module.named_modules(remove_duplicate=False)
			for held in (part._parameters, part._buffers)
			for leaf in held
		}
		self._lock = threading.RLock()
		self._inside: list[tuple[int, Block]] = []

	def __deepcopy__(self, memo: object) -> _Turns:
		"""Itself: a copied network has no turns of its own."""
		return self

	def bring(self, weights: Collection[str]) -> None:
		"""Read weights and put each where it belongs."""
		for weight, tensor in self._read(weights).items():
			self._put(weight, tensor)

	def enter(self, block: Block, module: Module, arguments: object) -> None:
		self._lock.acquire()
		# What a pass has left that was broken off by more than an exception: blocks are not in each other.
		for stale in [one for thread, one in self._inside if thread == threading.get_ident()]:
			self.leave(stale, module, arguments, None)
		try:
			self.bring(block.weights)
		except BaseException:
			self._drop(block)
			self._lock.release()
			raise
		self._inside.append((threading.get_ident(), block))

	def leave(self, block: Block, module: Module, arguments: object, output: object) -> None:
		# Also called for a pass that ended before it began.
		here = (threading.get_ident(), block)
		if here in self._inside:
			self._inside.remove(here)
			self._drop(block)
			self._lock.release()

	def _drop(self, block: Block) -> None:
		for weight in block.weights:
			held = self._held[weight][weight.rpartition('.')[2]]
			if held is not None:
				self._put(weight, torch.empty_like(held, device='meta'))

	def _put(self, weight: str, tensor: Tensor) -> None:
		for name in self._tied.get(weight, (weight,)):
			held, leaf = self._held[name], name.rpartition('.')[2]
			held[leaf] = Parameter(tensor, requires_grad=False) if isinstance(held[leaf], Parameter) else tensor
