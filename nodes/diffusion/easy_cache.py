"""EasyCache: steps at which a model adds to its input what it added before (Zhou et al. 2025, "Less is Enough").

How much the answer changes follows how much the input changes. What the answer would have changed since it was computed is
summed up, relative to its size; it is computed again when the sum reaches a threshold. All is told from some of the values.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from nodes.diffusion.guidance import Guided
from nodes.diffusion.networks import Network
from nodes.diffusion.parametrisation import Parametrisation
from nodes.diffusion.step_cache import OfRun, mark_of
from nodes.values import ModelInputs

log = logging.getLogger(__name__)

SPARSE = 8
"""One value of so many is looked at, along each side."""


class Changes:
	"""How much an answer has changed since it was computed, as foretold by how much its input has.

	`name` is told with each decision, if it is not empty.
	"""

	def __init__(self, threshold: float, name: str = '') -> None:
		self._threshold, self._name = threshold, name
		self._heard: Tensor | None = None
		self._said: Tensor | None = None
		self._size = self._change = self._rate = 0.0
		self._sum = 0.0

	def few(self, heard: Tensor) -> bool:
		"""Whether the answer to this input need not be computed."""
		seen = _sparse(heard)
		if self._heard is None or seen.shape != self._heard.shape:
			return False
		self._change = float((seen - self._heard).abs().mean())
		if not self._rate or not self._size:
			return False
		self._sum += self._rate * self._change / self._size
		few = self._sum < self._threshold
		if self._name:
			log.info('%s: changed by %.4f of %g: %s.', self._name, self._sum, self._threshold, _DONE[few])
		if not few:
			self._sum = 0.0
		return few

	def computed(self, heard: Tensor, said: Tensor, whole: Tensor) -> None:
		"""Keep an answer that was computed; its size is that of `whole`."""
		seen = _sparse(said)
		if self._said is not None and self._said.shape == seen.shape and self._change:
			self._rate = float((seen - self._said).abs().mean()) / self._change
		self._heard, self._said, self._change = _sparse(heard).clone(), seen.clone(), 0.0
		self._size = float(whole.abs().mean())


_DONE = {True: 'left out', False: 'computed'}


class EasySteps(OfRun):
	"""A network that is left out at some looks: a `Network`.

	The first prompts that are looked at decide for all of a look. It is always computed above the timestep `first` and
	from `last` on.
	"""

	def __init__(self, network: Network, changes: Callable[[], Changes], first: float, last: float) -> None:
		super().__init__(network)
		self._new, self._first, self._last = changes, first, last
		self._changes = changes()
		self._leader: object | None = None
		self._few = False
		self._added: dict[tuple[int, torch.Size], tuple[object, Tensor]] = {}

	def around(self, module: torch.nn.Module) -> EasySteps:
		"""See `Network`. It has kept nothing yet."""
		return EasySteps(self.exact.around(module), self._new, self._first, self._last)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`."""
		now = float(timestep.reshape(-1)[0])
		if now <= self._last:
			return self.exact(x, timestep, inputs)
		mark = mark_of(inputs)
		leads = self._leader is None or self._leader is mark
		one = slice(-(len(x) // inputs.prompts), None)  # those of the last prompt
		if leads:
			self._leader = mark
			self._few = now <= self._first and self._changes.few(x[one])
		key = (id(mark), x.shape)
		if self._few and key in self._added:
			return x + self._added[key][1]
		said = self.exact(x, timestep, inputs)
		if said.shape == x.shape:
			self._added[key] = (mark, said - x)
			if leads:
				self._changes.computed(x[one], said[one], said)
		return said


class LazySteps:
	"""A steered model that is left out at some looks, in all: a `Guided`. It is always computed above `high`, and up to `low`."""

	def __init__(self, guided: Guided, changes: Changes, high: float, low: float) -> None:
		self._guided, self._changes, self._high, self._low = guided, changes, high, low
		self._added: tuple[Tensor, ...] = ()

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""See `Guided`."""
		return self._guesses(x, sigma, 1, lambda: (self._guided(x, sigma),))[0]

	def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
		"""See `Guided`."""
		guided, unguided = self._guesses(x, sigma, 2, lambda: self._guided.apart(x, sigma))
		return guided, unguided

	def _guesses(
		self, x: Tensor, sigma: Tensor, count: int, look: Callable[[], tuple[Tensor, ...]]
	) -> tuple[Tensor, ...]:
		now = float(sigma)
		if now <= self._low:
			return look()
		if now <= self._high and len(self._added) >= count and self._changes.few(x):
			return tuple(x + added for added in self._added[:count])
		guesses = look()
		self._added = tuple(guess - x for guess in guesses)
		self._changes.computed(x, guesses[0], guesses[0])
		return guesses


def with_easy_steps(model: Any, threshold: float, start: float, end: float, *, verbose: bool) -> Any:
	"""A model (a `Denoiser`) whose network is left out at some steps between two parts of the way."""

	def begin(model: Any) -> Any:
		first, last = _window(model.parametrisation, start, end, lambda levels, sigma: float(levels.timestep(sigma)))
		name = 'EasyCache' if verbose else ''
		return replace(model, network=EasySteps(model.network, lambda: Changes(threshold, name), first, last))

	return replace(model, hooks=replace(model.hooks, run=(*model.hooks.run, begin)))


def with_lazy_steps(model: Any, threshold: float, start: float, end: float, *, verbose: bool) -> Any:
	"""A model (a `Denoiser`) that is left out at some steps between two parts of the way, guidance and all."""

	def around(guided: Guided, levels: Parametrisation) -> Guided:
		high, low = _window(levels, start, end, lambda levels, sigma: float(sigma))
		return LazySteps(guided, Changes(threshold, 'LazyCache' if verbose else ''), high, low)

	return replace(model, hooks=replace(model.hooks, around=(*model.hooks.around, around)))


def _window(
	levels: Parametrisation, start: float, end: float, told: Callable[[Parametrisation, Tensor], float]
) -> tuple[float, float]:
	"""The bounds between two parts of the way, in what is told of a sigma."""
	first = told(levels, torch.tensor(levels.at(start))) if start > 0 else math.inf
	last = told(levels, torch.tensor(levels.at(end))) if end < 1 else -math.inf
	return first, last


def _sparse(values: Tensor) -> Tensor:
	return values[..., ::SPARSE, ::SPARSE]
