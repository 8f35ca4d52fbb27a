"""Copies tensors from a file into a network that has no memory of its own yet: no tensor is ever there twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import cast
from weakref import finalize

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.models import CPU, Load
from nodes.diffusion import pouring
from nodes.diffusion.codings import Blocks, Coding, EightBits
from nodes.diffusion.files import TensorReader, TensorSource
from nodes.diffusion.layout import Piece, Recipe
from nodes.diffusion.placement import stream
from nodes.diffusion.pouring import Stretch, pour
from nodes.diffusion.quantised import can_be_coded, coded
from nodes.diffusion.quantising import can_be_quantised, quantised, quantised_layer


@dataclass(frozen=True)
class _Wanted:
	"""A tensor to be read: where the file has it, what it will be like (without memory), and how it is kept if coded, or by
	which of torchao's methods it is quantised."""

	recipe: Recipe
	empty: Tensor
	coding: Coding | None = None
	method: str = ''


class _FromFile:
	"""Reads weights whenever they are needed: from the file that was opened for the load, whatever its name stands for now.

	`load` is the one that reading is a part of; after it, it is neither told nor cancelled.
	"""

	def __init__(self, wanted: Mapping[str, _Wanted], reader: TensorReader, load: Load) -> None:
		self._wanted = wanted
		self._reader = reader
		self.load = load

	def __call__(self, names: Collection[str]) -> dict[str, Tensor]:
		tensors = _read({name: self._wanted[name] for name in names}, self._reader, self.load)
		self._reader.check()
		return tensors


def fill(
	module: Module,
	source: TensorSource,
	recipes: Mapping[str, Recipe],
	tied: Mapping[str, Sequence[str]],
	load: Load,
	*,
	storage: torch.dtype | None,
	method: str,
	dtype: torch.dtype,
) -> None:
	"""Read tensor by tensor, and put each in its places; if there is not room for all, have them come when needed.

	`recipes` say for each tensor where the file has it, `tied` by which names it goes in the module. Quantised weights of
	layers stay as they are, others become `dtype`; with a `storage` the weights of layers are kept in that float8 type, with
	a `method` those of linear layers are quantised by torchao. Raises `ModelError` if these are to be streamed.
	"""
	if method and load.room is not None:
		raise ModelError(f'{source.path.name} is to be quantised ({method}), and there is not room for all of it.')
	with ExitStack() as stack:
		reader = stack.enter_context(source.open())
		parts = _parts(module)
		wanted = {
			name: _wanted(module, parts, tied[name], recipe, reader, storage, method, dtype)
			for name, recipe in recipes.items()
		}
		parts = _parts(module)
		sizes = {name: one.empty.nbytes for name, one in wanted.items()}
		load.phase('loading_model', sum(sizes.values()))
		if load.room is None:
			tensors = _read({name: one for name, one in wanted.items() if not one.method}, reader, load)
			for name, one in wanted.items():
				if one.method:  # One after the other: there is not room for all of them as they are in the file.
					tensors[name] = quantised(_read({name: one}, reader, load)[name], one.method)
			stack.close()
			load.phase('device_setup', sum(sizes.values()))
			for name, tensor in tensors.items():
				_put(parts, tied[name], tensor)
				load.advance(sizes[name])
			return
		for name, one in wanted.items():
			_put(parts, tied[name], one.empty)
		if load.in_memory:
			host = _read(wanted, reader, replace(load, place=CPU), pinned=load.place.startswith('cuda'))
			load.phase('device_setup')
			stream(module, partial(_copied, host, load.place), sizes=sizes, room=load.room, tied=tied)
			return
		coming = _FromFile(wanted, reader, load)
		stream(module, coming, sizes=sizes, room=load.room, tied=tied)
		coming.load = replace(load, cancel=CancelToken(), on_progress=lambda phase, done, total: None)
		finalize(module, _closed, stack.pop_all()).atexit = False


def _closed(stack: ExitStack) -> None:
	"""Close a file that nobody reads any more, whatever has become of it."""
	with suppress(ModelError):
		stack.close()


def _read(
	wanted: Mapping[str, _Wanted], reader: TensorReader, load: Load, *, pinned: bool = False
) -> dict[str, Tensor]:
	"""Tensors by name, at the place where will be computed."""
	# All at once: while more is laid out, threads that fill what is there must wait.
	tensors = {
		name: torch.empty(one.empty.shape, dtype=one.empty.dtype, device=load.place, pin_memory=pinned)
		for name, one in wanted.items()
	}
	pour((one for name in wanted for one in _stretches(wanted[name], tensors[name], reader, load)), reader, load)
	return tensors


def _copied(host: Mapping[str, Tensor], place: str, names: Collection[str]) -> dict[str, Tensor]:
	return {name: host[name].to(place, non_blocking=True) for name in names}


def _parts(module: Module) -> dict[str, Module]:
	"""The modules within one by all their names: `get_submodule` would find each from the root anew."""
	return dict(module.named_modules(remove_duplicate=False))


