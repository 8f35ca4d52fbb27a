"""Networks that denoise, one module per architecture, each called alike."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene


class Network(Protocol):
	"""A network with what it takes besides the latent."""

	@property
	def module(self) -> torch.nn.Module:
		"""Where its weights are."""
		...

	def around(self, module: torch.nn.Module) -> Network:
		"""The same around another module of the same make, such as one with patched weights."""
		...

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""What it is to hear of a prompt when it works on latents of this shape, in its own scale.

		A batch of one, or of as many as the latents where what the scene tells differs among them. Raises `NodeUsage` if
		the prompt lacks what the network cannot do without.
		"""
		...

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""What it says of x [batch, channels, …], scaled for it; timestep is [batch]; float32 in the shape of x."""
		...
