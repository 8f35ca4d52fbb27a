"""The UNet of Stable Diffusion 1.x, 2.x and XL, as diffusers builds it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion import unclip
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.networks.beside import fitted, joined
from nodes.diffusion.whereabouts import dtype_of
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene, Sizes

GREY = (0.8223, -0.6876, 0.6364, 0.1380)
"""Mid-grey in the latents of Stable Diffusion 1.x, in the model's scale."""

WANTED, UNWANTED = 6.0, 2.5
"""The aesthetic scores that the refiner hears of what is wanted, and of what is not."""

MERGED_NOISE = 0.05
"""How much noise the mixture of several pictures gets, where a model of variations hears them."""


class UNet:
	"""diffusers' `UNet2DConditionModel`: a `Network`.

	What it takes besides the latent follows from its config: a vector of pooled text and sizes (XL), where pictures to
	vary take the text's place, or of an embedded picture (unCLIP); nine channels are the latent, a mask and what is to be
	kept (inpainting), eight the latent and the picture that is edited (Brooks et al. 2023, "InstructPix2Pix"). That
	picture is heard in the VAE's own scale or, if `edits_scaled`, in the model's.
	"""

	def __init__(
		self, module: torch.nn.Module, config: Mapping[str, Any], latents: LatentFormat, *, edits_scaled: bool = False
	) -> None:
		self.module = module
		self._config = config
		self._dtype = dtype_of(module)
		self._latents = latents
		self._edits_scaled = edits_scaled
		self._beside = int(config['in_channels']) - latents.channels
		self._vector = int(config.get('projection_class_embeddings_input_dim') or 0)
		self._size_width = int(config.get('addition_time_embed_dim') or 0)

	def around(self, module: torch.nn.Module) -> UNet:
		"""See `Network`."""
		return UNet(module, self._config, self._latents, edits_scaled=self._edits_scaled)

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""See `Network`. Raises `NodeUsage` if the prompt has no pooled vector where one is needed."""
		pooled = sizes = None
		if self._size_width:
			if prompt.pooled is None:
				raise NodeUsage(
					'This model wants a prompt with a pooled vector, such as the text encoders of Stable Diffusion XL '
					'give; encode the prompt with the text encoder of its own family.'
				)
			pooled = prompt.pooled
			if prompt.variations:
				pooled = unclip.heard(prompt.variations, pooled.shape[-1], scene.seed, 0.0)[:, : pooled.shape[-1]]
			sizes = self._sizes(prompt, latent, scene)
		elif self._vector:
			pooled = latent.new_zeros(1, self._vector)
			if prompt.variations:
				pooled = unclip.heard(prompt.variations, self._vector // 2, scene.seed, MERGED_NOISE)
		return ModelInputs(prompt.embedding, pooled=pooled, sizes=sizes, concat=self._concat(prompt, latent, scene))

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`."""
		context = inputs.embedding.to(self._dtype)
		more: dict[str, Any] = {}
		if inputs.sizes is not None and inputs.pooled is not None:
			more['added_cond_kwargs'] = {'text_embeds': inputs.pooled.to(self._dtype), 'time_ids': inputs.sizes}
		elif inputs.pooled is not None:
			more['class_labels'] = inputs.pooled.to(self._dtype)
		if inputs.residuals is not None:
			more |= inputs.residuals.for_unet(self._dtype)
		fusing: AbstractContextManager[None] = nullcontext()
		if inputs.fusing is not None:
			fusing = inputs.fusing.on(self.module)
			more['cross_attention_kwargs'] = {'gligen': {'objs': inputs.objects}}
		seen = x if inputs.concat is None else torch.cat([x, inputs.concat.to(x)], dim=1)
		with fusing:
			said: Tensor = self.module(
				seen.to(self._dtype), timestep, encoder_hidden_states=context, return_dict=False, **more
			)[0]
		return said.float()

	def _sizes(self, prompt: Prompt, latent: Tensor, scene: Scene) -> Tensor:
		"""Height and width, crop, target; a refiner, which has room for five numbers only, hears a score as the last."""
		pixels = self._latents.pixels
		given = prompt.sizes or Sizes(width=latent.shape[-1] * pixels, height=latent.shape[-2] * pixels)
		numbers: list[float] = [given.height, given.width, given.crop_y, given.crop_x]
		pooled = 0 if prompt.pooled is None else prompt.pooled.shape[-1]
		if (self._vector - pooled) // self._size_width == len(numbers) + 1:
			usual = UNWANTED if scene.negative else WANTED
			numbers.append(usual if given.aesthetic is None else given.aesthetic)
		else:
			numbers += [given.target_height or given.height, given.target_width or given.width]
		return latent.new_tensor([numbers], dtype=torch.float32)

	def _concat(self, prompt: Prompt, latent: Tensor, scene: Scene) -> Tensor | None:
		channels = self._latents.channels
		if self._beside == channels:
			return self._edited(prompt, latent)
		if self._beside == channels + 1:
			return self._inpainted(prompt, latent, scene)
		return None

	def _inpainted(self, prompt: Prompt, latent: Tensor, scene: Scene) -> Tensor:
		"""The mask (1 where to paint), and the latent of what is kept; with no mask, all is to be painted over grey."""
		mask = prompt.concat_mask if prompt.concat_mask is not None else scene.mask
		if mask is None:
			grey = latent.new_tensor(GREY).reshape(1, -1, 1, 1).expand(1, -1, *latent.shape[-2:])
			return torch.cat([torch.ones_like(grey[:, :1]), grey], dim=1)
		if prompt.concat is not None:
			kept = self._latents.process_in(prompt.concat.to(latent))
		else:
			kept = latent if scene.clean is None else scene.clean
		height, width = latent.shape[-2:]
		painted = fitted(mask.to(latent).reshape(-1, 1, *mask.shape[-2:]), height, width).round()
		return joined(len(latent), painted, fitted(kept, height, width))

	def _edited(self, prompt: Prompt, latent: Tensor) -> Tensor:
		"""The latent of the picture to edit; zeros are no picture."""
		if prompt.concat is None:
			return torch.zeros_like(latent[:1])
		picture = prompt.concat.to(latent)
		if self._edits_scaled:
			picture = self._latents.process_in(picture)
		return joined(len(latent), fitted(picture, *latent.shape[-2:]))
