"""Models that were distilled to few steps: LCM, Turbo, Lightning, Hyper; each as its users' graphs have it.

What a graph saves is held to steps taken by hand, with the network called directly and noise levels by formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler, LCMScheduler
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.graph import Graph
from engine.models import Load
from engine.settings import Settings
from nodes.diffusion.checkpoint import load_denoiser, load_text_encoder
from nodes.diffusion.continuous import discrete_levels
from nodes.diffusion.noise import fresh_noise, start_noise
from nodes.diffusion.sample import sigmas_for
from nodes.values import ModelInputs
from tests import tiny
from tests.nodes.conftest import Bench, link, make_graph

SEED = 5
SCALE = 0.18215
LAYER = 'mid_block.attentions.0.transformer_blocks.0.attn1.to_q'
CLEAN = torch.zeros(1, 4, 8, 8)
KEPT = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=np.float64) ** 2)
TABLE = np.sqrt((1 - KEPT) / KEPT)
"""Stable Diffusion's sigmas by training step: √((1 − ᾱ) / ᾱ), with roots of beta in even steps."""

Guess = Callable[[Tensor, float, int], Tensor]
"""The noise in x at a sigma, as the network says it, told this training step."""


def sigma_at(step: float) -> float:
	"""Between two training steps, log sigma goes evenly."""
	return math.exp(float(np.interp(step, np.arange(1000), np.log(TABLE))))


def lora(width: int) -> dict[str, Tensor]:
	"""A LoRA of rank 1 for one layer, by kohya's names."""
	name = 'lora_unet_' + LAYER.replace('.', '_')
	generator = torch.Generator().manual_seed(1)
	return {
		f'{name}.lora_down.weight': torch.randn(1, width, generator=generator),
		f'{name}.lora_up.weight': torch.randn(width, 1, generator=generator),
		f'{name}.alpha': torch.tensor(0.5),
	}


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A tiny checkpoint, and a LoRA for it."""
	folder = tmp_path_factory.mktemp('models')
	for kind in ('checkpoints', 'loras'):
		(folder / kind).mkdir()
	tiny.save_checkpoint(folder / 'checkpoints' / 'tiny.safetensors')
	save_file(lora(tiny.UNET['block_out_channels'][-1]), folder / 'loras' / 'fast.safetensors')
	return folder


@pytest.fixture
def bench(tmp_path: Path, models: Path) -> Bench:
	"""A runner with these files."""
	return Bench(Settings(base=tmp_path, models=models))


@pytest.fixture(scope='module')
def guesses(models: Path) -> dict[str, Guess]:
	"""What the network says of a prompt: as it is (`plain`), and with the LoRA at full strength (`fast`)."""
	path = models / 'checkpoints' / 'tiny.safetensors'
	said = load_text_encoder(Load((path,), 'clip')).encode('a red cat').prompts[0]
	made = {}
	for name in ('plain', 'fast'):
		model = load_denoiser(Load((path,), 'denoiser'))
		if name == 'fast':
			down, up, alpha = lora(tiny.UNET['block_out_channels'][-1]).values()
			weight = model.network.module.get_parameter(f'{LAYER}.weight')
			weight.data += alpha * up @ down
		made[name] = _guess(model.network, model.inputs(said, CLEAN))
	return made


def _guess(network: Any, inputs: ModelInputs) -> Guess:
	def guess(x: Tensor, sigma: float, step: int) -> Tensor:
		with torch.inference_mode():
			said: Tensor = network(x / math.sqrt(sigma**2 + 1), torch.tensor([step]), inputs)
		return said

	return guess


def start(sigma: float) -> Tensor:
	"""Noise of the size of signal and noise, as at the very start."""
	return start_noise(CLEAN, SEED) * math.sqrt(sigma**2 + 1)


def by_euler(guess: Guess, steps: Sequence[float]) -> Tensor:
	"""From training step to training step, and to 0 at last; the network hears the nearest whole one."""
	sigmas = [sigma_at(step) for step in steps]
	x = start(sigmas[0])
	for step, (sigma, lower) in zip(steps, pairwise([*sigmas, 0.0]), strict=True):
		x = x + guess(x, sigma, round(step)) * (lower - sigma)
	return x / SCALE


def saved(bench: Bench, graph: Graph) -> Tensor:
	"""The latent that a graph saves."""
	outcome = bench.run(graph)
	assert outcome.state == 'succeeded', outcome
	(path,) = bench.settings.base.rglob('*.latent')
	return load_file(path)['latent_tensor']


def drawn(**more: tuple[str, dict[str, Any]]) -> Graph:
	"""A graph that saves the latent of `sample`."""
	return make_graph(
		loaded=('CheckpointLoaderSimple', {'ckpt_name': 'tiny.safetensors'}),
		positive=('CLIPTextEncode', {'text': 'a red cat', 'clip': link('loaded', 1)}),
		negative=('CLIPTextEncode', {'text': '', 'clip': link('loaded', 1)}),
		latent=('EmptyLatentImage', {'width': 64, 'height': 64, 'batch_size': 1}),
		save=('SaveLatent', {'samples': link('sample'), 'filename_prefix': 'few'}),
		**more,
	)


def sampled(model: str, sampler: str, scheduler: str, steps: int) -> tuple[str, dict[str, Any]]:
	inputs = {
		'model': link(model),
		'seed': SEED,
		'steps': steps,
		'cfg': 1.0,
		'sampler_name': sampler,
		'scheduler': scheduler,
		'positive': link('positive'),
		'negative': link('negative'),
		'latent_image': link('latent'),
		'denoise': 1.0,
	}
	return 'KSampler', inputs


def made(cls: Any, **config: Any) -> Any:
	"""One of diffusers' schedulers; their constructors have no annotations, hence Any."""
	return cls(**config)


