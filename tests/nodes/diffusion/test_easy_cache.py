"""EasyCache and LazyCache: which looks are left out, and what stands for them."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import Tensor

from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.easy_cache import Changes, EasySteps, LazySteps, with_easy_steps, with_lazy_steps
from nodes.diffusion.networks import Network
from nodes.diffusion.sample import sample
from nodes.diffusion.step_cache import exact
from nodes.diffusion.text.towers import Towers
from nodes.values import NO_SCENE, Latent, ModelInputs, Prompt, Scene
from tests.nodes.diffusion.test_step_cache import counted, run

X = torch.ones(1, 4, 16, 16)


class Doubling:
	"""A network that says twice what it hears, and counts."""

	module = torch.nn.Linear(1, 1)

	def __init__(self) -> None:
		self.calls = 0

	def around(self, module: torch.nn.Module) -> Doubling:
		return self

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		return ModelInputs(prompt.embedding)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		self.calls += 1
		return x * 2


def told(mark: object, prompts: int = 1) -> ModelInputs:
	"""What a look hears; each time other tensors, as where they are brought to a device."""
	return ModelInputs(torch.zeros(prompts, 1, 1), prompts=prompts, mark=mark)


def easy(network: Network, threshold: float, first: float = math.inf, last: float = -math.inf) -> EasySteps:
	return EasySteps(network, partial(Changes, threshold), first, last)


class TestChanges:
	def test_they_are_summed_up_until_the_threshold(self) -> None:
		"""The answer changes twice as much as its input, relative to its size; the change is counted from what was computed."""
		changes = Changes(0.3)
		found = []
		for factor in (1.0, 1.1, 1.15, 1.2, 1.25, 1.3):
			x = X * factor
			few = changes.few(x)
			if not few:
				changes.computed(x, 2 * x, 2 * x)
			found.append(few)

		# From 1.1 on: 0.05 / 1.1, and 0.1 / 1.1 more, and 0.15 / 1.1 more, which makes 0.27; then too much.
		assert found == [False, False, True, True, True, False]

	def test_what_does_not_change_costs_nothing(self) -> None:
		"""Equal input has an equal answer, once it is known how answers change."""
		changes = Changes(1e-6)
		for factor in (1.0, 2.0):
			assert not changes.few(X * factor)
			changes.computed(X * factor, X * factor, X)

		assert all(changes.few(X * 2) for _ in range(3))

	def test_another_size_is_begun_anew(self) -> None:
		"""Of a latent that grows."""
		changes = Changes(100.0)
		for factor in (1.0, 2.0):
			changes.few(X * factor)
			changes.computed(X * factor, X * factor, X)

		assert not changes.few(torch.ones(1, 4, 32, 32))

	def test_decisions_are_told(self, caplog: pytest.LogCaptureFixture) -> None:
		"""If they have a name."""
		with caplog.at_level(logging.INFO):
			for name in ('', 'EasyCache'):
				changes = Changes(0.5, name)
				for factor in (1.0, 1.1, 1.2):
					changes.few(X * factor)
					changes.computed(X * factor, X * factor, X)

		assert caplog.messages == ['EasyCache: changed by 0.1000 of 0.5: left out.']


class TestEasySteps:
	def test_a_step_left_out_adds_what_was_added(self) -> None:
		"""Not what was said: the input has moved."""
		network = Doubling()
		made, mark = easy(network, 100.0), object()
		for factor in (1.0, 2.0):
			made(X * factor, torch.tensor([5]), told(mark))

		assert torch.equal(made(X * 3, torch.tensor([5]), told(mark)), X * 3 + X * 2)
		assert network.calls == 2

	def test_all_is_computed_outside_of_the_window(self) -> None:
		"""Above its first timestep, and from its last one on."""
		network = Doubling()
		made, mark = easy(network, 100.0, first=600, last=100), object()
		for timestep in (900, 700, 600, 500, 400, 101, 100, 50):
			made(X * (1 + timestep / 1000), torch.tensor([timestep]), told(mark))

		# 600 tells how answers change; 500, 400 and 101 are left out.
		assert network.calls == 5

	def test_the_first_prompts_decide_for_all(self) -> None:
		"""Others, in a look of their own, follow; those that are new are computed."""
		network = Doubling()
		made = easy(network, 100.0)
		first, second = object(), object()
		for factor in (1.0, 2.0):
			for mark in (first, second):
				made(X * factor, torch.tensor([5]), told(mark))
		calls = network.calls
		for mark in (first, second):
			made(X * 50, torch.tensor([5]), told(mark))

		assert network.calls == calls == 4
		made(X, torch.tensor([5]), told(object()))
		assert network.calls == 5

	def test_the_last_prompt_of_a_batch_is_looked_at(self) -> None:
		"""That is the unwanted one; prompts of a batch see the same latents, so this alone would do."""
		made, mark = easy(Doubling(), 0.01), object()
		for factor in (1.0, 2.0):
			made(torch.cat([X * factor, X]), torch.tensor([5, 5]), told(mark, 2))
		still = made(torch.cat([X * 9, X]), torch.tensor([5, 5]), told(mark, 2))

		assert not torch.equal(still, torch.cat([X * 9, X]) + torch.cat([X * 2, X]))


@dataclass(eq=False)
class Halving:
	"""A steered model whose guesses are parts of x."""

	looks: int = 0

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
		self.looks += 1
		return x * 0.5

	def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
		self.looks += 1
		return x * 0.5, x * 0.25


class TestLazySteps:
	def test_guesses_move_along_with_x(self) -> None:
		"""Both of them."""
		guided = Halving()
		made = LazySteps(guided, Changes(100.0), math.inf, -math.inf)
		for factor in (1.0, 2.0):
			made.apart(X * factor, torch.tensor(1.0))

		assert torch.equal(made(X * 3, torch.tensor(1.0)), X * 2)
		assert torch.equal(made.apart(X * 3, torch.tensor(1.0))[1], X * 1.5)
		assert guided.looks == 2

	def test_a_guess_that_is_not_known_is_computed(self) -> None:
		"""The unguided one, where only the guided one was asked for."""
		guided = Halving()
		made = LazySteps(guided, Changes(100.0), math.inf, -math.inf)
		for factor in (1.0, 2.0):
			made(X * factor, torch.tensor(1.0))
		made.apart(X * 3, torch.tensor(1.0))

		assert guided.looks == 3

	def test_all_is_computed_outside_of_the_window(self) -> None:
		"""Above its first sigma, and from its last one on."""
		guided = Halving()
		made = LazySteps(guided, Changes(100.0), 6.0, 1.0)
		for sigma in (9.0, 7.0, 6.0, 5.0, 4.0, 1.0, 0.5):
			made(X * (1 + sigma), torch.tensor(sigma))

		assert guided.looks == 5


WAYS = pytest.mark.parametrize('way', [with_easy_steps, with_lazy_steps], ids=['easy', 'lazy'])
Way = Callable[..., Denoiser]


class TestRuns:
	@WAYS
	def test_two_runs_are_alike_and_cost_less(self, way: Way, denoiser: Denoiser, text: Towers) -> None:
		"""To the last bit: each run begins with nothing kept."""
		plain = run(denoiser, text)
		changed = way(denoiser, 0.5, 0.1, 0.95, verbose=False)
		with counted(denoiser.network.module) as called:
			run(denoiser, text)
			whole = len(called)
			first = run(changed, text)

		assert not torch.equal(first, plain)
		assert torch.equal(run(changed, text), first)
		assert len(called) - whole < 0.9 * whole
		assert torch.equal(run(denoiser, text), plain)

	@WAYS
	def test_an_empty_window_changes_nothing(self, way: Way, denoiser: Denoiser, text: Towers) -> None:
		"""Where all is computed."""
		assert torch.equal(run(way(denoiser, 3.0, 1.0, 1.0, verbose=False), text), run(denoiser, text))

	@WAYS
	def test_guesses_apart_can_be_left_out(self, way: Way, denoiser: Denoiser, text: Towers) -> None:
		"""A sampler of CFG++ runs with it."""
		latent = sample(
			way(denoiser, 3.0, 0.0, 1.0, verbose=False),
			seed=1,
			steps=6,
			cfg=2.0,
			sampler='euler_cfg_pp',
			scheduler='normal',
			positive=text.encode('a red cat'),
			negative=text.encode('dog'),
			latent=Latent(torch.zeros(1, 4, 8, 8)),
		)

		assert bool(latent.isfinite().all())

	def test_guesses_on_the_side_are_of_the_whole_network(self, denoiser: Denoiser) -> None:
		"""Whatever stands around it, one in another."""
		once = with_easy_steps(with_easy_steps(denoiser, 1.0, 0.0, 1.0, verbose=False), 1.0, 0.0, 1.0, verbose=False)
		model = once
		for begin in once.hooks.run:
			model = begin(model)

		assert exact(model.network) is denoiser.network
