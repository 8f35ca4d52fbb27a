"""Models into files: parts with their weights as they are now, in the layout in which such models are published.

Tensors are made and written one after the other, so that saving takes hardly any memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol, runtime_checkable

import torch
from torch import Tensor

from engine.errors import ModelError
from nodes.diffusion.layout import Layout, independent, plain, prefixed, stored
from nodes.diffusion.origin import Origin
from nodes.diffusion.patches.target import Target

CODES = {
	torch.float64: 'F64',
	torch.float32: 'F32',
	torch.float16: 'F16',
	torch.bfloat16: 'BF16',
	torch.int64: 'I64',
	torch.int32: 'I32',
	torch.int16: 'I16',
	torch.int8: 'I8',
	torch.uint8: 'U8',
	torch.bool: 'BOOL',
}
"""What the safetensors format calls the dtypes."""


@dataclass(frozen=True, eq=False)
class Section:
	"""A part to be written: `layout` and `prefix` are those of the file, `dtype` that of its numbers with a point."""

	target: Target
	origin: Origin
	layout: Layout
	prefix: str
	dtype: torch.dtype


@runtime_checkable
class Savable(Protocol):
	"""Weights that know where they are from, part by part."""

	def parts(self) -> Sequence[tuple[Target, Origin]]: ...


Pieces = tuple[Mapping[str, Tensor], Callable[[], Mapping[str, Tensor]]]
"""Tensors of the file without memory of their own, and what makes them."""


def parts_of(weights: object) -> Sequence[tuple[Target, Origin]]:
	"""The parts of a model. Raises `ModelError` for what cannot be saved: weights that are streamed are not all there."""
	parts = weights.parts() if isinstance(weights, Savable) else ()
	if not parts:
		raise ModelError(f'A {type(weights).__name__} cannot be saved.')
	for target, origin in parts:
		if any(tensor.is_meta for tensor in target.module.parameters()):
			raise ModelError(
				f'The {target.title} of {origin.source.path.name} cannot be saved: it is too large to be in memory whole, '
				'and is streamed.'
			)
	return parts


def precision(target: Target, origin: Origin) -> torch.dtype:
	"""In which a part is saved: as its file keeps it, or as it is computed with if that is coded."""
	return held(target) if origin.dtype is None else origin.dtype


def held(target: Target) -> torch.dtype:
	"""In which a part is in memory; of coded weights, in which they are computed with."""
	return next((tensor.dtype for tensor in target.tensors.values() if tensor.is_floating_point()), torch.float32)


def narrowed(weights: object) -> str | None:
	"""The precision that weights are to be read in anew so that saving loses nothing; None if they are in no less."""
	for target, origin in parts_of(weights):
		wanted, now = precision(target, origin), held(target)
		if now not in (wanted, torch.float32):
			return str(wanted).removeprefix('torch.')
	return None


def whole(weights: object, dtype: torch.dtype | None = None) -> list[Section]:
	"""The parts of a model as in a whole checkpoint."""
	return [
		Section(target, origin, origin.layout, origin.prefix, dtype or precision(target, origin))
		for target, origin in parts_of(weights)
	]


def alone(weights: object) -> list[Section]:
	"""The same, each as in a file of its own: text encoders by the names of transformers."""
	return [
		Section(target, origin, target.layout, '', precision(target, origin)) for target, origin in parts_of(weights)
	]


def write(
	stream: BinaryIO,
	sections: Sequence[Section],
	metadata: Mapping[str, str],
	*,
	markers: Sequence[str] = (),
	on_bytes: Callable[[int, int], None] = lambda done, total: None,
) -> None:
	"""Write a safetensors file; `markers` are empty tensors. `on_bytes` is told the bytes done and in all, and may raise."""
	described = {name: text for section in sections for name, text in section.origin.described.items()}
	header: dict[str, object] = {'__metadata__': {'format': 'pt', **described, **metadata}}
	todo = [pieces for section in sections for pieces in _pieces(section)]
	total = 0
	for name, empty in [
		*((name, torch.empty(0)) for name in markers),
		*(one for what, _ in todo for one in what.items()),
	]:
		end = total + empty.nbytes
		header[name] = {'dtype': CODES[empty.dtype], 'shape': list(empty.shape), 'data_offsets': [total, end]}
		total = end
	text = json.dumps(header, ensure_ascii=False).encode()
	text += b' ' * (-len(text) % 8)
	stream.write(len(text).to_bytes(8, 'little') + text)
	done = 0
	for _, make in todo:
		for tensor in make().values():
			stream.write(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
			done += tensor.nbytes
			on_bytes(done, total)


def _pieces(section: Section) -> Iterator[Pieces]:
	target = section.target
	state = _state(target)
	layout = {name: recipe for name, recipe in section.layout.items() if name in state}
	layout |= plain({name: name for name in state if name not in layout})
	for group in independent(prefixed(layout, section.prefix)):
		empty = {
			name: torch.empty_like(state[name], dtype=_dtype(state[name], section), device='meta') for name in group
		}

		def make(group: Layout = group) -> dict[str, Tensor]:
			found = {name: target.numbers(name) if target.coded(name) else state[name] for name in group}
			return stored(group, {name: tensor.to(_dtype(tensor, section)) for name, tensor in found.items()})

		yield stored(group, empty), make
	yield from _rest(section)


def _state(target: Target) -> dict[str, Tensor]:
	"""Every tensor of the module once, by its first name; coded ones in the shape of their numbers."""
	found: dict[int, tuple[str, Tensor]] = {}
	for name, tensor in target.module.state_dict(keep_vars=True).items():
		found.setdefault(id(tensor), (name, target.tensors.get(name, tensor)))
	return dict(found.values())


def _dtype(tensor: Tensor, section: Section) -> torch.dtype:
	return section.dtype if tensor.is_floating_point() else tensor.dtype


def _rest(section: Section) -> Iterator[Pieces]:
	"""What the file had besides, as it was."""
	origin = section.origin
	for name in (*origin.rest, *origin.beside):
		with origin.source.open() as reader:
			empty = torch.empty_like(reader.read(name), device='meta')
		if name not in origin.beside:
			kept = section.prefix + name.removeprefix(origin.there)
		else:
			kept = name if section.prefix else name.rpartition('.')[2]

		def make(name: str = name, kept: str = kept) -> dict[str, Tensor]:
			with origin.source.open() as reader:
				return {kept: reader.read(name)}

		yield {kept: empty}, make
