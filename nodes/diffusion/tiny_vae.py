"""Tiny autoencoders (TAESD and its relatives): rough pictures of latents in hardly any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from torch import Tensor

from engine.errors import ModelError, UnknownFormat
from engine.models import Load
from nodes.diffusion.autoencoders import Drawn, Means, Said
from nodes.diffusion.building import built
from nodes.diffusion.files import torch_dtype
from nodes.diffusion.layouts import tiny_vae as layout
from nodes.diffusion.patches.reading import read_tensors
from nodes.diffusion.vae import Vae
from nodes.diffusion.whereabouts import dtype_of, place_of

FACTOR = 8


@dataclass(frozen=True, eq=False)
class TinyCoder:
	"""diffusers' `AutoencoderTiny`, for latents in the wire's scale: a `KlAutoEncoder`."""

	module: torch.nn.Module
	scale: float
	shift: float

	@property
	def dtype(self) -> torch.dtype:
		"""In which it computes."""
		return dtype_of(self.module)

	@property
	def device(self) -> torch.device:
		"""Where it computes."""
		return place_of(self.module)

	def encode(self, x: Tensor) -> Said:
		"""Pictures [batch, 3, h, w], −1 to 1."""
		latents: Tensor = cast(Any, self.module).encode(x).latents
		return Said(Means(latents / self.scale + self.shift))

	def decode(self, z: Tensor) -> Drawn:
		"""Latents, as `encode` gives them."""
		drawn: Tensor = cast(Any, self.module).decode((z - self.shift) * self.scale).sample
		return Drawn(drawn)


def load_tiny_vae(load: Load) -> Vae:
	"""The decoder (the first file) and encoder (the second) that the option names: a `Loader` of `AutoEncoder`.

	Without the second it only decodes, as previews do. Raises `UnknownFormat` for files of something else.
	"""
	if load.option not in layout.SCALES or len(load.paths) > 2:
		raise ModelError(f'A tiny VAE is one of {", ".join(layout.SCALES)}, of two files at most; not {load.option!r}.')
	tensors: dict[str, Tensor] = {}
	for path, prefix in zip(load.paths, (layout.DECODER, layout.ENCODER), strict=False):
		tensors |= {prefix + name: tensor for name, tensor in read_tensors(path).items()}
	if f'{layout.DECODER}1.weight' not in tensors:
		raise UnknownFormat(load.path, 'it holds no decoder of a tiny VAE')
	config = layout.config({name: tuple(tensor.shape) for name, tensor in tensors.items()})
	# diffusers' from_config has no annotations.
	module = built(lambda: cast(torch.nn.Module, cast(Any, AutoencoderTiny).from_config(config)), load.path, 'VAE')
	if len(load.paths) == 1:
		del module.encoder
	names = {name: recipe[0].name for name, recipe in layout.original(config).items() if name in module.state_dict()}
	lacking = sorted({*names.values()} - tensors.keys())
	if lacking:
		raise UnknownFormat(load.paths[-1], f'its VAE lacks {len(lacking)} tensors: {", ".join(lacking[:3])}')
	dtype = torch_dtype(load.dtype)
	kept = {name: tensors[stored].to(load.place, dtype) for name, stored in names.items()}
	try:
		module.load_state_dict(kept, assign=True)
	except RuntimeError as error:
		raise UnknownFormat(load.path, f'its tensors have other shapes than a tiny VAE has ({error})') from error
	module.requires_grad_(False)
	scale, shift = layout.SCALES[load.option]
	nbytes = sum(weight.nbytes for weight in module.parameters())
	return Vae(TinyCoder(module, scale, shift), module, factor=FACTOR, nbytes=nbytes)
