"""From a network to "the clean latent as guessed at this noise", which is all that samplers see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Any, Protocol

import torch
from torch import Tensor

from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.networks import Network
from nodes.diffusion.parametrisation import Parametrisation
from nodes.values import NO_SCENE, Conditioning, DiffusionModel, ModelInputs, Prompt, Scene


class Denoise(Protocol):
	"""The clean latent as guessed from x [batch, channels, h, w] at one sigma (a tensor without dimensions)."""

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Denoiser:
	"""A network with its noise levels and latents: a `DiffusionModel`. Settings are applied by replacing fields."""

	network: Network
	parametrisation: Parametrisation
	latents: LatentFormat
	family: str

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return sum(weight.nbytes for weight in self.network.module.parameters())

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""What the network is to hear of a prompt: see `Network`."""
		return self.network.inputs(prompt, latent, scene)

	def denoise(self, x: Tensor, sigma: Tensor, inputs: ModelInputs) -> Tensor:
		"""The clean latent as guessed at this noise: x is float32 [batch, channels, …], sigma [batch]."""
		level = self.parametrisation
		with torch.inference_mode():
			said = self.network(level.scaled(x, sigma), level.timestep(sigma), inputs)
			return level.denoised(x, said, sigma)


def guided(model: DiffusionModel, positive: Conditioning, negative: Conditioning, cfg: float) -> Denoise:
	"""Classifier-free guidance (Ho and Salimans 2022): unwanted + (wanted − unwanted) · cfg.

	Several prompts on one side are averaged. Prompts of one length go through the network in one batch; with cfg 1 the
	negative ones are not computed at all.
	"""
	prompts = positive.prompts if cfg == 1 else positive.prompts + negative.prompts

	def denoise(x: Tensor, sigma: Tensor) -> Tensor:
		guesses = _denoise_each(model, x, sigma, prompts)
		wanted = _mean(guesses[: len(positive.prompts)])
		if cfg == 1:
			return wanted
		unwanted = _mean(guesses[len(positive.prompts) :])
		return unwanted + (wanted - unwanted) * cfg

	return denoise


def _denoise_each(model: DiffusionModel, x: Tensor, sigma: Tensor, prompts: Sequence[Prompt]) -> list[Tensor]:
	"""One guess per prompt, in their order; neighbours whose inputs are of one shape share a batch."""
	guesses: list[Tensor] = []
	for _, equal in groupby((model.inputs(prompt, x) for prompt in prompts), key=_shapes):
		group = list(equal)
		batch = torch.cat([x] * len(group))
		inputs = _joined([_repeated(one, len(x)) for one in group])
		guesses += model.denoise(batch, sigma.expand(len(batch)), inputs).chunk(len(group))
	return guesses


def _shapes(inputs: ModelInputs) -> list[object]:
	"""What must be alike in inputs that go in one batch."""
	values = (getattr(inputs, field.name) for field in fields(inputs))
	return [
		[one.shape for one in value] if isinstance(value, tuple) else getattr(value, 'shape', None) for value in values
	]


def _repeated(inputs: ModelInputs, size: int) -> ModelInputs:
	"""A batch of one as a batch of so many."""
	return _mapped([inputs], lambda tensors: tensors[0].expand(size, *tensors[0].shape[1:]))


def _joined(batches: Sequence[ModelInputs]) -> ModelInputs:
	return _mapped(batches, torch.cat)


def _mapped(batches: Sequence[ModelInputs], join: Callable[[list[Tensor]], Tensor]) -> ModelInputs:
	"""Field by field, the tensors of all batches joined."""
	first = batches[0]
	joined: dict[str, Any] = {}
	for field in fields(first):
		value = getattr(first, field.name)
		if isinstance(value, tuple):
			joined[field.name] = tuple(
				join([getattr(batch, field.name)[index] for batch in batches]) for index in range(len(value))
			)
		elif value is not None:
			joined[field.name] = join([getattr(batch, field.name) for batch in batches])
	return ModelInputs(**joined)


def _mean(guesses: Sequence[Tensor]) -> Tensor:
	return torch.stack(list(guesses)).mean(dim=0)
