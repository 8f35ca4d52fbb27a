"""The transformer of Stable Diffusion 3 and 3.5, as diffusers builds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from engine.errors import NodeUsage
from nodes.diffusion.altered import Attach, attached
from nodes.diffusion.control.residuals import Residuals
from nodes.diffusion.layouts.pieces import Config
from nodes.diffusion.networks.patches import grid, heard, padded
from nodes.diffusion.whereabouts import dtype_of
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene


@dataclass(frozen=True, eq=False)
class Sd3Transformer:
	"""diffusers' `SD3Transformer2DModel`: a `Network`. It hears sigma times 1000."""

	module: torch.nn.Module
	config: Config

	def around(self, module: torch.nn.Module) -> Sd3Transformer:
		"""See `Network`."""
		return replace(self, module=module)

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""The prompt's embedding and its pooled vector; zeros where it has none.

		Raises `NodeUsage` for a latent that is larger than the table of positions.
		"""
		patch, most = self.config['patch_size'], self.config['pos_embed_max_size']
		if max(grid(latent, patch)) > most:
			raise NodeUsage(
				f'This model takes latents of up to {most * patch} × {most * patch}; '
				f'this one is {latent.shape[-2]} × {latent.shape[-1]}.'
			)
		pooled = prompt.pooled
		if pooled is None:
			pooled = prompt.embedding.new_zeros(1, self.config['pooled_projection_dim'])
		return ModelInputs(heard(prompt, self.config['joint_attention_dim']), pooled=pooled)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`."""
		assert inputs.pooled is not None
		dtype, patch = dtype_of(self.module), self.config['patch_size']
		rows, columns = grid(x, patch)
		with attached(_adding(inputs.residuals, x.new_empty((1, rows * columns, 0), dtype=dtype)), self.module):
			said: Tensor = self.module(
				padded(x, patch).to(dtype),
				encoder_hidden_states=inputs.embedding.to(dtype),
				pooled_projections=inputs.pooled.to(dtype),
				timestep=timestep,
				return_dict=False,
			)[0]
		return said[..., : x.shape[-2], : x.shape[-1]].float()


def _adding(residuals: Residuals | None, like: Tensor) -> Attach:
	"""Adds what control networks say behind each block; the module itself would leave out the last."""

	def attach(module: torch.nn.Module) -> Iterator[RemovableHandle]:
		blocks = list(module.get_submodule('transformer_blocks').children())
		said = [] if residuals is None else residuals.for_tokens(like, len(blocks))
		for block, one in zip(blocks, said, strict=False):
			yield block.register_forward_hook(partial(_added, one))

	return attach


def _added(said: Tensor, block: torch.nn.Module, args: object, output: tuple[Any, Tensor]) -> tuple[Any, Tensor]:
	text, picture = output
	return text, picture + said
