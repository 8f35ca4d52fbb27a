"""What sampling costs besides the network: `python -m tests.benchmarks.sampling`.

Three figures, each a ratio or a difference within one run, so that other work on the machine counts on both sides:
the time of a step of Euler on 64 × 64 latents without a network, how much longer a whole run of 20 steps takes than
its calls of a network do, and what part of the processor's time live previews take beside a UNet of the size of Stable
Diffusion 1.5 (3.4 GB of memory) that makes 256 × 256 pixels. Exits with 1 if a bound is missed.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from engine.cancel import CancelToken
from engine.context import Context, JobInfo
from engine.events import NodePreview
from engine.models import Loaders
from engine.modelstore import ModelStore
from engine.settings import Settings
from engine.storage import Storage
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.families.sd1 import SD1
from nodes.diffusion.hooks import NO_HOOKS, Hooks
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.networks.unet import UNet
from nodes.diffusion.parametrisation import Discrete, training_sigmas
from nodes.diffusion.sample import sample
from nodes.room import watched
from nodes.values import NO_SCENE, Conditioning, Latent, ModelInputs, Prompt, Scene
from tests.benchmarks.full_size import SD15_UNET
from tests.tiny import make

STEPS = 20
RUNS = 9
FEW = 4
STEP_BOUND = 1e-3
RATIO_BOUND = 1.05
SHARE_BOUND = 0.01
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


def full_size() -> Denoiser:
	"""A UNet of Stable Diffusion 1.5 whose weights are all alike."""
	with torch.device('meta'):
		module = make(UNet2DConditionModel, SD15_UNET)
	module.to_empty(device='cpu')
	for weight in module.parameters():
		weight.requires_grad_(False).fill_(1e-3)
	return Denoiser(
		UNet(module, SD15_UNET | {'in_channels': 4}, SD1.latents), Timed(0).parametrisation, SD1.latents, 'sd1'
	)


def previews_share(model: Denoiser) -> tuple[float, int]:
	"""What part of the processor's time previews take, with guidance; and how many there were."""
	prompt = Conditioning((Prompt(torch.ones(1, 77, 768)),))
	shown: list[NodePreview] = []
	with TemporaryDirectory() as folder:
		storage = Storage.of(Settings(base=Path(folder)))
		context = Context(
			JobInfo('job', previews='latent2rgb'),
			'node',
			models=ModelStore(Loaders(), storage.catalogue.find, budget=0),
			storage=storage,
			cancel=CancelToken(),
			publish=lambda event: shown.append(event) if isinstance(event, NodePreview) else None,
		)
		whole, own = time.process_time(), time.thread_time()
		with watched(context, model) as on_step:
			sample(
				model,
				seed=1,
				steps=FEW,
				cfg=5.0,
				sampler='euler',
				scheduler='karras',
				positive=prompt,
				negative=Conditioning((Prompt(torch.zeros(1, 77, 768)),)),
				latent=Latent(torch.zeros(1, 4, 32, 32)),
				on_step=on_step,
			)
	# Torch has one thread: the others' time is that of previews.
	whole, own = time.process_time() - whole, time.thread_time() - own
	return (whole - own) / whole, len(shown)


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
	share, count = previews_share(full_size())
	print(f'previews beside a network of full size: {share:.2%} of the time, {count} of them (bound {SHARE_BOUND:.0%})')
	return int(step > STEP_BOUND or ratio > RATIO_BOUND or share > SHARE_BOUND or not count)


if __name__ == '__main__':
	sys.exit(main())
