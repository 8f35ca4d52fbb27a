"""Weights that change their place: from a device to main memory, where they wait for their next use, and back.

A network keeps its tensors as objects, and gets other contents for them, so that networks which share some (`patches.apply`)
go on sharing them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from engine.models import CPU, Place

# It has no annotations.
_swap = cast(Callable[[Tensor, Tensor], None], torch.utils.swap_tensors)
_OWN: WeakKeyDictionary[Module, frozenset[str]] = WeakKeyDictionary()


def keep_own(module: Module, names: Collection[str]) -> None:
	"""Note which tensors of a network, by name, are its own; all others belong to the one that it was made from."""
	_OWN[module] = frozenset(names)


def own_tensors(module: Module) -> Iterator[Tensor]:
	"""The tensors of a network that are its own and are there, each once: weights and buffers."""
	names, seen = _OWN.get(module), set[int]()
	for named in (module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False)):
		for name, tensor in named:
			if (names is None or name in names) and not tensor.is_meta and id(tensor) not in seen:
				seen.add(id(tensor))
				yield tensor


def move(module: Module, place: Place) -> None:
	"""Take a network's own tensors to a place, one after the other: no more than one of them is in both."""
	give(module, lambda tensor: copied(tensor, place))


def give(module: Module, make: Callable[[Tensor], Tensor]) -> None:
	"""Give each of a network's own tensors the contents that are made of it, wherever else it is used too.

	Raises `RuntimeError` for a tensor that somebody holds a weak reference to.
	"""
	for tensor in list(own_tensors(module)):
		with torch.inference_mode(False), torch.no_grad():
			made = make(tensor.detach())
			if isinstance(tensor, Parameter):
				made = Parameter(made, requires_grad=False)
			_swap(tensor, made)


def copied(tensor: Tensor, place: Place) -> Tensor:
	"""A tensor at a place; in main memory in pages that are pinned, if it comes from where CUDA is: they are copied faster."""
	there = tensor.to(place)
	return there.pin_memory() if place == CPU and tensor.device.type == 'cuda' else there
