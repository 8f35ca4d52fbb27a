"""Control-LoRAs (Stability AI 2023): ControlNets that hold what differs from the UNet that they steer, as matrices of low rank.

What the file has whole (norms, biases, the layers that no UNet has) is its own; all else are the UNet's own weights, which
are shared and not copied: up · (down · x) is added to what each layer says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.controlnets.controlnet import ControlNetModel
from torch import Tensor
from torch.nn import Conv2d, Module
from torch.nn.functional import conv2d, linear

from engine.errors import NodeUsage, UnknownFormat
from engine.models import Load, Size, WeightPatch
from nodes.diffusion.building import SHOWN, built
from nodes.diffusion.control.configs import HINT, WAY_DOWN, beside_config, original_layout
from nodes.diffusion.control.controlnet import UNetControl
from nodes.diffusion.control.residuals import Residuals
from nodes.diffusion.files import TensorSource, torch_dtype
from nodes.diffusion.patches.apply import put, shared
from nodes.diffusion.patches.target import Target
from nodes.diffusion.placement import blocks_of, least_bytes, stream, streamed, tied_names, without_turns
from nodes.diffusion.precision import resolved
from nodes.diffusion.sizes import CONTROL_LORA
from nodes.diffusion.whereabouts import dtype_of, place_of
from nodes.values import ModelInputs

TITLE = 'Control-LoRA'
UP, DOWN = '.up', '.down'


@dataclass(frozen=True, eq=False)
class LoraControl:
	"""What a Control-LoRA's file holds, before it is joined with a UNet: a `ControlNet`. `path` is where, for errors."""

	tensors: Mapping[str, Tensor]
	path: Path
	own: int | None = None
	wants_latents: bool = False
	wants_mask: bool = False

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held; those of the UNet are not its own, nor those shared with what it was made from."""
		return sum(tensor.nbytes for tensor in self.tensors.values()) if self.own is None else self.own

	def targets(self) -> tuple[Target, ...]:
		"""Nothing can be patched: patches of the UNet count here too."""
		return ()

	def patched(self, patches: Sequence[WeightPatch], load: Load) -> LoraControl:
		"""See `Patchable`: the same, with nothing of its own."""
		return replace(self, own=0)

	def patched_size(self, patches: Sequence[WeightPatch], load: Load) -> Size:
		"""See `PatchMeasure`."""
		return Size(0, 0)

	def beside(self, model: Module) -> UNetControl:
		"""The ControlNet of a UNet, with its weights. Raises `NodeUsage` for a model that it was not made for."""
		if not isinstance(model, UNet2DConditionModel):
			raise NodeUsage(
				f'{self.path.name} is a {TITLE}: it steers UNets, and the model is a {type(model).__name__}.'
			)
		shapes = {name: tuple(one.shape) for name, one in Target(TITLE, model, {}, ()).tensors.items()}
		config = beside_config(shapes, {name: tuple(tensor.shape) for name, tensor in self.tensors.items()})
		# diffusers' constructors have no annotations, hence Any.
		own: Any = built(lambda: cast(Any, ControlNetModel)(**config), self.path, TITLE)
		for name in dict.fromkeys(start.partition('.')[0] for start in WAY_DOWN):
			part = getattr(model, name, None)
			if part is not None:
				twin = shared(part)
				without_turns(twin)
				setattr(own, name, twin)
		whole = self._fill(own, place_of(model), dtype_of(model))
		_follow(own, model, whole)
		return UNetControl(own, own=self.nbytes)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs, hint: Tensor) -> Residuals:
		"""Raises `NodeUsage`: it has to be joined first."""
		raise NodeUsage(f'{self.path.name} is a {TITLE}: it works beside a UNet only.')

	def _fill(self, own: Module, place: torch.device, dtype: torch.dtype) -> set[str]:
		"""Give a network what the file has; gives the names of its tensors that the file has whole."""
		layout = original_layout(cast(Any, own).config)
		whole: set[str] = set()
		used: set[str] = {CONTROL_LORA}
		wrong: list[str] = []
		weights = Target(TITLE, own, {}, ()).tensors
		for name in weights.keys() & layout.keys():
			stored = layout[name][0].name
			low = stored.removesuffix('.weight')
			if stored in self.tensors:
				used.add(stored)
				tensor = self.tensors[stored]
				if tensor.numel() != weights[name].numel():
					wrong.append(stored)
				else:
					whole.add(name)
					put(own, [name], tensor.to(place, dtype).view(weights[name].shape), plain=True)
			elif low + UP in self.tensors and low + DOWN in self.tensors and stored != low:
				used |= {low + UP, low + DOWN}
				layer = own.get_submodule(name.rpartition('.')[0])
				added = _low_rank(layer, *(self.tensors[low + end].to(place, dtype) for end in (UP, DOWN)))
				if added is None:
					wrong.append(low + DOWN)
				else:
					layer.register_forward_hook(added)
			elif not name.startswith(WAY_DOWN):
				wrong.append(stored)
		wrong += [name for name in self.tensors if name not in used]
		if wrong:
			some = ', '.join(wrong[:SHOWN]) + (' …' if len(wrong) > SHOWN else '')
			raise NodeUsage(
				f'{self.path.name} is a {TITLE} of another model: {len(wrong)} of its tensors do not fit ({some}).'
			)
		return whole


Hook = Callable[[Module, tuple[Tensor, ...], Tensor], Tensor]


def _low_rank(layer: Any, up: Tensor, down: Tensor) -> Hook | None:
	"""What adds to a layer's answer what these say; None if they do not fit it."""
	rank = down.shape[0]
	if isinstance(layer, Conv2d):
		size = (layer.in_channels, *layer.kernel_size)
		outside, inside = layer.out_channels, size[0] * size[1] * size[2]
	else:
		size = (layer.in_features,)
		outside, inside = layer.out_features, layer.in_features
	if up.numel() != outside * rank or down.numel() != rank * inside:
		return None
	left, right = up.reshape(outside, rank), down.reshape(rank, *size)
	if isinstance(layer, Conv2d):
		return partial(_added_by_convolution, left[..., None, None], right)
	return partial(_added, left, right)