def _wanted(
	module: Module,
	parts: Mapping[str, Module],
	names: Sequence[str],
	recipe: Recipe,
	reader: TensorReader,
	storage: torch.dtype | None,
	method: str,
	dtype: torch.dtype,
) -> _Wanted:
	"""What a tensor with these names is to become. Layers whose weight is to be coded are replaced by such as decode it."""
	owner, _, leaf = names[0].rpartition('.')
	before = cast(Tensor, getattr(parts[owner], leaf))
	coding = _coding(reader, recipe, storage) if _are(can_be_coded, parts, names) else None
	if coding is None:
		kept = dtype if before.is_floating_point() else before.dtype
		empty = torch.empty(before.shape, dtype=kept, device='meta')
		if not method or not _are(can_be_quantised, parts, names):
			return _Wanted(recipe, empty)
		weight = Parameter(empty, requires_grad=False)
		_replace_layers(module, names, lambda layer: quantised_layer(layer, weight, dtype))
		return _Wanted(recipe, empty, method=method)
	rows = before.shape[0]
	empty = torch.empty(rows, before.numel() // rows // coding.values * coding.size, dtype=torch.int8, device='meta')
	held = Parameter(empty, requires_grad=False)
	_replace_layers(module, names, lambda layer: coded(layer, held, coding, dtype))
	return _Wanted(recipe, empty, coding)


def _are(fit: Callable[[Module], bool], parts: Mapping[str, Module], names: Sequence[str]) -> bool:
	"""Whether all layers with this weight are of a kind that is fit."""
	owners = (name.rpartition('.') for name in names)
	return all(owner and leaf == 'weight' and fit(parts[owner]) for owner, _, leaf in owners)


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


def _replace_layers(module: Module, names: Sequence[str], make: Callable[[Module], Module]) -> None:
	"""Replace the layers with that weight by others, made of them."""
	made: dict[int, Module] = {}
	for name in names:
		layer = module.get_submodule(name.rpartition('.')[0])
		made[id(layer)] = make(layer)
	for parent in list(module.modules()):
		for name, child in parent._modules.items():
			if id(child) in made:
				parent._modules[name] = made[id(child)]


def _stretches(wanted: _Wanted, target: Tensor, reader: TensorReader, load: Load) -> Iterator[Stretch]:
	"""How a tensor is read: its pieces, one after the other along the first dimension, each in stretches.

	A piece whose values do not follow each other in the file is copied at once instead.
	"""
	row = 0
	for piece in wanted.recipe:
		place = target
		if len(wanted.recipe) > 1:
			numbers = piece.of(torch.empty(reader.source.shapes[piece.name], device='meta'))
			place = target[row : row + len(numbers)]
			row += len(place)
		span = _span(piece, reader)
		if span is None:
			_copy_whole(piece, place, wanted.coding, reader, load)
		else:
			yield from _cut(piece.name, span, place, wanted.coding, reader)


def _span(piece: Piece, reader: TensorReader) -> tuple[int, int] | None:
	"""Where in a stored tensor the bytes of a piece begin and end; None if they do not follow each other."""
	stored = reader.empty(piece.name)
	if piece.transposed:
		return None
	if (piece.start, piece.stop) == (None, None):
		return 0, stored.nbytes
	if len(stored) != reader.source.shapes[piece.name][0]:
		return None  # Its rows end within blocks.
	rows = range(len(stored))[piece.start : piece.stop]
	row = stored.nbytes // len(stored)
	return rows.start * row, rows.stop * row


def _cut(
	name: str, span: tuple[int, int], place: Tensor, wanted: Coding | None, reader: TensorReader
) -> Iterator[Stretch]:
	"""The stretches of a span of bytes that becomes a part of a tensor, `wanted` in that coding."""
	dtype, coding = reader.empty(name).dtype, reader.coding(name)
	same = coding == wanted and (coding is not None or dtype == place.dtype)
	if same or coding is None:
		given, taken = place.itemsize if same else dtype.itemsize, 1
	else:
		given, taken = coding.size, coding.values

	def numbers(stored: Tensor) -> Tensor:
		if same:
			return stored.view(place.dtype)
		found = stored.view(dtype) if coding is None else coding.decode(stored, torch.float32).reshape(-1)
		return found if wanted is None else wanted.encode(found.float())

	flat, (begin, end) = place.reshape(-1), span
	units = max(1, pouring.CHUNK // max(given, taken * place.itemsize))
	for first in range(0, (end - begin) // given, units):
		start, stop = begin + first * given, min(end, begin + (first + units) * given)
		part = flat[first * taken : (first + units) * taken]
		yield Stretch(name, start, stop - start, part, None if same and part.device.type == CPU else numbers, given)


def _copy_whole(piece: Piece, place: Tensor, wanted: Coding | None, reader: TensorReader, load: Load) -> None:
	"""Copy a piece of a tensor that is read whole for it."""
	stored = torch.empty_like(reader.empty(piece.name), device=CPU)
	flat = stored.reshape(-1)
	step = max(1, pouring.CHUNK // stored.itemsize)
	for first in range(0, len(flat), step):
		load.cancel.check()
		reader.fill(piece.name, flat[first : first + step], first * stored.itemsize)
	coding = reader.coding(piece.name)
	if coding is not None:
		stored = coding.decode(stored, torch.float32).reshape(reader.source.shapes[piece.name])
	values = piece.of(stored)
	place.copy_((values if wanted is None else wanted.encode(values.float())).reshape(place.shape))
	load.advance(place.nbytes)


def _put(parts: Mapping[str, Module], names: Sequence[str], tensor: Tensor) -> None:
	"""Give modules a tensor, under each of the names: as a weight where one was, else as a buffer."""
	weight: Parameter | None = None
	for name in names:
		owner, _, leaf = name.rpartition('.')
		holder = parts[owner]
		if leaf in holder._parameters:
			weight = Parameter(tensor, requires_grad=False) if weight is None else weight
			holder._parameters[leaf] = weight
		else:
			holder._buffers[leaf] = tensor
