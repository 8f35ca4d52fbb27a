"""The transformer of Flux.2 (dev and Klein), as diffusers builds it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layouts.pieces import Config
from nodes.diffusion.networks.patches import exactly, heard, packed, positions, unpacked
from nodes.diffusion.networks.references import INDEX, places
from nodes.diffusion.whereabouts import dtype_of
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene

GUIDANCE = 3.5
"""The distilled guidance strength of a prompt that has none of its own."""
AXES = 4
SCALE = 1000
"""Time and guidance are embedded as so many times what they are."""
SPACING = 10
"""How far references stand apart on the axis of time."""
LEAST_TOKENS = 512
"""Shorter texts are filled up with zeros in front."""


@dataclass(frozen=True, eq=False)
class Flux2Transformer:
	"""diffusers' `Flux2Transformer2DModel`: a `Network`. It hears sigma itself, and each latent value is a token.

	`latents` says how the latents that prompts bring (references) are scaled.
	"""

	module: torch.nn.Module
	config: Config
	latents: LatentFormat

	def around(self, module: torch.nn.Module) -> Flux2Transformer:
		"""See `Network`."""
		return replace(self, module=module)

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""Embedding, guidance and references."""
		guidance = GUIDANCE if prompt.guidance is None else prompt.guidance
		embedding = heard(prompt, self.config['joint_attention_dim'])
		missing = max(0, LEAST_TOKENS - embedding.shape[1])
		return ModelInputs(
			functional.pad(embedding, (0, 0, missing, 0)),
			guidance=latent.new_tensor([guidance]) if self.config['guidance_embeds'] else None,
			references=tuple(self.latents.process_in(one) for one in prompt.references),
			places=tuple(
				torch.tensor([place])
				for place in places(
					prompt.reference_method or INDEX, latent, prompt.references, patch=1, spacing=SPACING
				)
			),
		)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`. References follow the picture's tokens; only the picture's are given back."""
		tokens, ids = [packed(x, 1)], [positions(x, axes=AXES, first=0, size=1)]
		for reference, place in zip(inputs.references, inputs.places, strict=True):
			plane, top, left = place[0].tolist()
			tokens.append(packed(reference.to(x), 1))
			ids.append(positions(reference, axes=AXES, first=plane, top=top, left=left, size=1))
		words = x.new_zeros(inputs.embedding.shape[1], AXES)
		words[:, -1] = torch.arange(len(words), device=x.device)
		dtype = dtype_of(self.module)
		exact = [timestep] if inputs.guidance is None else [timestep, inputs.guidance]
		with exactly(self.module.get_submodule('time_guidance_embed.time_proj'), *(number * SCALE for number in exact)):
			said: Tensor = self.module(
				torch.cat(tokens, dim=1).to(dtype),
				encoder_hidden_states=inputs.embedding.to(dtype),
				timestep=timestep,
				img_ids=torch.cat(ids),
				txt_ids=words,
				guidance=inputs.guidance,
				return_dict=False,
			)[0]
		return unpacked(said[:, : tokens[0].shape[1]], x, 1).float()
