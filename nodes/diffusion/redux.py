"""Flux Redux (Black Forest Labs 2024): what SigLIP sees, as tokens that Flux listens to beside its text."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor
from torch.nn import Linear, Module
from torch.nn.functional import silu

from engine.errors import NodeUsage, UnknownFamily
from engine.models import Load, Place
from nodes.diffusion.biases import lengthened
from nodes.diffusion.checkpoint import read_part
from nodes.diffusion.families.vision import REDUX
from nodes.diffusion.files import open_source
from nodes.diffusion.moving import move
from nodes.diffusion.whereabouts import dtype_of
from nodes.values import Prompt
from nodes.vision_values import VisionOutput


class ReduxModel(Module):
	"""Two layers, under the names of the released file: from the width of what is seen to that of text."""

	def __init__(self, seen: int, inner: int, width: int) -> None:
		super().__init__()
		self.redux_up = Linear(seen, inner)
		self.redux_down = Linear(inner, width)

	def forward(self, seen: Tensor) -> Tensor:
		"""Each token [batch, tokens, seen] as one of text [batch, tokens, width]."""
		told: Tensor = self.redux_down(silu(self.redux_up(seen)))
		return told


@dataclass(frozen=True, eq=False)
class Redux:
	"""A `StyleModel`."""

	module: ReduxModel

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return sum(weight.nbytes for weight in self.module.parameters())

	def move(self, place: Place) -> None:
		"""See `Movable`."""
		move(self.module, place)

	def tokens(self, seen: VisionOutput) -> Tensor:
		"""See `StyleModel`. Raises `NodeUsage` if another encoder than its own has seen the pictures."""
		wanted, given = self.module.redux_up.in_features, seen.last.shape[-1]
		if wanted != given:
			raise NodeUsage(
				f'This style model hears what an encoder of width {wanted} sees (SigLIP for Flux Redux); the pictures were '
				f'encoded by one of width {given}.'
			)
		place = self.module.redux_up.weight.device
		with torch.inference_mode():
			told: Tensor = self.module(seen.last.to(place, dtype_of(self.module)))
			return told.float().cpu()


def behind(prompt: Prompt, tokens: Tensor, heard: float = 1.0) -> Prompt:
	"""A prompt with tokens [1, more, width] behind its own, to which all else listens so many times as much."""
	embedding, mask, bias = prompt.embedding, prompt.token_mask, prompt.bias
	length, more = embedding.shape[1], tokens.shape[1]
	if bias is not None or heard != 1:
		bias = lengthened(bias, length, more, math.log(heard) if heard else -math.inf)
	if mask is not None:
		mask = torch.cat([mask, mask.new_ones(len(mask), more)], dim=1)
	longer = torch.cat([embedding, tokens.expand(len(embedding), -1, -1)], dim=1)
	return replace(prompt, embedding=longer, token_mask=mask, bias=bias)


def load_redux(load: Load) -> Redux:
	"""A style model: a `Loader` of `StyleModel`. Raises `UnknownFamily` for what is none that is known."""
	source = open_source(load.path)
	found = REDUX.find(source.shapes)
	if found is None:
		some = ', '.join(sorted(source.shapes)[:3])
		raise UnknownFamily(f'{load.path.name} is no style model that is known (Flux Redux): its tensors are {some} …')
	return Redux(cast(ReduxModel, read_part(source, REDUX, found, load).module))
