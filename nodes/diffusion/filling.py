"""Copies tensors from a file into a network that has no memory of its own yet: no tensor is ever there twice."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from engine.cancel import CancelToken
from engine.models import CPU, Load
from nodes.diffusion.codings import Blocks, Coding, EightBits
from nodes.diffusion.files import TensorReader, TensorSource
from nodes.diffusion.layout import Recipe
from nodes.diffusion.placement import stream
from nodes.diffusion.quantised import can_be_coded, coded

CHUNK = 2**25
"""Bytes that are copied at a time: after each, progress is told and a cancelled load stops."""


@dataclass(frozen=True)
class _Wanted:
	"""A tensor to be read: where the file has it, what it will be like (without memory), and how it is kept if coded."""

	recipe: Recipe
	empty: Tensor
	coding: Coding | None = None

	def read(self, reader: TensorReader, load: Load) -> Tensor:
		"""The tensor, at the place where will be computed."""
		target = torch.empty_like(self.empty, device=load.place)
		if self.coding is None:
			_copy(target, self.recipe, reader, load)
		else:
			_copy_coded(target, self.coding, self.recipe, reader, load)
		return target


def fill(
	module: Module,
	source: TensorSource,
	recipes: Mapping[str, Recipe],
	tied: Mapping[str, Sequence[str]],
	load: Load,
	*,
	storage: torch.dtype | None,
	dtype: torch.dtype,
) -> None:
	"""Read tensor by tensor, and put each in its places; if there is not room for all, have them come when needed.

	`recipes` say for each tensor where the file has it, `tied` by which names it goes in the module. Quantised weights of
	layers stay as they are, others become `dtype`; with a `storage` the weights of layers are kept in that float8 type.
	"""
	with source.open() as reader:
		wanted = {name: _wanted(module, tied[name], recipe, reader, storage, dtype) for name, recipe in recipes.items()}
		sizes = {name: one.empty.nbytes for name, one in wanted.items()}
		load.phase('loading_model', sum(sizes.values()))
		if load.room is None:
			for name, one in wanted.items():
				_put(module, tied[name], one.read(reader, load))
			return
	for name, one in wanted.items():
		_put(module, tied[name], one.empty)

	def read(names: Collection[str], by: Load) -> dict[str, Tensor]:
		with source.open() as reader:
			return {name: wanted[name].read(reader, by) for name in names}

	later = replace(load, cancel=CancelToken(), on_progress=lambda phase, done, total: None)
	if load.in_memory:
		host = {name: tensor.pin_memory() for name, tensor in read(wanted, replace(load, place=CPU)).items()}
		come = partial(_copied, host, load.place)
	else:
		come = partial(read, by=later)
	stream(module, come, sizes=sizes, room=load.room, tied=tied)


def _copied(host: Mapping[str, Tensor], place: str, names: Collection[str]) -> dict[str, Tensor]:
	return {name: host[name].to(place, non_blocking=True) for name in names}


def _wanted(
	module: Module,
	names: Sequence[str],
	recipe: Recipe,
	reader: TensorReader,
	storage: torch.dtype | None,
	dtype: torch.dtype,
) -> _Wanted:
	"""What a tensor with these names is to become. Layers whose weight is to be coded are replaced by such as decode it."""
	owner, _, leaf = names[0].rpartition('.')
	holder = module.get_submodule(owner)
	before = cast(Tensor, getattr(holder, leaf))
	coding = _coding(reader, recipe, storage) if _can_stay_coded(module, names) else None
	if coding is None:
		kept = dtype if before.is_floating_point() else before.dtype
		return _Wanted(recipe, torch.empty(before.shape, dtype=kept, device='meta'))
	rows = before.shape[0]
	empty = torch.empty(rows, before.numel() // rows // coding.values * coding.size, dtype=torch.int8, device='meta')
	_replace_layers(module, names, Parameter(empty, requires_grad=False), coding, dtype)
	return _Wanted(recipe, empty, coding)


def _can_stay_coded(module: Module, names: Sequence[str]) -> bool:
	"""Whether all layers with this weight are of a kind that decodes it on use."""
	owners = (name.rpartition('.') for name in names)
	return all(owner and leaf == 'weight' and can_be_coded(module.get_submodule(owner)) for owner, _, leaf in owners)


def _coding(reader: TensorReader, recipe: Recipe, storage: torch.dtype | None) -> Coding | None:
	"""How a weight is to be kept: as in the file if that is quantised, in `storage` if one is asked for."""
	kept = {reader.coding(piece.name) for piece in recipe}
	first = next(iter(kept))
	if isinstance(first, Blocks):
		cut = any(reader.source.shapes[piece.name][-1] % first.values or piece.transposed for piece in recipe)
		return first if len(kept) == 1 and not cut else None
	if storage is None:
		return None
	if isinstance(first, EightBits) and len(kept) == 1 and first.dtype == storage:
		return first
	return EightBits(storage)


def _replace_layers(
	module: Module, names: Sequence[str], weight: Parameter, coding: Coding, dtype: torch.dtype
) -> None:
	"""Replace the layers with that weight by such as keep it coded."""
	made: dict[int, Module] = {}
	for name in names:
		layer = module.get_submodule(name.rpartition('.')[0])
		made[id(layer)] = coded(layer, weight, coding, dtype)
	for parent in list(module.modules()):
		for name, child in parent._modules.items():
			if id(child) in made:
				parent._modules[name] = made[id(child)]


def _copy(target: Tensor, recipe: Recipe, reader: TensorReader, load: Load) -> None:
	"""Copy pieces into a tensor, one after the other."""
	row = 0
	for piece in recipe:
		stored, coding, shape = reader.stored(piece.name), reader.coding(piece.name), reader.source.shapes[piece.name]
		if coding is not None and (piece.transposed or len(stored) != shape[0]):
			stored, coding = reader.read(piece.name), None  # It cannot be cut as it is.
		values = piece.of(stored)
		place = target if len(recipe) == 1 else target[row : row + len(values)]
		row += len(values) if values.dim() else 0
		for part, whole in _chunks(values, place, coding):
			whole.copy_(part if coding is None else coding.decode(part, torch.float32))
			reader.release(part)
			load.advance(whole.nbytes)


def _copy_coded(target: Tensor, coding: Coding, recipe: Recipe, reader: TensorReader, load: Load) -> None:
	"""Copy pieces into a coded weight [rows, bytes], one after the other."""
	row = 0
	for piece in recipe:
		if reader.coding(piece.name) == coding:
			rows = reader.source.shapes[piece.name][0]
			values = piece.of(reader.stored(piece.name).reshape(rows, -1).view(torch.int8))
		else:
			values = piece.of(reader.read(piece.name)).reshape(-1, target.shape[1])
		place = target[row : row + len(values)]
		row += len(values)
		for part, whole in _chunks(values, place, None):
			whole.copy_(part if part.dtype == torch.int8 else coding.encode(part.float()))
			reader.release(part)
			load.advance(whole.nbytes)


def _chunks(values: Tensor, place: Tensor, coding: Coding | None) -> Iterator[tuple[Tensor, Tensor]]:
	"""The same stretches of two tensors, in order; what lies scattered in memory is not cut up."""
	if not values.is_contiguous():
		yield values, place.view(values.shape)
		return
	flat, target = values.reshape(-1), place.reshape(-1)
	given, taken = (1, 1) if coding is None else (coding.size, coding.values)
	units = max(1, CHUNK // max(given * values.itemsize, taken * place.itemsize))
	for start in range(0, len(flat) // given, units):
		stop = start + units
		yield flat[start * given : stop * given], target[start * taken : stop * taken]


def _put(module: Module, names: Sequence[str], tensor: Tensor) -> None:
	"""Give a module a tensor, under each of the names: as a weight where one was, else as a buffer."""
	weight: Parameter | None = None
	for name in names:
		owner, _, leaf = name.rpartition('.')
		holder = module.get_submodule(owner)
		if leaf in holder._parameters:
			weight = Parameter(tensor, requires_grad=False) if weight is None else weight
			holder._parameters[leaf] = weight
		else:
			holder._buffers[leaf] = tensor
