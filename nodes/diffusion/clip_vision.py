"""Encoders of pictures: CLIP's (Radford et al. 2021) and SigLIP's (Zhai et al. 2023), as models that hear pictures want them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import Linear, Module
from torch.nn.functional import interpolate
from transformers import CLIPVisionConfig, CLIPVisionModel, SiglipVisionConfig, SiglipVisionModel

from engine.errors import UnknownFormat
from engine.models import Load, Place
from nodes.diffusion.checkpoint import read_part
from nodes.diffusion.families.vision import VISION
from nodes.diffusion.files import open_source
from nodes.diffusion.moving import move
from nodes.diffusion.whereabouts import dtype_of
from nodes.values import Images
from nodes.vision_values import VisionOutput

CLIP_MEAN, CLIP_SPREAD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Mean and standard deviation of the colours that CLIP was trained with."""

SIGLIP_MEAN = SIGLIP_SPREAD = (0.5, 0.5, 0.5)
LEVELS = 255


class Seen(NamedTuple):
	"""What the layers say: the last [batch, tokens, width], the one before it, and a projected vector of the whole."""

	last: Tensor
	penultimate: Tensor
	embeds: Tensor


class VisionModel(Module):
	"""CLIP's picture half under the names of transformers' `CLIPVisionModelWithProjection`, whatever its version; or SigLIP.

	`siglip` of the config says which; a `projection_dim` of 0 is no projection.
	"""

	def __init__(self, config: Mapping[str, Any]) -> None:
		super().__init__()
		given = {name: value for name, value in config.items() if name not in ('siglip', 'projection_dim')}
		model: Module
		if config['siglip']:
			model = SiglipVisionModel(SiglipVisionConfig.from_dict({**given, 'vision_use_head': False}))
		else:
			model = CLIPVisionModel(CLIPVisionConfig.from_dict(given))
		# Of late, transformers has no more level between a model and its layers.
		self.vision_model = cast(Module, getattr(model, 'vision_model', model))
		self.pooled = not config['siglip']
		self.visual_projection: Linear | None = None
		if config['projection_dim']:
			self.visual_projection = Linear(config['hidden_size'], config['projection_dim'], bias=False)

	def forward(self, pixels: Tensor) -> Seen:
		"""Normalised pixels [batch, 3, side, side]; SigLIP, which has no vector of the whole, gives its last layer for it."""
		said: Any = self.vision_model(pixel_values=pixels, output_hidden_states=True)
		whole: Tensor = said.pooler_output if self.pooled else said.last_hidden_state
		if self.visual_projection is not None:
			whole = self.visual_projection(whole)
		return Seen(said.last_hidden_state, said.hidden_states[-2], whole)


@dataclass(frozen=True, eq=False)
class VisionEncoder:
	"""An encoder of pictures: a `ClipVision`. `size` is the side, in pixels, of the pictures that it looks at."""

	module: VisionModel
	size: int
	mean: tuple[float, float, float] = CLIP_MEAN
	spread: tuple[float, float, float] = CLIP_SPREAD

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return sum(weight.nbytes for weight in self.module.parameters())

	def move(self, place: Place) -> None:
		"""See `Movable`."""
		move(self.module, place)

	def encode(self, images: Images, *, crop: bool = True) -> VisionOutput:
		"""See `ClipVision`."""
		return self._look(self.prepared(images.pixels, crop=crop))

	def blank(self) -> VisionOutput:
		"""See `ClipVision`."""
		return self._look(torch.zeros(1, 3, self.size, self.size))

	def prepared(self, pixels: Tensor, *, crop: bool) -> Tensor:
		"""Pictures [batch, height, width, channels], 0 to 1, as the network was trained to see them [batch, 3, side, side].

		Scaled by a bicubic filter, rounded to 256 levels, then brought to the mean and spread of its training.
		"""
		shown = pixels[..., :3].movedim(-1, 1)
		height, width = shown.shape[-2:]
		if (height, width) != (self.size, self.size):
			scale = self.size / min(height, width)
			scaled = (round(height * scale), round(width * scale)) if crop else (self.size, self.size)
			shown = interpolate(shown, scaled, mode='bicubic', antialias=True)
			top, left = ((side - self.size) // 2 for side in scaled)
			shown = shown[..., top : top + self.size, left : left + self.size]
		shown = (shown * LEVELS).clamp(0, LEVELS).round() / LEVELS
		mean, spread = (shown.new_tensor(numbers).reshape(3, 1, 1) for numbers in (self.mean, self.spread))
		return (shown - mean) / spread

	def _look(self, pixels: Tensor) -> VisionOutput:
		device = next(self.module.parameters()).device
		with torch.inference_mode():
			seen: Seen = self.module(pixels.to(device, dtype_of(self.module)))
			return VisionOutput(*(tensor.float().cpu() for tensor in seen))


def load_clip_vision(load: Load) -> VisionEncoder:
	"""The encoder of pictures that a file holds, alone or in a checkpoint: a `Loader` of `ClipVision`."""
	source = open_source(load.path)
	found = VISION.find(source.shapes)
	if found is None:
		raise UnknownFormat(load.path, 'it holds no vision encoder of CLIP or SigLIP that is known')
	part = read_part(source, VISION, found, load)
	size: int = part.config['image_size']
	module = cast(VisionModel, part.module)
	if part.config['siglip']:
		return VisionEncoder(module, size, SIGLIP_MEAN, SIGLIP_SPREAD)
	return VisionEncoder(module, size)
