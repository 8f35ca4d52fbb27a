"""Step caches: what they leave out, that runs begin anew, and that the shared network stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from diffusers.hooks.first_block_cache import FirstBlockCacheConfig
from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.first_block import FirstBlock
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.networks import Network
from nodes.diffusion.networks.flux import FluxTransformer
from nodes.diffusion.networks.flux2 import Flux2Transformer
from nodes.diffusion.networks.qwen_image import QwenImageTransformer
from nodes.diffusion.networks.sd3 import Sd3Transformer
from nodes.diffusion.networks.z_image import ZImageTransformer
from nodes.diffusion.sample import sample
from nodes.diffusion.step_cache import Remember, StepCached
from nodes.diffusion.taylor import Taylor
from nodes.diffusion.text.towers import Towers
from nodes.model_guidance import PerturbedAttention
from nodes.step_cache import FirstBlockReuse, TaylorSteps
from nodes.values import Latent, ModelInputs, Prompt
from tests.tiny_transformers import NETWORKS, WIDTH

KINDS = ('sd3', 'sd3.5', 'flux', 'flux2', 'qwen-image', 'z-image')
LOOKS = 6
SETTINGS = (FirstBlockReuse(0.5), TaylorSteps(3, 2, 1))


def network(kind: str) -> Network:
	"""A tiny transformer as it is called in runs."""
	module, config = NETWORKS[kind].make(), NETWORKS[kind].config
	match kind:
		case 'sd3' | 'sd3.5':
			return Sd3Transformer(module, config)
		case 'flux':
			return FluxTransformer(module, config, LatentFormat(channels=16))
		case 'flux2':
			return Flux2Transformer(module, config, LatentFormat(channels=config['in_channels']))
		case 'qwen-image':
			return QwenImageTransformer(module, config, LatentFormat(channels=16))
		case _:
			return ZImageTransformer(module, config)


def told(kind: str, made: Network, x: Tensor, seed: int = 1) -> ModelInputs:
	"""What it hears of a prompt."""
	config = NETWORKS[kind].config
	generator = torch.Generator().manual_seed(seed)
	pooled = config.get('pooled_projection_dim')
	embedding = torch.randn(1, 5, config.get('joint_attention_dim', WIDTH), generator=generator)
	return made.inputs(Prompt(embedding, torch.randn(1, pooled, generator=generator) if pooled else None), x)


def latent(kind: str) -> Tensor:
	"""One noisy latent."""
	channels = NETWORKS[kind].config['in_channels'] if kind == 'flux2' else 16
	return torch.randn(1, channels, 8, 8, generator=torch.Generator().manual_seed(2))


def looks(made: Network, x: Tensor, inputs: ModelInputs) -> list[Tensor]:
	"""What a network says at each of some steps with less and less noise."""
	with torch.inference_mode():
		return [made(x * (1 - step / 10), torch.tensor([0.9 - step / 20]), inputs) for step in range(LOOKS)]


def apart(found: list[Tensor], wanted: list[Tensor]) -> list[bool]:
	"""At which steps they differ."""
	return [not torch.equal(one, other) for one, other in zip(found, wanted, strict=True)]


@contextmanager
def counted(module: torch.nn.Module) -> Iterator[list[torch.nn.Module]]:
	"""The layers that are computed: those without modules inside."""
	called: list[torch.nn.Module] = []
	leaves = [part for part in module.modules() if not [*part.children()] and [*part.parameters()]]
	handles = [part.register_forward_hook(lambda part, args, output: called.append(part)) for part in leaves]
	try:
		yield called
	finally:
		for handle in handles:
			handle.remove()


def run(model: Denoiser, text: Towers, *, side: int = 8) -> Tensor:
	"""Eight steps of it."""
	return sample(
		model,
		seed=1,
		steps=8,
		cfg=2.0,
		sampler='euler',
		scheduler='normal',
		positive=text.encode('a red cat'),
		negative=text.encode('dog'),
		latent=Latent(torch.zeros(1, 4, side, side)),
	)


class TestFirstBlock:
	@pytest.mark.parametrize('kind', KINDS)
	def test_all_is_computed_where_the_first_block_changes(self, kind: str) -> None:
		"""With a threshold of 0 to the last bit, whatever the network."""
		plain, x = network(kind), latent(kind)
		inputs = told(kind, plain, x)

		assert not any(apart(looks(StepCached(plain, partial(FirstBlock, 0.0)), x, inputs), looks(plain, x, inputs)))

	@pytest.mark.parametrize('kind', KINDS)
	def test_the_others_are_left_out_below_the_threshold(self, kind: str) -> None:
		"""The same latent gives the same answer without them; another one gives what comes near, in its shape."""
		plain, x = network(kind), latent(kind)
		inputs = told(kind, plain, x)
		made = StepCached(plain, partial(FirstBlock, 100.0))
		with counted(plain.module) as called, torch.inference_mode():
			first = made(x, torch.tensor([0.9]), inputs)
			whole = len(called)
			again = made(x, torch.tensor([0.9]), inputs)

		assert torch.allclose(again, first, atol=1e-4)
		assert len(called) - whole < whole
		assert [*apart(looks(made, x, inputs), looks(plain, x, inputs))][1:] == [True] * (LOOKS - 1)

	@pytest.mark.parametrize('kind', ['flux', 'qwen-image'])
	@pytest.mark.parametrize('threshold', [0.05, 0.2, 1.0])
	def test_agrees_with_diffusers(self, kind: str, threshold: float) -> None:
		"""For those transformers that diffusers has it for."""
		plain, x = network(kind), latent(kind)
		inputs = told(kind, plain, x)
		found = looks(StepCached(plain, partial(FirstBlock, threshold)), x, inputs)
		module: Any = network(kind).module
		module.enable_cache(FirstBlockCacheConfig(threshold=threshold))
		with module.cache_context('one'):
			wanted = looks(plain.around(module), x, inputs)

		for one, other in zip(found, wanted, strict=True):
			assert torch.allclose(one, other, atol=1e-4)

	def test_prompts_are_kept_apart(self) -> None:
		"""Looks at two prompts by turns are as each by itself."""
		plain, x = network('flux'), latent('flux')
		texts = [told('flux', plain, x, seed) for seed in (1, 2)]
		wanted = [looks(StepCached(plain, partial(FirstBlock, 0.2)), x, inputs) for inputs in texts]
		made = StepCached(plain, partial(FirstBlock, 0.2))
		found: list[list[Tensor]] = [[], []]
		with torch.inference_mode():
			for step in range(LOOKS):
				for inputs, said in zip(texts, found, strict=True):
					said.append(made(x * (1 - step / 10), torch.tensor([0.9 - step / 20]), inputs))

		for one, other in zip(found, wanted, strict=True):
			assert not any(apart(one, other))

	def test_the_same_prompts_are_known_wherever_they_are_brought(self) -> None:
		"""On a device a look hears copies; they have one mark."""
		plain, x = network('flux'), latent('flux')
		inputs = told('flux', plain, x)
		made = StepCached(plain, partial(FirstBlock, 100.0))
		mark = object()
		counts = []
		for _ in range(2):
			copy = replace(inputs, embedding=inputs.embedding.clone(), mark=mark)
			with counted(plain.module) as called, torch.inference_mode():
				made(x, torch.tensor([0.9]), copy)
			counts.append(len(called))

		assert counts[1] < counts[0]

	def test_other_networks_are_refused(self, denoiser: Denoiser) -> None:
		"""Those without blocks that follow each other, when the setting is applied."""
		bare: Any = type('Bare', (), {'module': torch.nn.Linear(1, 1)})()
		with pytest.raises(NodeUsage, match='first-block cache for a Linear'):
			FirstBlockReuse(0.1).apply(replace(denoiser, network=bare), lambda ref: ref)


class TestTaylor:
	@pytest.mark.parametrize('kind', KINDS)
	def test_steps_between_are_foretold(self, kind: str) -> None:
		"""After two whole ones, each third is whole; those between are near, and cost less."""
		plain, x = network(kind), latent(kind)
		inputs = told(kind, plain, x)
		wanted = looks(plain, x, inputs)
		with counted(plain.module) as called:
			looks(plain, x, inputs)
			whole = len(called)
			found = looks(StepCached(plain, partial(Taylor, 3, 2, 1)), x, inputs)

		assert apart(found, wanted) == [False, False, True, False, True, True]
		assert len(called) - whole < whole

	def test_first_order_goes_on_straight(self, denoiser: Denoiser) -> None:
		"""Of a UNet the last layer's answer is foretold: last + (last − the one before)."""
		x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
		inputs = ModelInputs(torch.randn(1, 77, 16, generator=torch.Generator().manual_seed(2)))
		first, second, third, *_ = looks(StepCached(denoiser.network, partial(Taylor, 9, 2, 1)), x, inputs)

		assert torch.allclose(third, 2 * second - first, atol=1e-5)

	def test_order_none_repeats(self, denoiser: Denoiser) -> None:
		"""What was said last is said again."""
		x, inputs = torch.ones(1, 4, 8, 8), ModelInputs(torch.ones(1, 77, 16))
		said = looks(StepCached(denoiser.network, partial(Taylor, 9, 2, 0)), x, inputs)

		assert torch.equal(said[2], said[1])
		assert not torch.equal(said[1], said[0])

	def test_networks_of_unknown_parts_are_refused(self) -> None:
		"""With the name of the class."""
		with pytest.raises(NodeUsage, match='parts of a Linear'):
			Taylor(3, 2, 1, torch.nn.Linear(1, 1))


