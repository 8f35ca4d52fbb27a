"""Noise levels that are not a table of training steps, and the network of a consistency model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from nodes.diffusion.parametrisation import Discrete, Parametrisation, training_sigmas

ABOVE_ALL = 999999999.9
"""The sigma at the very start, which no noise level exceeds."""
LEVELS = 1000
LCM_STEPS = 50
LCM_SCALE = 10.0
LCM_DATA = 0.5

Meaning = Literal['epsilon', 'v_prediction', 'edm', 'flow']


@dataclass(frozen=True, eq=False)
class Continuous:
	"""Diffusion over all sigmas from `low` to `high` (Karras et al. 2022).

	`meaning` is what the network says: the noise; v; EDM's mixture, which is v with its sign turned; or a velocity between
	clean and noise (Cosmos). `data` is the standard deviation of clean latents that the network was trained for. `hears` is
	what the network is told of sigma: a quarter of its logarithm, its angle from 0 to 1, or its share from 0 to 1.
	"""

	low: float
	high: float
	meaning: Meaning = 'edm'
	data: float = 0.5
	hears: Literal['log', 'angle', 'share'] = 'log'

	@cached_property
	def sigmas(self) -> Tensor:
		"""Even steps in log sigma, float32 [1000], ascending."""
		return torch.linspace(math.log(self.low), math.log(self.high), LEVELS).exp()

	def timestep(self, sigma: Tensor) -> Tensor:
		"""See `hears`."""
		if self.hears == 'log':
			return sigma.log() / 4
		return sigma.atan() / math.pi * 2 if self.hears == 'angle' else sigma / (sigma + 1)

	def sigma(self, timestep: Tensor) -> Tensor:
		"""The inverse of `timestep`; where the network hears shares, as ComfyUI has it, that of the logarithm."""
		time = torch.as_tensor(timestep).float()
		return (time * math.pi / 2).tan() if self.hears == 'angle' else (time * 4).exp()

	def at(self, percent: float) -> float:
		"""By even steps in log sigma."""
		if percent <= 0:
			return ABOVE_ALL
		if percent >= 1:
			return 0.0
		low, high = math.log(self.low), math.log(self.high)
		return math.exp((high - low) * (1 - percent) + low)

	def scaled(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""Unit variance, about; a velocity's network sees the mixture with a share of clean."""
		sigma = _wide(sigma, x)
		return x / (sigma + 1) if self.meaning == 'flow' else x / (sigma**2 + self.data**2).sqrt()

	def denoised(self, x: Tensor, said: Tensor, sigma: Tensor) -> Tensor:
		"""See `meaning`."""
		sigma = _wide(sigma, x)
		if self.meaning == 'flow':
			return (x - said * sigma) / (sigma + 1)
		if self.meaning == 'epsilon':
			return x - said * sigma
		total = sigma**2 + self.data**2
		turned = said if self.meaning == 'edm' else -said
		return x * self.data**2 / total + turned * sigma * self.data / total.sqrt()

	def noised(self, clean: Tensor, noise: Tensor, sigma: Tensor, *, full: bool) -> Tensor:
		"""At the start of the whole way the noise has the size of signal and noise together."""
		return clean + noise * ((sigma**2 + 1).sqrt() if full and self.meaning != 'flow' else sigma)

	def restored(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""As it is."""
		return x


@dataclass(frozen=True, eq=False)
class Consistency:
	"""A latent consistency model's levels: those 50 of a table that it was distilled at (Luo et al. 2023)."""

	table: Discrete

	@property
	def sigmas(self) -> Tensor:
		"""float32 [50], ascending."""
		return self._levels.sigmas

	@cached_property
	def _levels(self) -> Discrete:
		return Discrete(self.table.sigmas[self._stride - 1 :: self._stride], self.table.prediction)

	@property
	def _stride(self) -> int:
		return len(self.table.sigmas) // LCM_STEPS

	def timestep(self, sigma: Tensor) -> Tensor:
		"""The training step of the nearest level."""
		return self._levels.timestep(sigma) * self._stride + self._stride - 1

	def sigma(self, timestep: Tensor) -> Tensor:
		"""Between two levels, log sigma is interpolated."""
		return self._levels.sigma((torch.as_tensor(timestep).float() - (self._stride - 1)) / self._stride)

	def at(self, percent: float) -> float:
		"""By training steps."""
		if percent <= 0:
			return ABOVE_ALL
		return 0.0 if percent >= 1 else float(self.sigma(torch.tensor((1 - percent) * (len(self.table.sigmas) - 1))))

	def scaled(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""As the table's."""
		return self.table.scaled(x, sigma)

	def denoised(self, x: Tensor, said: Tensor, sigma: Tensor) -> Tensor:
		"""The guess from the noise, mixed with x by the timestep, so that it is x itself at timestep 0."""
		time = _wide(self.timestep(sigma), x) * LCM_SCALE
		share = LCM_DATA**2 / (time**2 + LCM_DATA**2)
		return time / (time**2 + LCM_DATA**2).sqrt() * (x - said * _wide(sigma, x)) + share * x

	def noised(self, clean: Tensor, noise: Tensor, sigma: Tensor, *, full: bool) -> Tensor:
		"""As the table's."""
		return self.table.noised(clean, noise, sigma, full=full)

	def restored(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""As it is."""
		return x


@dataclass(frozen=True, eq=False)
class Direct(Discrete):
	"""A network that takes x as it is and says the clean latent."""

	def scaled(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""As it is."""
		return x


def discrete_levels(sampling: str, *, zero_terminal: bool) -> Parametrisation:
	"""Levels of Stable Diffusion's table by what the network says: `eps`, `v_prediction`, `lcm`, `x0` or `img_to_img`."""
	sigmas = training_sigmas(steps=LEVELS, beta_start=0.00085, beta_end=0.012, zero_terminal=zero_terminal)
	made: dict[str, Callable[[], Parametrisation]] = {
		'eps': lambda: Discrete(sigmas, 'epsilon'),
		'v_prediction': lambda: Discrete(sigmas, 'v_prediction'),
		'lcm': lambda: Consistency(Discrete(sigmas, 'epsilon')),
		'x0': lambda: Discrete(sigmas, 'sample'),
		'img_to_img': lambda: Direct(sigmas, 'sample'),
	}
	return made[sampling]()


def _wide(sigma: Tensor, x: Tensor) -> Tensor:
	"""[batch] or [] in a shape that multiplies x."""
	return sigma.reshape(-1, *[1] * (x.dim() - 1)) if sigma.dim() else sigma
