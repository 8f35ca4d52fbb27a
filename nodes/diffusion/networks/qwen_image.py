"""The transformer of Qwen-Image and Qwen-Image-Edit, as diffusers builds it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layouts.pieces import Config
from nodes.diffusion.networks.patches import dtype_of, exactly, grid, heard, packed, unpacked
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene


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
		"""Embedding, mask of its tokens, and references."""
		return ModelInputs(
			heard(prompt, self.config['joint_attention_dim']),
			token_mask=prompt.token_mask,
			references=tuple(self.latents.process_in(one) for one in prompt.references),
		)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`. References follow the picture's tokens; only the picture's are given back."""
		pictures = (x, *inputs.references)
		tokens = [packed(picture.to(x)) for picture in pictures]
		dtype = dtype_of(self.module)
		# Models that take references for clean hear of their time too, which is 0.
		exact = torch.cat([timestep, timestep * 0]) if self.config['zero_cond_t'] else timestep
		with exactly(self.module.get_submodule('time_text_embed.time_proj'), exact):
			said: Tensor = self.module(
				torch.cat(tokens, dim=1).to(dtype),
				encoder_hidden_states=inputs.embedding.to(dtype),
				encoder_hidden_states_mask=inputs.token_mask,
				timestep=timestep,
				img_shapes=[[(1, *grid(picture)) for picture in pictures]] * len(x),
				return_dict=False,
			)[0]
		return unpacked(said[:, : tokens[0].shape[1]], x).float()