LORA = ('LoraLoaderModelOnly', {'model': link('loaded'), 'lora_name': 'fast.safetensors', 'strength_model': 1.0})


class TestTurbo:
	@pytest.mark.parametrize(
		('steps', 'denoise', 'times'), [(1, 1.0, [999]), (3, 1.0, [999, 899, 799]), (2, 0.5, [499, 399])]
	)
	def test_steps_are_at_the_ten_levels(
		self, steps: int, denoise: float, times: list[int], bench: Bench, guesses: dict[str, Guess]
	) -> None:
		"""SDTurboScheduler with SamplerCustom, without guidance: each hundredth training step from the noisiest."""
		graph = drawn(
			levels=('SDTurboScheduler', {'model': link('loaded'), 'steps': steps, 'denoise': denoise}),
			sampler=('KSamplerSelect', {'sampler_name': 'euler'}),
			sample=(
				'SamplerCustom',
				{
					'model': link('loaded'),
					'add_noise': True,
					'noise_seed': SEED,
					'cfg': 1.0,
					'positive': link('positive'),
					'negative': link('negative'),
					'sampler': link('sampler'),
					'sigmas': link('levels'),
					'latent_image': link('latent'),
				},
			),
		)
		wanted = by_euler(guesses['plain'], times)
		if denoise < 1:  # Where it does not begin with all noise, the latent gets as much as the level has.
			first = sigma_at(times[0])
			noise = start_noise(CLEAN, SEED) * first
			x = noise + guesses['plain'](noise, first, times[0]) * (sigma_at(times[1]) - first)
			wanted = (x - guesses['plain'](x, sigma_at(times[1]), times[1]) * sigma_at(times[1])) / SCALE

		assert torch.allclose(saved(bench, graph), wanted, rtol=1e-3, atol=1e-2)