class TestRuns:
	@pytest.mark.parametrize('setting', SETTINGS, ids=['first block', 'taylor'])
	def test_two_runs_are_alike_and_the_plain_model_stays(
		self, setting: FirstBlockReuse | TaylorSteps, denoiser: Denoiser, text: Towers
	) -> None:
		"""To the last bit: each run begins with nothing kept, and the shared network has no trace of it."""
		plain = run(denoiser, text)
		changed = setting.apply(denoiser, lambda ref: ref)
		first = run(changed, text)
		held = [{**part.__dict__} for part in denoiser.network.module.modules()]

		assert not torch.equal(first, plain)
		assert torch.equal(run(changed, text), first)
		assert torch.equal(run(denoiser, text), plain)
		assert not [names for names in held if 'forward' in names or '_diffusers_hook' in names]

	@pytest.mark.parametrize('setting', SETTINGS, ids=['first block', 'taylor'])
	def test_fewer_layers_are_computed(
		self, setting: FirstBlockReuse | TaylorSteps, denoiser: Denoiser, text: Towers
	) -> None:
		"""Of eight steps."""
		with counted(denoiser.network.module) as called:
			run(denoiser, text)
			whole = len(called)
			run(setting.apply(denoiser, lambda ref: ref), text)

		assert len(called) - whole < 0.8 * whole

	def test_settings_that_leave_nothing_out_change_nothing(self, denoiser: Denoiser, text: Towers) -> None:
		"""A threshold of 0, or each step computed."""
		plain = run(denoiser, text)
		for setting in (FirstBlockReuse(0.0), TaylorSteps(1, 1, 1)):
			assert torch.equal(run(setting.apply(denoiser, lambda ref: ref), text), plain)

	@pytest.mark.parametrize('remember', [partial(FirstBlock, 0.5), partial(Taylor, 3, 1, 1)])
	def test_a_look_that_fails_leaves_no_trace(self, remember: Remember, denoiser: Denoiser) -> None:
		"""The network's own functions are back."""
		made = StepCached(denoiser.network, remember)
		with pytest.raises(RuntimeError):
			made(torch.zeros(1, 3, 8, 8), torch.tensor([1]), ModelInputs(torch.zeros(1, 77, 16)))

		assert not [part for part in made.module.modules() if 'forward' in part.__dict__]

	def test_worse_guesses_are_whole(self, denoiser: Denoiser, text: Towers) -> None:
		"""Perturbed attention looks at another network: what is kept of the one must not be taken for the other."""
		guided = PerturbedAttention(3.0).apply(denoiser, lambda ref: ref)
		both = FirstBlockReuse(1e-9).apply(guided, lambda ref: ref)

		assert torch.equal(run(both, text), run(guided, text))
