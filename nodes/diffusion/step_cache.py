"""Step caches: looks at which most of a network is not computed, since it would say almost what it said before.

What is kept lives for one run, apart for each batch of prompts. The network's module is shared with others: forward
functions stand in for those of its blocks during a look, and are gone after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor

from nodes.diffusion.networks import Network
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene

Forward = Callable[..., Any]


class Memory(Protocol):
	"""What is kept between the looks at one batch of prompts."""

	def stand_ins(self) -> Iterator[tuple[torch.nn.Module, Forward]]:
		"""Modules, each with what is to be called instead of its `forward`."""
		...


Remember = Callable[[torch.nn.Module], Memory]
"""Begins to keep what is needed of a network's module."""


class OfRun:
	"""A network during one run of a sampler, which keeps something of its earlier looks; `exact` is it without that."""

	def __init__(self, network: Network) -> None:
		self.exact = network

	@property
	def module(self) -> torch.nn.Module:
		"""Where its weights are."""
		return self.exact.module

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""See `Network`."""
		return self.exact.inputs(prompt, latent, scene)


class StepCached(OfRun):
	"""One whose parts are left out at some looks: a `Network`."""

	def __init__(self, network: Network, remember: Remember) -> None:
		super().__init__(network)
		self._remember = remember
		self._memories: dict[tuple[int, torch.Size], tuple[object, Memory]] = {}

	def around(self, module: torch.nn.Module) -> StepCached:
		"""See `Network`. It has kept nothing yet."""
		return StepCached(self.exact.around(module), self._remember)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`."""
		with _standing_in(self._memory(x, inputs)):
			return self.exact(x, timestep, inputs)

	def _memory(self, x: Tensor, inputs: ModelInputs) -> Memory:
		mark = mark_of(inputs)
		key = (id(mark), x.shape)
		if key not in self._memories:
			# The mark is kept so that its id stays its own.
			self._memories[key] = (mark, self._remember(self.module))
		return self._memories[key][1]


def mark_of(inputs: ModelInputs) -> object:
	"""What tells these prompts from others in a run: in a run, the prompts of a batch are laid together once."""
	return inputs.embedding if inputs.mark is None else inputs.mark


def cached(model: Any, remember: Remember) -> Any:
	"""A model (a `Denoiser`) whose looks are cached, anew in each run."""

	def begin(model: Any) -> Any:
		return replace(model, network=StepCached(model.network, remember))

	return replace(model, hooks=replace(model.hooks, run=(*model.hooks.run, begin)))


def exact(network: Network) -> Network:
	"""A network without its step cache, for looks that are not to be mixed up with those of the run."""
	while isinstance(network, OfRun):
		network = network.exact
	return network


@contextmanager
def _standing_in(memory: Memory) -> Iterator[None]:
	with ExitStack() as changed:
		for module, forward in memory.stand_ins():
			# Blocks that are compiled have one that stands in already.
			before = module.__dict__.get('forward')
			changed.callback(_put_back, module, before)
			module.__dict__['forward'] = forward
		yield


def _put_back(module: torch.nn.Module, forward: Forward | None) -> None:
	if forward is None:
		module.__dict__.pop('forward', None)
	else:
		module.__dict__['forward'] = forward
