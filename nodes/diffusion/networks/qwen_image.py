"""The transformer of Qwen-Image and Qwen-Image-Edit, as diffusers builds it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layouts.pieces import Config
from nodes.diffusion.networks.patches import exactly, grid, heard, packed, unpacked
from nodes.diffusion.networks.references import INDEX
from nodes.diffusion.whereabouts import dtype_of
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene

CLEAN = 'index_timestep_zero'
"""Each reference on a plane of its own, and taken for clean whatever the noise: the way of Edit 2511."""
CLEAN_COLUMN = 3


@dataclass(frozen=True, eq=False)
class QwenImageTransformer:
	"""diffusers' `QwenImageTransformer2DModel`: a `Network`. It hears sigma itself.

	`latents` says how the latents that prompts bring (references) are scaled.
	"""

	module: torch.nn.Module
	config: Config
	latents: LatentFormat

	def around(self, module: torch.nn.Module) -> QwenImageTransformer:
		"""See `Network`."""
		return replace(self, module=module)

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""Embedding, mask of its tokens, and references. Raises `NodeUsage` for a way to place them that it has not."""
		method = prompt.reference_method or INDEX
		if method not in (INDEX, CLEAN):
			raise NodeUsage(f'This model places pictures to look at by {INDEX} or {CLEAN}, not by {method!r}.')
		clean = int(method == CLEAN or self.config['zero_cond_t'])
		return ModelInputs(
			heard(prompt, self.config['joint_attention_dim']),
			token_mask=prompt.token_mask,
			references=tuple(self.latents.process_in(one) for one in prompt.references),
			places=tuple(torch.tensor([[index, 0, 0, clean]]) for index in range(1, len(prompt.references) + 1)),
		)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`. References follow the picture's tokens; only the picture's are given back."""
		pictures = (x, *inputs.references)
		tokens = [packed(picture.to(x)) for picture in pictures]
		dtype = dtype_of(self.module)
		# What takes references for clean hears of their time too, which is 0.
		clean = any(bool(place[0, CLEAN_COLUMN]) for place in inputs.places)
		self._hear_clean(clean)
		exact = torch.cat([timestep, timestep * 0]) if clean else timestep
		seen = torch.cat(tokens, dim=1).to(dtype)
		count = len(cast(Any, self.module).transformer_blocks)
		with exactly(self.module.get_submodule('time_text_embed.time_proj'), exact):
			said: Tensor = self.module(
				seen,
				encoder_hidden_states=inputs.embedding.to(dtype),
				encoder_hidden_states_mask=inputs.token_mask,
				timestep=timestep,
				img_shapes=[[(1, *grid(picture)) for picture in pictures]] * len(x),
				controlnet_block_samples=None if inputs.residuals is None else inputs.residuals.for_tokens(seen, count),
				return_dict=False,
			)[0]
		return unpacked(said[:, : tokens[0].shape[1]], x).float()

	def _hear_clean(self, clean: bool) -> None:
		"""Let the network take references for clean, or not."""
		for module in (self.module, *self.module.get_submodule('transformer_blocks').children()):
			cast(Any, module).zero_cond_t = clean
