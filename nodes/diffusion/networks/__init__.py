"""Networks that denoise, one module per architecture, each called alike."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from nodes.values import ModelInputs, Prompt


class Network(Protocol):
	"""A network with what it takes besides the latent."""

	@property
	def module(self) -> torch.nn.Module:
		"""Where its weights are."""
		...

	def inputs(self, prompt: Prompt, latent: Tensor) -> ModelInputs:
		"""What it is to hear of a prompt, as a batch of one, when it works on latents of this shape, in its own scale."""
		...

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""What it says of x [batch, channels, …], scaled for it; timestep is [batch]; float32 in the shape of x."""
		...
