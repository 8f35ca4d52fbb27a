"""What a network's answer means: which noise levels it was trained on, and how its answer leads to the clean latent.

Noise is counted in sigmas. For diffusion (`Discrete`) x = clean + sigma · noise, sigma from near 0 to about 15 or more
(Karras et al. 2022); for rectified flow (`Flow`) x = (1 − sigma) · clean + sigma · noise, sigma from 0 to 1 (Lipman et
al. 2023; Liu et al. 2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor

from engine.errors import UnknownFamily

Prediction = Literal['epsilon', 'v_prediction', 'sample']

LAST_ALPHA_BAR = 4.8973451890853435e-08
"""What stands for the zero of a zero-terminal-SNR schedule, so that its greatest sigma is finite (about 4518.76)."""


class Parametrisation(Protocol):
	"""What samplers and networks need to know of noise levels. Sigmas are tensors [batch] or without dimensions."""

	@property
	def sigmas(self) -> Tensor:
		"""The training sigmas, float32 [levels], ascending."""
		...

	def timestep(self, sigma: Tensor) -> Tensor:
		"""What the network is told of a sigma."""
		...

	def sigma(self, timestep: Tensor) -> Tensor:
		"""The sigma of a (fractional) timestep."""
		...

	def at(self, percent: float) -> float:
		"""The sigma at a part of the way: 0 is the start, above every sigma; 1 is the end, 0."""
		...

	def scaled(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""x as the network wants it."""
		...

	def denoised(self, x: Tensor, said: Tensor, sigma: Tensor) -> Tensor:
		"""The clean latent as guessed from x, and from what the network said of it."""
		...

	def noised(self, clean: Tensor, noise: Tensor, sigma: Tensor, *, full: bool) -> Tensor:
		"""A clean latent with noise of this level; `full` says that sigma is where the whole way begins."""
		...

	def restored(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""A latent that sampling left at a sigma, in the scale of clean ones."""
		...


@dataclass(frozen=True, eq=False)
class Discrete:
	"""Diffusion over a table of training steps.

	`prediction` is what the network says: the noise; v = alpha · noise − sigma · clean (Salimans and Ho 2022); or the
	clean latent itself. `sigmas` is float32 [steps], ascending.
	"""

	sigmas: Tensor
	prediction: Prediction = 'epsilon'

	@cached_property
	def _logs(self) -> Tensor:
		return self.sigmas.log()

	def timestep(self, sigma: Tensor) -> Tensor:
		"""The training step nearest in log sigma, int64 in the shape of `sigma`."""
		return (sigma.log()[..., None] - self._logs).abs().argmin(dim=-1)

	def sigma(self, timestep: Tensor) -> Tensor:
		"""Between two steps, log sigma is interpolated."""
		step = timestep.float().clamp(0, len(self.sigmas) - 1)
		low, high = step.floor().long(), step.ceil().long()
		part = step.frac()
		return ((1 - part) * self._logs[low] + part * self._logs[high]).exp()

	def at(self, percent: float) -> float:
		"""By training steps: half of the way is the sigma of step 499.5."""
		if percent <= 0:
			return 999999999.9
		if percent >= 1:
			return 0.0
		return float(self.sigma(torch.tensor((1 - percent) * (len(self.sigmas) - 1))))

	def scaled(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""x / √(sigma² + 1): unit variance, about."""
		return x / (_wide(sigma, x) ** 2 + 1).sqrt()

	def denoised(self, x: Tensor, said: Tensor, sigma: Tensor) -> Tensor:
		"""See `prediction`."""
		sigma = _wide(sigma, x)
		if self.prediction == 'v_prediction':
			total = sigma**2 + 1
			return x / total - said * sigma / total.sqrt()
		return said if self.prediction == 'sample' else x - said * sigma

	def noised(self, clean: Tensor, noise: Tensor, sigma: Tensor, *, full: bool) -> Tensor:
		"""At the start of the whole way the noise has the size of signal and noise together."""
		return clean + noise * ((sigma**2 + 1).sqrt() if full else sigma)

	def restored(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""As it is."""
		return x


@dataclass(frozen=True, eq=False)
class Flow:
	"""Rectified flow: the network says noise − clean.

	`shift` moves the levels towards noise: sigma = shift · t / (1 + (shift − 1) · t), t from 0 to 1 (Esser et al. 2024,
	"Scaling Rectified Flow Transformers", section 5.3.2); with `exponential` the factor is e^shift instead (Flux). The
	network hears sigma times `multiplier`; the table has `steps` levels.
	"""

	shift: float = 1.0
	multiplier: float = 1000.0
	exponential: bool = False
	steps: int = 1000

	@cached_property
	def sigmas(self) -> Tensor:
		"""float32 [steps], ascending, the last being 1."""
		return self._shifted(torch.arange(1, self.steps + 1, dtype=torch.float32) / self.steps)

	def timestep(self, sigma: Tensor) -> Tensor:
		"""sigma · multiplier."""
		return sigma * self.multiplier

	def sigma(self, timestep: Tensor) -> Tensor:
		"""The shifted sigma of t = timestep / multiplier."""
		return self._shifted(timestep / self.multiplier)

	def at(self, percent: float) -> float:
		"""By unshifted time."""
		if percent <= 0:
			return 1.0
		if percent >= 1:
			return 0.0
		return float(self._shifted(torch.tensor(1.0 - percent)))

	def scaled(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""As it is."""
		return x

	def denoised(self, x: Tensor, said: Tensor, sigma: Tensor) -> Tensor:
		"""x − sigma · said."""
		return x - said * _wide(sigma, x)

	def noised(self, clean: Tensor, noise: Tensor, sigma: Tensor, *, full: bool) -> Tensor:
		"""(1 − sigma) · clean + sigma · noise."""
		return sigma * noise + (1 - sigma) * clean

	def restored(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""x / (1 − sigma)."""
		return x / (1 - sigma)

	def _shifted(self, time: Tensor) -> Tensor:
		factor = torch.tensor(self.shift).exp() if self.exponential else torch.tensor(self.shift)
		return factor * time / (1 + (factor - 1) * time)


def discrete(scheduler: Mapping[str, Any], title: str) -> Discrete:
	"""The parametrisation of a scheduler's config, as diffusers writes it. Raises `UnknownFamily`."""
	prediction, betas = scheduler['prediction_type'], scheduler['beta_schedule']
	if betas != 'scaled_linear' or prediction not in get_args(Prediction):
		raise UnknownFamily(
			f'{title} was trained in a way that is not known: {betas} betas, prediction of {prediction}.'
		)
	sigmas = training_sigmas(
		steps=scheduler['num_train_timesteps'],
		beta_start=scheduler['beta_start'],
		beta_end=scheduler['beta_end'],
		zero_terminal=scheduler['rescale_betas_zero_snr'],
	)
	return Discrete(sigmas, prediction)


def training_sigmas(*, steps: int, beta_start: float, beta_end: float, zero_terminal: bool) -> Tensor:
	"""The sigmas of the scaled-linear schedule, float32 [steps], ascending.

	The square root of beta rises linearly (Rombach et al. 2022); sigma² = (1 − ᾱ) / ᾱ. With `zero_terminal`, √ᾱ is
	shifted and stretched so that the last one is nothing but noise and the first is kept (Lin et al. 2023, "Common
	Diffusion Noise Schedules and Sample Steps are Flawed", algorithm 1); `LAST_ALPHA_BAR` stands for its zero.
	"""
	betas = torch.linspace(beta_start**0.5, beta_end**0.5, steps, dtype=torch.float64) ** 2
	alpha_bar = (1 - betas).cumprod(dim=0)
	if zero_terminal:
		root = alpha_bar.sqrt()
		alpha_bar = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
		alpha_bar[-1] = LAST_ALPHA_BAR
	return ((1 - alpha_bar) / alpha_bar).sqrt().float()


def _wide(sigma: Tensor, x: Tensor) -> Tensor:
	"""[batch] or [] in a shape that multiplies x."""
	return sigma.reshape(-1, *[1] * (x.dim() - 1)) if sigma.dim() else sigma
