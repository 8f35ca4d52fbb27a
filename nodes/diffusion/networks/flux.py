"""The transformer of Flux.1 with all its kinds: dev, schnell, fill, canny, depth, kontext; as diffusers builds it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pixel_unshuffle

from nodes.diffusion.biases import for_attention
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layouts.pieces import Config
from nodes.diffusion.networks.beside import fitted, joined
from nodes.diffusion.networks.patches import PATCH, exactly, heard, packed, positions, unpacked
from nodes.diffusion.networks.references import OFFSET, places
from nodes.diffusion.whereabouts import dtype_of
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene

GUIDANCE = 3.5
"""The distilled guidance strength of a prompt that has none of its own."""
AXES = 3
SCALE = 1000
"""Time and guidance are embedded as so many times what they are."""
PIXELS = 8


@dataclass(frozen=True, eq=False)
class FluxTransformer:
	"""diffusers' `FluxTransformer2DModel`: a `Network`. It hears sigma itself.

	`latents` says how the latents that prompts bring (references, what is to be laid beside) are scaled.
	"""

	module: torch.nn.Module
	config: Config
	latents: LatentFormat

	def around(self, module: torch.nn.Module) -> FluxTransformer:
		"""See `Network`."""
		return replace(self, module=module)

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""Embedding, pooled vector (zeros where the prompt has none), guidance, references, and what is laid beside."""
		pooled = prompt.pooled
		if pooled is None:
			pooled = prompt.embedding.new_zeros(1, self.config['pooled_projection_dim'])
		guidance = GUIDANCE if prompt.guidance is None else prompt.guidance
		return ModelInputs(
			heard(prompt, self.config['joint_attention_dim']),
			pooled=pooled,
			guidance=latent.new_tensor([guidance]) if self.config['guidance_embeds'] else None,
			concat=self._beside(prompt, latent, scene),
			references=tuple(self.latents.process_in(one) for one in prompt.references),
			places=tuple(
				torch.tensor([place])
				for place in places(
					prompt.reference_method or OFFSET, latent, prompt.references, patch=PATCH, spacing=1
				)
			),
			bias=prompt.bias,
		)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`. References follow the picture's tokens; only the picture's are given back."""
		assert inputs.pooled is not None
		seen = x if inputs.concat is None else torch.cat([x, inputs.concat.to(x)], dim=1)
		tokens, ids = [packed(seen)], [positions(x, axes=AXES, first=0)]
		for reference, place in zip(inputs.references, inputs.places, strict=True):
			plane, top, left = place[0].tolist()
			tokens.append(packed(reference.to(x)))
			ids.append(positions(reference, axes=AXES, first=plane, top=top, left=left))
		dtype = dtype_of(self.module)
		hidden = torch.cat(tokens, dim=1).to(dtype)
		attention = None
		if inputs.bias is not None:
			bias = for_attention(inputs.bias.to(x.device, dtype), sum(one.shape[1] for one in tokens))
			attention = {'attention_mask': bias}
		exact = [timestep] if inputs.guidance is None else [timestep, inputs.guidance]
		with exactly(self.module.get_submodule('time_text_embed.time_proj'), *(number * SCALE for number in exact)):
			said: Tensor = self.module(
				hidden,
				encoder_hidden_states=inputs.embedding.to(dtype),
				pooled_projections=inputs.pooled.to(dtype),
				timestep=timestep,
				img_ids=torch.cat(ids),
				txt_ids=x.new_zeros(inputs.embedding.shape[1], AXES),
				guidance=inputs.guidance,
				**self._steered(inputs, hidden),
				joint_attention_kwargs=attention,
				return_dict=False,
			)[0]
		return unpacked(said[:, : tokens[0].shape[1]], x).float()

	def _steered(self, inputs: ModelInputs, hidden: Tensor) -> dict[str, Any]:
		"""What control networks say, as arguments of the module."""
		if inputs.residuals is None:
			return {}
		double, single = self.config['num_layers'], self.config['num_single_layers']
		return {
			'controlnet_block_samples': inputs.residuals.for_tokens(hidden, double),
			'controlnet_single_block_samples': inputs.residuals.single_for_tokens(hidden, single),
		}

	def _beside(self, prompt: Prompt, latent: Tensor, scene: Scene) -> Tensor | None:
		"""The latent to lay beside the noisy one, zeros if there is none; models that fill get the mask as well.

		Where the prompt has no mask it is that of the scene, or everything. None for models that take nothing of the kind.
		"""
		taken, own = self.config['in_channels'] // PATCH**2, self.config['out_channels'] // PATCH**2
		if taken <= own:
			return None
		height, width = latent.shape[-2:]
		given = latent.new_zeros(1, own, height, width) if prompt.concat is None else prompt.concat.to(latent)
		beside = self.latents.process_in(fitted(given, height, width))
		if taken <= 2 * own:
			return joined(len(latent), beside)
		painted = prompt.concat_mask if prompt.concat_mask is not None else scene.mask
		painted = latent.new_ones(1, 1, height, width) if painted is None else painted.to(latent)
		mask = fitted(painted.reshape(-1, 1, *painted.shape[-2:]), height * PIXELS, width * PIXELS)
		return joined(len(latent), beside, pixel_unshuffle(mask, PIXELS))