def _added(up: Tensor, down: Tensor, layer: Module, given: tuple[Tensor, ...], said: Tensor) -> Tensor:
	return said + linear(linear(given[0].to(down), down), up).to(said)


def _added_by_convolution(up: Tensor, down: Tensor, layer: Any, given: tuple[Tensor, ...], said: Tensor) -> Tensor:
	seen = conv2d(given[0].to(down), down, stride=layer.stride, padding=layer.padding)
	return said + conv2d(seen, up).to(said)


def _follow(own: Module, model: Module, whole: Collection[str]) -> None:
	"""If the UNet's weights come when they are needed, have them come here too: one block at a time, when its own are away."""
	base = streamed(model)
	if base is None:
		return
	sizes = {name: base.sizes[name] for name in base.away if name.startswith(WAY_DOWN) and name not in whole}
	tied = tied_names(own)
	room = least_bytes(sizes, blocks_of(own, sizes, tied))
	stream(own, base.read, sizes=sizes, room=room, tied=tied)


def is_control(source: TensorSource) -> bool:
	"""Whether a file holds a Control-LoRA."""
	return CONTROL_LORA in source.shapes


def load_control(load: Load, source: TensorSource) -> LoraControl:
	"""One from a file, in the precision of a denoiser. Raises `UnknownFormat` for one without layers for the hint."""
	if f'{HINT}.0.weight' not in source.shapes:
		raise UnknownFormat(source.path, f'its {TITLE} lacks {HINT}.0.weight')
	names = [name for name in source.shapes if name != CONTROL_LORA]
	weights = sum(prod(source.shapes[name]) for name in names)
	dtype = torch_dtype(resolved(load, 'sdxl', weights))
	load.phase('loading_model', weights * dtype.itemsize)
	tensors = {}
	with source.open() as reader:
		for name in names:
			tensors[name] = reader.read(name).to(load.place, dtype, copy=True)
			load.advance(tensors[name].nbytes)
	return LoraControl(tensors, load.path)
