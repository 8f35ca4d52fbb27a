"""What sampling costs besides the network: `python -m tests.benchmarks.sampling`.

Two figures, each a ratio or a difference within one run, so that other work on the machine counts on both sides:
the time of a step of Euler on 64 × 64 latents without a network, and how much longer a whole run of 20 steps takes than
its calls of a network do. Exits with 1 if a bound is missed.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nodes.diffusion.hooks import NO_HOOKS, Hooks
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.parametrisation import Discrete, training_sigmas
from nodes.diffusion.sample import sample
from nodes.values import NO_SCENE, Conditioning, Latent, ModelInputs, Prompt, Scene

STEPS = 20
RUNS = 9
STEP_BOUND = 1e-3
RATIO_BOUND = 1.05
WORK = 256
"""Side of the matrices that the stand-in for a network multiplies."""


@dataclass(eq=False)
class Timed:
	"""A `DiffusionModel` that counts the seconds of its calls; `work` is how many products of matrices one takes."""

	work: int
	seconds: float = 0.0
	family: str = 'none'
	nbytes: int = 0
	hooks: Hooks = NO_HOOKS
	latents: LatentFormat = field(default_factory=lambda: LatentFormat(channels=4, scale=0.18215))
	parametrisation: Discrete = field(
		default_factory=lambda: Discrete(
			training_sigmas(steps=1000, beta_start=0.00085, beta_end=0.012, zero_terminal=False)
		)
	)

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""The embedding."""
		return ModelInputs(prompt.embedding)

	def denoise(self, x: Tensor, sigma: Tensor, inputs: ModelInputs) -> Tensor:
		"""Some work, and x made smaller."""
		began = time.perf_counter()
		matrix = torch.ones(WORK, WORK)
		for _ in range(self.work):
			matrix = matrix @ matrix / WORK
		made = x * matrix[0, 0] / (1 + sigma[0])
		self.seconds += time.perf_counter() - began
		return made


def run(model: Timed) -> float:
	"""The seconds of a run of 20 steps of Euler, with guidance."""
	positive, negative = (Conditioning((Prompt(torch.full((1, 77, 768), value)),)) for value in (0.0, 1.0))
	began = time.perf_counter()
	sample(
		model,
		seed=1,
		steps=STEPS,
		cfg=5.0,
		sampler='euler',
		scheduler='karras',
		positive=positive,
		negative=negative,
		latent=Latent(torch.zeros(1, 4, 64, 64)),
	)
	return time.perf_counter() - began


def main() -> int:
	"""Measure, tell, and say whether all bounds hold."""
	torch.set_num_threads(1)
	run(Timed(1))
	bare: list[float] = []
	ratios: list[float] = []
	for _ in range(RUNS):
		idle = Timed(0)
		bare.append((run(idle) - idle.seconds) / STEPS)
		busy = Timed(40)
		ratios.append(run(busy) / busy.seconds)
	step, ratio = statistics.median(bare), statistics.median(ratios)
	print(f'a step without the network: {step * 1e3:.3f} ms (bound {STEP_BOUND * 1e3:.0f} ms)')
	print(f'a run of {STEPS} steps: {ratio:.3f} × its calls of the network (bound {RATIO_BOUND})')
	return int(step > STEP_BOUND or ratio > RATIO_BOUND)


if __name__ == '__main__':
	sys.exit(main())
