"""What samplers are handed, and the arithmetic of noise levels that they share.

A sampler takes a `Task`, x, float32 [batch, channels, …] at sigmas[0], and the sigmas, float32 [steps + 1]. It gives x at
sigmas[-1]. Whatever else it takes has a default and is what its node offers. None changes a tensor that is not its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from nodes.diffusion.noise import Between
from nodes.diffusion.parametrisation import Flow, Parametrisation

StepDone = Callable[[int, Tensor], None]
"""Called after each step with the steps done and the guess of the clean latent that it went by."""

NEARLY_ALL_NOISE = 1e-4
"""The part of the way at which flow samplers that work in log SNR start: pure noise has none."""


class Denoise(Protocol):
	"""The clean latent as guessed from x [batch, channels, …] at one sigma (a tensor without dimensions)."""

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor: ...


class DenoiseApart(Protocol):
	"""The guided guess, and the one that guidance leads away from, which CFG++ needs (Chung et al. 2024)."""

	def __call__(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]: ...


@dataclass(frozen=True, eq=False)
class Task:
	"""What a sampler works with.

	`noise` gives fresh unit noise in the shape of x; `later` unit noise in the shape of what it is called with, drawn
	after that of the start, by the same generator. `brownian` is called with (least sigma above 0, greatest sigma), and
	whether the noise is to be drawn on the CPU, and gives unit noise between two sigmas.
	"""

	denoise: Denoise
	apart: DenoiseApart
	levels: Parametrisation
	noise: Callable[[], Tensor]
	brownian: Callable[[Tensor, Tensor, bool], Between]
	on_step: StepDone
	later: Callable[[Tensor], Tensor] = torch.randn_like

	@property
	def flow(self) -> bool:
		"""Whether x is (1 − sigma) · clean + sigma · noise."""
		return isinstance(self.levels, Flow)

	def between(self, sigmas: Tensor, *, cpu: bool) -> Between:
		"""Unit noise between any two sigmas of a run, so that more steps refine the same path."""
		return self.brownian(sigmas[sigmas > 0].min(), sigmas.max(), cpu)

	def half_log_snr(self, sigma: Tensor) -> Tensor:
		"""log(alpha / sigma): −log sigma, and for flow log((1 − sigma) / sigma)."""
		return -sigma.logit() if self.flow else -sigma.log()

	def sigma_at(self, half_log_snr: Tensor) -> Tensor:
		"""The sigma of a half log SNR."""
		return (-half_log_snr).sigmoid() if self.flow else (-half_log_snr).exp()

	def alpha(self, sigma: Tensor) -> Tensor:
		"""The share of the clean latent: 1, and for flow 1 − sigma, by way of the half log SNR."""
		return sigma * self.half_log_snr(sigma).exp()

	def with_finite_snr(self, sigmas: Tensor) -> Tensor:
		"""The sigmas; for flow with a first one just below 1, where log SNR is finite."""
		if len(sigmas) < 2 or not self.flow or sigmas[0] < 1:
			return sigmas
		return torch.cat([sigmas.new_tensor([self.levels.at(NEARLY_ALL_NOISE)]), sigmas[1:]])


class Sampler(Protocol):
	"""What all samplers look like, their options aside."""

	def __call__(self, task: Task, x: Tensor, sigmas: Tensor, /) -> Tensor: ...


def slope(x: Tensor, denoised: Tensor, sigma: Tensor) -> Tensor:
	"""dx / dsigma of the probability-flow ODE (Karras et al. 2022, equation 3)."""
	return (x - denoised) / sigma


def ancestral(sigma: Tensor, lower: Tensor, eta: float) -> tuple[Tensor, Tensor]:
	"""Where to step down to, and how much noise to add after it, to be at `lower`; eta 1 is DDPM's (Ho et al. 2020)."""
	if not eta:
		return lower, lower.new_zeros(())
	# Not torch.minimum: from an infinite sigma the second is no number, and all of `lower` is noise.
	up = min(lower, eta * (lower**2 * (sigma**2 - lower**2) / sigma**2).sqrt())
	return (lower**2 - up**2).sqrt(), up


def ancestral_flow(sigma: Tensor, lower: Tensor, eta: float) -> tuple[Tensor, Tensor, Tensor]:
	"""The same for flow: the sigma to step down to, then what x is multiplied by, and how much noise is added.

	The step goes further down by `eta` of its ratio; multiplying brings the clean share back to 1 − lower.
	"""
	down = lower * (1 + (lower / sigma - 1) * eta)
	scale = (1 - lower) / (1 - down)
	return down, scale, (lower**2 - down**2 * scale**2).sqrt()
