"""Other ways to combine guesses than classifier-free guidance, and what may be done to the result: hooks of a model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from nodes.diffusion.altered import Altered, Attach
from nodes.diffusion.hooks import Look
from nodes.diffusion.parametrisation import Parametrisation
from nodes.diffusion.step_cache import exact

TINY = 1e-8
LEAST = 1e-12


@dataclass(frozen=True)
class Rescaled:
	"""Guidance whose result gets the spread of the wanted answer, by a part (Lin et al. 2023, section 3.4).

	Spreads are those of v-predictions, so answers are turned into such first.
	"""

	part: float

	def __call__(self, look: Look) -> Tensor:
		"""See `hooks.Combine`."""
		sigma = look.sigma
		clean = look.x / (sigma**2 + 1)
		root = (sigma**2 + 1).sqrt()
		wanted, unwanted = ((clean - guess) * root / sigma for guess in (look.wanted, look.unwanted))
		guided = unwanted + look.cfg * (wanted - unwanted)
		axes = tuple(range(1, guided.dim()))
		rescaled = guided * (wanted.std(dim=axes, keepdim=True) / guided.std(dim=axes, keepdim=True))
		found: Tensor = clean - torch.lerp(guided, rescaled, self.part) * sigma / root
		return found


@dataclass(frozen=True)
class NoLonger:
	"""At each place, a result that is no longer than the wanted guess, times a strength."""

	strength: float

	def __call__(self, look: Look, guided: Tensor) -> Tensor:
		"""See `hooks.After`."""
		wanted, length = (torch.linalg.vector_norm(value, dim=1, keepdim=True) for value in (look.wanted, guided))
		cut: Tensor = guided * (wanted / (length + TINY)).clamp(0, 1) * self.strength
		return cut


@dataclass(frozen=True)
class SameLength:
	"""Guidance whose answer is, at each place, as long as the wanted one, longer or shorter than it came out, by a part.

	Answers are differences from the noisy latent. 0 is plain guidance, and more than 1 goes beyond.
	"""

	part: float

	def __call__(self, look: Look) -> Tensor:
		"""See `hooks.Combine`."""
		wanted, unwanted = look.x - look.wanted, look.x - look.unwanted
		guided = unwanted + look.cfg * (wanted - unwanted)
		length, found = (torch.linalg.vector_norm(value, dim=1, keepdim=True) for value in (wanted, guided))
		# Where nothing came out, nothing is to be stretched.
		factor = torch.where(found > 0, length / found.clamp_min(LEAST), torch.ones_like(found))
		answer: Tensor = look.x - guided * (1 + (factor - 1) * self.part)
		return answer


@dataclass(frozen=True)
class ZeroStar:
	"""CFG-Zero*: guidance from the unwanted guess times what of the wanted answer the unwanted one explains.

	Source: Fan et al. 2025. Answers are differences from the noisy latent.
	"""

	def __call__(self, look: Look, guided: Tensor) -> Tensor:
		"""See `hooks.After`."""
		wanted, unwanted = ((look.x - guess).reshape(len(guess), -1) for guess in (look.wanted, look.unwanted))
		scale = (wanted * unwanted).sum(dim=1) / (unwanted.square().sum(dim=1) + TINY)
		return guided + look.unwanted * (look.cfg - 1) * (1 - scale.reshape(-1, *[1] * (look.x.dim() - 1)))


@dataclass(frozen=True)
class OtherStrength:
	"""Another strength of guidance between two sigmas."""

	cfg: float
	high: float
	low: float

	def __call__(self, look: Look) -> Look:
		"""See `hooks.Before`."""
		return replace(look, cfg=self.cfg) if self.low <= float(look.sigma) <= self.high else look


@dataclass(frozen=True)
class Differential:
	"""A mask of degrees: each place begins to change when the way left is no more than its degree (Levin, Fried 2023)."""

	strength: float = 1.0

	def __call__(self, mask: Tensor, sigma: Tensor, sigmas: Tensor, levels: Parametrisation) -> Tensor:
		"""See `hooks.MaskHook`."""
		end = torch.maximum(levels.sigmas[0], sigmas[-1])
		first, last, now = (levels.timestep(at).float() for at in (sigmas[0], end, sigma))
		free = (mask >= (now - last) / (first - last)).to(mask)
		return torch.lerp(mask, free, self.strength) if 0 < self.strength < 1 else free


@dataclass(frozen=True, eq=False)
class AwayFrom:
	"""Leads the result away from what a worse network guesses: one with parts left out.

	Used between two sigmas. With `rescaling` the result's spread is brought back to the wanted guess's, by that part.
	"""

	attach: Attach
	scale: float
	high: float = math.inf
	low: float = -math.inf
	rescaling: float = 0.0

	def __call__(self, look: Look, guided: Tensor) -> Tensor:
		"""See `hooks.After`."""
		if self.scale == 0 or not self.low <= float(look.sigma) <= self.high:
			return guided
		worse = look.again(_worse(look, self.attach))
		guided = guided + (look.wanted - worse) * self.scale
		if self.rescaling > 0:
			factor = look.wanted.std() / guided.std()
			guided = guided * (self.rescaling * factor + (1 - self.rescaling))
		return guided


@dataclass(frozen=True, eq=False)
class WorseUnwanted:
	"""Lets a worse network guess the unwanted side, between two sigmas."""

	attach: Attach
	high: float
	low: float

	def __call__(self, look: Look) -> Look:
		"""See `hooks.Before`."""
		if not self.low <= float(look.sigma) <= self.high:
			return look
		return replace(look, unwanted=look.again(_worse(look, self.attach), positive=False))


def _worse(look: Look, attach: Attach) -> Any:
	"""The model with parts left out; what it says is no guess of the run, so no step cache takes part."""
	return replace(look.model, network=Altered(exact(look.model.network), attach))
