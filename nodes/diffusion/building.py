"""Networks without memory of their own, and how they get their weights: each tensor straight to its final dtype and place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.overrides import TorchFunctionMode

from engine.cancel import CancelToken
from engine.errors import UnknownFormat
from engine.models import CPU, Load
from nodes.diffusion.files import TensorReader, TensorSource
from nodes.diffusion.interrupt import interruptible
from nodes.diffusion.layout import Layout, Piece, Recipe, plain
from nodes.diffusion.placement import stream

SHOWN = 3
"""How many tensor names an error tells."""

CHUNK = 2**25
"""Bytes that are copied at a time: after each, progress is told and a cancelled load stops."""

M = TypeVar('M', bound=Module)
Spellings = Callable[[str], Sequence[str]]
"""A tensor's name in the file → the names under which writers keep it, the first that is there counts."""


class _WithoutWeights(TorchFunctionMode):
	"""Leaves memory without values on the meta device: that is what modules make their weights of.

	What they compute (positions, frequencies) is real, so that buffers which no file holds are right.
	"""

	EMPTY = frozenset({torch.empty, torch.empty_strided, torch.rand, torch.randn})

	def __torch_function__(
		self, func: Any, types: Iterable[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
	) -> Any:
		given = dict(kwargs or {})
		if func in self.EMPTY and given.get('device') is None:
			given['device'] = 'meta'
		return func(*args, **given)


def built(build: Callable[[], M], path: Path, part: str) -> M:
	"""Build a network whose weights take no memory yet; its constant buffers are real. It is in eval mode, without gradients.

	`path` and `part` are for the error: raises `UnknownFormat` if the build fails because of its config.
	"""
	try:
		with _WithoutWeights():
			return build().eval().requires_grad_(False)
	except (TypeError, ValueError, KeyError) as error:
		raise UnknownFormat(path, f'its metadata describe no {part} that can be built ({error})') from error


def same_names(module: Module) -> Layout:
	"""The layout of a file that keeps a network's tensors under the network's own names."""
	return plain({name: name for name in module.state_dict()})


def filled(
	module: M,
	source: TensorSource,
	layout: Layout,
	*,
	part: str,
	load: Load,
	dtype: torch.dtype,
	prefix: str = '',
	spellings: Spellings = lambda name: (name,),
	ignored: Callable[[str], bool] = lambda name: name.endswith('.position_ids'),
) -> M:
	"""Read all of a network's tensors; gives the network.

	`layout` says for each tensor how the file keeps it, without the `prefix` under which the part stands there; a tensor
	that it does not tell of is looked for under its own name. Tensors of numbers with a point become `dtype`. Weights that
	several modules share are read once. Raises `UnknownFormat` if any is missing, has another shape, or if the file has
	more under the prefix than the network takes (but for what is `ignored`); `ModelLoadCancelled`.
	"""
	tied = _tied(module)
	wanted = _found(source, tied, layout, prefix, spellings)
	_check(module, source, wanted, layout, part=part, prefix=prefix, ignored=ignored, tied=tied)
	_read(module, source, wanted, tied, load, dtype)
	interruptible(module)
	return module


def _tied(module: Module) -> dict[str, list[str]]:
	"""Every tensor of the state, by its first name, with all the names that it goes by."""
	names: dict[int, list[str]] = {}
	for name, tensor in module.state_dict(keep_vars=True).items():
		names.setdefault(id(tensor), []).append(name)
	return {same[0]: same for same in names.values()}


def _found(
	source: TensorSource, tied: Mapping[str, Sequence[str]], layout: Layout, prefix: str, spellings: Spellings
) -> dict[str, Recipe]:
	"""For each tensor that the file has, whole, its recipe with the names that are in the file."""
	found = {}
	for first, names in tied.items():
		for name in names:
			recipe = [_spelled(source, piece, prefix, spellings) for piece in layout.get(name, (Piece(name),))]
			if all(piece is not None for piece in recipe):
				found[first] = tuple(piece for piece in recipe if piece is not None)
				break
	return found


def _spelled(source: TensorSource, piece: Piece, prefix: str, spellings: Spellings) -> Piece | None:
	there = next((name for name in spellings(prefix + piece.name) if name in source.shapes), None)
	return None if there is None else Piece(there, piece.start, piece.stop, piece.transposed)


def _check(
	module: Module,
	source: TensorSource,
	wanted: Mapping[str, Recipe],
	layout: Layout,
	*,
	part: str,
	prefix: str,
	ignored: Callable[[str], bool],
	tied: Mapping[str, Sequence[str]],
) -> None:
	if not wanted:
		raise UnknownFormat(source.path, f'it holds no {part}')
	state = module.state_dict(keep_vars=True)
	# A weight may have been made with ones in it; only what was computed, such as positions, need not be in the file.
	lacking = (
		name for name in tied if name not in wanted and (isinstance(state[name], Parameter) or state[name].is_meta)
	)
	pieces = (piece.name for name in lacking for piece in layout.get(name, (Piece(name),)))
	_refuse(source, part, 'lacks', sorted({prefix + name for name in pieces} - {*source.shapes}))
	read = {piece.name for recipe in wanted.values() for piece in recipe}
	extra = [name for name in source.shapes if name.startswith(prefix) and name not in read and not ignored(name)]
	_refuse(source, part, 'has unknown', extra)
	other = [
		piece.name
		for name, recipe in wanted.items()
		if not _fits(tuple(state[name].shape), [_shape(source.shapes[piece.name], piece) for piece in recipe])
		for piece in recipe
	]
	_refuse(source, part, 'has other shapes in', list(dict.fromkeys(other)))


def _refuse(source: TensorSource, part: str, fault: str, names: Sequence[str]) -> None:
	if names:
		more = ' …' if len(names) > SHOWN else ''
		some = ', '.join(names[:SHOWN])
		raise UnknownFormat(source.path, f'its {part} {fault} {len(names)} tensors: {some}{more}')


def _shape(stored: tuple[int, ...], piece: Piece) -> tuple[int, ...]:
	"""The shape of a piece of a tensor of this shape; rows that are not there shorten it."""
	if (piece.start, piece.stop) != (None, None) and stored:
		stored = (len(range(stored[0])[piece.start : piece.stop]), *stored[1:])
	return stored[::-1] if piece.transposed else stored


def _fits(shape: tuple[int, ...], pieces: Sequence[tuple[int, ...]]) -> bool:
	"""Whether pieces, one after the other, make up a tensor. A 1×1 convolution and a linear layer are alike."""
	if len(pieces) == 1:
		return _flat(pieces[0]) == _flat(shape)
	if not shape or not all(pieces) or any(_flat(piece)[1:] != _flat(shape)[1:] for piece in pieces):
		return False
	return sum(piece[0] for piece in pieces) == shape[0]


def _flat(shape: tuple[int, ...]) -> tuple[int, ...]:
	"""A shape in which a 1×1 convolution and a linear layer are alike."""
	return shape[:2] if shape[2:] == (1, 1) else shape


def _read(
	module: Module,
	source: TensorSource,
	wanted: Mapping[str, Recipe],
	tied: Mapping[str, Sequence[str]],
	load: Load,
	dtype: torch.dtype,
) -> None:
	"""Read tensor by tensor, and put each in its places; if there is not room for all, have them come when needed."""
	state = module.state_dict(keep_vars=True)
	sizes = {name: _nbytes(state[name], dtype) for name in wanted}
	load.phase('loading_model', sum(sizes.values()))
	if load.room is None:
		with source.open() as reader:
			for first, recipe in wanted.items():
				_put(module, tied[first], _value(state[first], recipe, reader, load, dtype), state[first])
		return
	shapes = {name: _like(state[name], dtype, 'meta') for name in wanted}
	for first, empty in shapes.items():
		_put(module, tied[first], empty, state[first])

	def read(names: Collection[str], by: Load) -> dict[str, Tensor]:
		with source.open() as reader:
			return {name: _value(shapes[name], wanted[name], reader, by, dtype) for name in names}

	later = replace(load, cancel=CancelToken(), on_progress=lambda phase, done, total: None)
	if load.in_memory:
		host = {name: tensor.pin_memory() for name, tensor in read(wanted, replace(load, place=CPU)).items()}
		come = partial(_copied, host, load.place)
	else:
		come = partial(read, by=later)
	stream(module, come, sizes=sizes, room=load.room, tied=tied)


def _copied(host: Mapping[str, Tensor], place: str, names: Collection[str]) -> dict[str, Tensor]:
	return {name: host[name].to(place, non_blocking=True) for name in names}


def _value(before: Tensor, recipe: Recipe, reader: TensorReader, load: Load, dtype: torch.dtype) -> Tensor:
	"""A tensor like `before`, with the values that the file has for it."""
	target = _like(before, dtype, load.place)
	_copy(target, recipe, reader, load)
	return target


def _like(before: Tensor, dtype: torch.dtype, place: str) -> Tensor:
	"""Room for a tensor of that shape; numbers with a point are of `dtype`."""
	return torch.empty(before.shape, dtype=dtype if before.is_floating_point() else before.dtype, device=place)


def _nbytes(tensor: Tensor, dtype: torch.dtype) -> int:
	return tensor.numel() * (dtype if tensor.is_floating_point() else tensor.dtype).itemsize


def _copy(target: Tensor, recipe: Recipe, reader: TensorReader, load: Load) -> None:
	"""Copy pieces into a tensor, one after the other."""
	row = 0
	for piece in recipe:
		values = piece.of(reader.read(piece.name))
		place = target if len(recipe) == 1 else target[row : row + len(values)]
		row += len(values) if values.dim() else 0
		for part, whole in _chunks(values, place):
			whole.copy_(part)
			reader.release(part)
			load.advance(whole.nbytes)


def _chunks(values: Tensor, place: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
	"""The same stretches of two tensors, in order; what lies scattered in memory is not cut up."""
	if not values.is_contiguous():
		yield values, place
		return
	flat, target = values.reshape(-1), place.reshape(-1)
	step = max(1, CHUNK // max(values.itemsize, place.itemsize))
	for start in range(0, len(flat), step):
		yield flat[start : start + step], target[start : start + step]


def _put(module: Module, names: Sequence[str], tensor: Tensor, before: Tensor) -> None:
	"""Give a module a tensor, under each of the names, as what it was before: a weight or a buffer."""
	weight = isinstance(before, Parameter)
	value = Parameter(tensor, requires_grad=False) if weight else tensor
	for name in names:
		owner, _, leaf = name.rpartition('.')
		holder = module.get_submodule(owner)
		held = cast(dict[str, Tensor | None], holder._parameters if weight else holder._buffers)
		held[leaf] = value
