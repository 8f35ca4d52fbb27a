"""Networks without memory of their own, and how they get their weights: each tensor straight to its final dtype and place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.overrides import TorchFunctionMode

from engine.errors import EngineError, UnknownFormat
from engine.models import Load, Place
from nodes.diffusion.files import TensorSource
from nodes.diffusion.filling import fill
from nodes.diffusion.interrupt import interruptible
from nodes.diffusion.layout import Layout, Piece, Recipe, plain
from nodes.diffusion.placement import tied_names

SHOWN = 3
"""How many tensor names an error tells."""

M = TypeVar('M', bound=Module)
Spellings = Callable[[str], Sequence[str]]
"""A tensor's name in the file → the names under which writers keep it, the first that is there counts."""


class _WithoutWeights(TorchFunctionMode):
	"""Leaves memory without values on the meta device: that is what modules make their weights of.

	What they compute (positions, frequencies) is real, so that buffers which no file holds are right.
	"""

	EMPTY = frozenset({torch.empty, torch.empty_strided, torch.rand, torch.randn})
	FIRST_VALUES = frozenset({Tensor.normal_, Tensor.uniform_, Tensor.zero_, Tensor.fill_})
	INITIALIZERS = frozenset({'torch.nn.init', 'transformers.initialization'})

	def __torch_function__(
		self, func: Any, types: Iterable[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
	) -> Any:
		given = dict(kwargs or {})
		if func in self.EMPTY and given.get('device') is None:
			given['device'] = 'meta'
		if func in self.FIRST_VALUES or getattr(func, '__module__', '') in self.INITIALIZERS:
			tensor = args[0] if args else given.get('tensor')
			if isinstance(tensor, Tensor) and tensor.is_meta:
				return tensor  # There is nothing to set, and torch takes its time to find out.
		return func(*args, **given)


def built(build: Callable[[], M], path: Path, part: str) -> M:
	"""Build a network whose weights take no memory yet; its constant buffers are real. It is in eval mode, without gradients.

	`path` and `part` are for the error: raises `UnknownFormat` if the build fails because of its config.
	"""
	try:
		with _WithoutWeights():
			return build().eval().requires_grad_(False)
	except EngineError:
		raise
	except Exception as error:  # What libraries raise of an odd config can be anything.
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
	storage: torch.dtype | None = None,
	method: str = '',
	prefix: str = '',
	spellings: Spellings = lambda name: (name,),
	ignored: Callable[[str], bool] = lambda name: name.endswith('.position_ids'),
) -> M:
	"""Read all of a network's tensors; gives the network.

	`layout` says for each tensor how the file keeps it, without the `prefix` under which the part stands there; a tensor
	that it does not tell of is looked for under its own name. Tensors of numbers with a point become `dtype`, but weights
	of layers stay quantised if the file has them so, and are kept in `storage` if a float8 type is given; those of linear
	layers are quantised by a `method` of `precision.QUANTISED`. Weights that
	several modules share are read once. Raises `UnknownFormat` if any is missing, has another shape, or if the file has
	more under the prefix than the network takes (but for what is `ignored`); `ModelLoadCancelled`.
	"""
	tied = tied_names(module)
	wanted = _found(source, tied, layout, prefix, spellings)
	if not wanted:
		raise UnknownFormat(source.path, f'it holds no {part}')
	state = module.state_dict(keep_vars=True)
	# A buffer that the network has computed itself need not be in the file.
	needed = (name for name in tied if state[name].is_meta or isinstance(state[name], Parameter))
	pieces = (piece.name for name in needed if name not in wanted for piece in layout.get(name, (Piece(name),)))
	_refuse(source, part, 'lacks', sorted({prefix + name for name in pieces} - {*source.shapes}))
	known = {
		spelling
		for name in state
		for piece in layout.get(name, (Piece(name),))
		for spelling in spellings(prefix + piece.name)
	}
	extra = [name for name in source.shapes if name.startswith(prefix) and name not in known and not ignored(name)]
	_refuse(source, part, 'has unknown', extra)
	_refuse(source, part, 'has other shapes in', _misshapen(state, source, wanted))
	fill(module, source, wanted, tied, load, storage=storage, method=method, dtype=dtype)
	_bring_buffers(module, load.place)
	interruptible(module)
	return module


def _bring_buffers(module: Module, place: Place) -> None:
	"""Take what a network has computed itself to where its weights are."""
	for part in module.modules():
		for name, buffer in part._buffers.items():
			if buffer is not None and not buffer.is_meta:
				part._buffers[name] = buffer.to(place)


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


def _misshapen(state: Mapping[str, Tensor], source: TensorSource, wanted: Mapping[str, Recipe]) -> list[str]:
	"""The file's tensors that do not make up a tensor of the network, once each."""
	other = {
		piece.name: None
		for name, recipe in wanted.items()
		if not _fits(tuple(state[name].shape), [_shape(source.shapes[piece.name], piece) for piece in recipe])
		for piece in recipe
	}
	return list(other)


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