class TestLightning:
	def test_steps_trail(self, bench: Bench, guesses: dict[str, Guess]) -> None:
		"""euler with sgm_uniform begins at the last training step; the last step is as long as the others."""
		graph = drawn(sample=sampled('loaded', 'euler', 'sgm_uniform', 5))
		times = [999 * (1 - step / 5) for step in range(5)]

		assert torch.allclose(saved(bench, graph), by_euler(guesses['plain'], times), rtol=1e-3, atol=1e-2)

	@pytest.mark.parametrize('steps', [2, 4, 8])
	def test_levels_are_those_of_trailing_steps(self, steps: int) -> None:
		"""By formula, and as near as a training step to those of diffusers' scheduler, which rounds."""
		found = sigmas_for(discrete_levels('eps', zero_terminal=False), steps=steps, scheduler='sgm_uniform')
		betas = {'beta_start': 0.00085, 'beta_end': 0.012, 'beta_schedule': 'scaled_linear'}
		scheduler = made(EulerDiscreteScheduler, **betas, timestep_spacing='trailing')
		scheduler.set_timesteps(steps)
		formula = [sigma_at(999 * (1 - step / steps)) for step in range(steps)]

		assert found.tolist() == pytest.approx([*formula, 0.0], rel=1e-5)
		assert found.tolist() == pytest.approx(scheduler.sigmas.tolist(), rel=1e-2)


class TestHyper:
	@pytest.mark.parametrize('steps', [1, 5])
	def test_a_lora_and_ddim_at_trailing_steps(self, steps: int, bench: Bench, guesses: dict[str, Guess]) -> None:
		"""DDIM without noise is Euler; with one step it is the guess from nothing but noise."""
		graph = drawn(lora=LORA, sample=sampled('lora', 'ddim', 'sgm_uniform', steps))
		times = [999 * (1 - step / steps) for step in range(steps)]
		found, plain = saved(bench, graph), by_euler(guesses['plain'], times)

		assert torch.allclose(found, by_euler(guesses['fast'], times), rtol=1e-3, atol=1e-2)
		assert not torch.allclose(found, plain, rtol=1e-3, atol=1e-2)


class TestLcm:
	@pytest.mark.parametrize('steps', [1, 3])
	def test_a_lora_with_the_levels_of_consistency(self, steps: int, bench: Bench, guesses: dict[str, Guess]) -> None:
		"""Guess, fresh noise, guess …: at the 50 levels of distillation, with the guess mixed by its distance to 0."""
		graph = drawn(
			lora=LORA,
			levels=('ModelSamplingDiscrete', {'model': link('lora'), 'sampling': 'lcm', 'zsnr': False}),
			sample=sampled('levels', 'lcm', 'sgm_uniform', steps),
		)
		fresh = fresh_noise(CLEAN, SEED)
		levels = [*self.levels(steps)]
		x = start(levels[0][0])
		for (sigma, told), (lower, _) in pairwise([*levels, (0.0, 0)]):
			time = told * 10
			kept, guessed = 0.25 / (time**2 + 0.25), time / math.sqrt(time**2 + 0.25)
			x = kept * x + guessed * (x - guesses['fast'](x, sigma, told) * sigma)
			if lower:
				x = x + fresh() * lower

		assert torch.allclose(saved(bench, graph), x / SCALE, rtol=1e-3, atol=1e-2)

	@staticmethod
	def levels(steps: int) -> Iterator[tuple[float, int]]:
		"""Sigma, and the training step that the network hears: that of the nearest of each twentieth."""
		for step in range(steps):
			place = 49 * (1 - step / steps)
			sigma = math.exp(float(np.interp(place, np.arange(50), np.log(TABLE[19::20]))))
			yield sigma, round(place) * 20 + 19

	@pytest.mark.parametrize('steps', [1, 2, 4, 8])
	def test_simple_levels_are_those_of_diffusers(self, steps: int) -> None:
		"""Every n-th of the 50, as its LCM scheduler counts them from the noisiest."""
		found = sigmas_for(discrete_levels('lcm', zero_terminal=False), steps=steps, scheduler='simple')
		scheduler = made(LCMScheduler)
		scheduler.set_timesteps(steps, original_inference_steps=50)

		assert found.tolist() == pytest.approx([*TABLE[scheduler.timesteps.numpy()], 0.0], rel=1e-4)
