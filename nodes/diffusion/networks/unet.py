"""The UNet of Stable Diffusion 1.x, 2.x and XL, as diffusers builds it."""

from __future__ import annotations

import torch
from torch import Tensor

from nodes.values import ModelInputs, Prompt


class UNet:
	"""diffusers' `UNet2DConditionModel`: a `Network`."""

	def __init__(self, module: torch.nn.Module) -> None:
		self.module = module
		self._dtype = next(module.parameters()).dtype

	def inputs(self, prompt: Prompt, latent: Tensor) -> ModelInputs:
		"""The prompt's embedding."""
		return ModelInputs(prompt.embedding)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`."""
		context = inputs.embedding.to(self._dtype)
		said: Tensor = self.module(x.to(self._dtype), timestep, encoder_hidden_states=context, return_dict=False)[0]
		return said.float()
