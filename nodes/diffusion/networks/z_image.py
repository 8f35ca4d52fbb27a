"""The transformer of Z-Image, as diffusers builds it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nodes.diffusion.layouts.pieces import Config
from nodes.diffusion.networks.patches import heard, padded
from nodes.diffusion.whereabouts import dtype_of
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene


@dataclass(frozen=True, eq=False)
class ZImageTransformer:
	"""diffusers' `ZImageTransformer2DModel`: a `Network`.

	Its time runs from noise (0) to picture (1), and it says clean − noise: both are turned round here.
	"""

	module: torch.nn.Module
	config: Config

	def around(self, module: torch.nn.Module) -> ZImageTransformer:
		"""See `Network`."""
		return replace(self, module=module)

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""The prompt's embedding."""
		return ModelInputs(heard(prompt, self.config['cap_feat_dim']), token_mask=prompt.token_mask)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`. Tokens that are only filled up are left out: the model has its own filling."""
		dtype = dtype_of(self.module)
		texts = list(inputs.embedding.to(dtype))
		if inputs.token_mask is not None:
			texts = [text[mask.bool()] for text, mask in zip(texts, inputs.token_mask, strict=True)]
		frames = padded(x).to(dtype)[:, :, None]
		said: list[Tensor] = self.module(list(frames), 1 - timestep, texts, return_dict=False)[0]
		return -torch.stack(said)[:, :, 0, : x.shape[-2], : x.shape[-1]].float()
