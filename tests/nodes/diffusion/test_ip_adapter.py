"""IP-Adapters, against diffusers' own of the same weights on the same UNet."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import ModelError, NodeUsage, UnknownFamily
from engine.models import Load
from nodes.diffusion.ip_adapter import IpAdapter, Levels, levels, load_ip_adapter
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.networks import Network
from nodes.diffusion.networks.unet import UNet
from nodes.diffusion.parametrisation import Discrete, training_sigmas
from nodes.values import ModelInputs, Prompt, Scene
from nodes.vision_values import VisionOutput
from tests import tiny, tiny_adapters
from tests.nodes.diffusion.patches.conftest import noise
from tests.tiny_adapters import Kind

SEEN = 8
X, TIME = noise(1, 4, 8, 8), torch.tensor([500.0])
TEXT = Prompt(noise(1, 7, tiny.WIDTH))
ALWAYS = Levels(999, 0)
PENULTIMATE = noise(2, 5, SEEN)
SHOWN = VisionOutput(torch.zeros(2, 5, SEEN), PENULTIMATE, noise(2, SEEN))
BLANK = VisionOutput(torch.zeros(1, 5, SEEN), PENULTIMATE[:1] * 0.5, torch.ones(1, SEEN))


def one(picture: VisionOutput) -> VisionOutput:
	"""The first of some pictures."""
	return VisionOutput(picture.last[:1], picture.penultimate[:1], picture.embeds[:1])


@pytest.fixture(scope='module')
def unet() -> torch.nn.Module:
	"""The tiny UNet."""
	return tiny.modules(0)[0].eval().requires_grad_(False)


@pytest.fixture
def network(unet: torch.nn.Module) -> UNet:
	"""Callable."""
	return UNet(unet, tiny.UNET, LatentFormat(channels=4))


def adapter(folder: Path, tensors: dict[str, Tensor]) -> IpAdapter:
	path = folder / 'adapter.safetensors'
	save_file(tensors, path)
	return load_ip_adapter(Load((path,), 'ip_adapter', dtype='float32'))


def made(kind: Kind, unet: torch.nn.Module, seed: int = 0) -> dict[str, Tensor]:
	return tiny_adapters.tensors(kind, unet, seen=SEEN, width=tiny.WIDTH, seed=seed)


def said(network: Network, *, negative: bool = False) -> Tensor:
	return network(X, TIME, network.inputs(TEXT, X, Scene(negative=negative)))


def diffusers_says(unet: torch.nn.Module, tensors: dict[str, Tensor], shown: Tensor, weight: float) -> Tensor:
	"""A copy with diffusers' attention processors."""
	groups: dict[str, dict[str, Tensor]] = {'image_proj': {}, 'ip_adapter': {}}
	for name, tensor in tensors.items():
		group, _, inner = name.partition('.')
		groups[group][inner] = tensor
	changed: Any = copy.deepcopy(unet)
	changed._load_ip_adapter_weights([groups], low_cpu_mem_usage=False)
	for processor in changed.attn_processors.values():
		if hasattr(processor, 'scale'):
			processor.scale = [weight]
	with torch.inference_mode():
		answer: Tensor = changed(
			X, TIME, TEXT.embedding, added_cond_kwargs={'image_embeds': [shown[:, None]]}, return_dict=False
		)[0]
	return answer


class TestDiffusers:
	@pytest.mark.parametrize('kind', ['vector', 'plus', 'full'])
	@pytest.mark.parametrize('negative', [False, True])
	def test_says_what_diffusers_says(
		self, kind: Kind, negative: bool, unet: torch.nn.Module, network: UNet, tmp_path: Path
	) -> None:
		"""Each kind of file, on both sides: what is not wanted hears zeros, or a blank picture's layer."""
		tensors = made(kind, unet)
		wanted, unwanted = SHOWN.penultimate[:1], BLANK.penultimate
		if kind == 'vector':
			wanted, unwanted = SHOWN.embeds[:1], torch.zeros(1, SEEN)
		hearing = adapter(tmp_path, tensors).on(network, one(SHOWN), BLANK, 0.7, ALWAYS)
		expected = diffusers_says(unet, tensors, unwanted if negative else wanted, 0.7)

		assert torch.allclose(said(hearing, negative=negative), expected, atol=1e-4)
		assert not torch.allclose(expected, said(network), atol=1e-3)


class TestHearing:
	def test_the_network_is_as_before_after_it(self, unet: torch.nn.Module, network: UNet, tmp_path: Path) -> None:
		"""It is shared with others: nothing of the adapter stays on it, even if a call fails."""
		before = said(network)
		hearing = adapter(tmp_path, made('vector', unet)).on(network, SHOWN, BLANK, 1.0, ALWAYS)
		said(hearing)
		broken = replace(hearing.inputs(TEXT, X), embedding=torch.zeros(1, 7, 3))
		with pytest.raises(RuntimeError):
			hearing(X, TIME, broken)

		assert torch.equal(said(network), before)
		assert not any(part._forward_hooks or part._forward_pre_hooks for part in unet.modules())

	def test_sides_share_a_batch(self, unet: torch.nn.Module, network: UNet, tmp_path: Path) -> None:
		"""Each hears its own tokens, of which both have as many."""
		hearing = adapter(tmp_path, made('vector', unet)).on(network, SHOWN, BLANK, 1.0, ALWAYS)
		sides = [hearing.inputs(TEXT, X, Scene(negative=negative)) for negative in (False, True)]
		both = ModelInputs(
			torch.cat([side.embedding for side in sides]), heard=(torch.cat([side.heard[0] for side in sides]),)
		)
		together = hearing(X.repeat(2, 1, 1, 1), TIME.repeat(2), both)

		assert both.heard[0].shape == (2, 2 * tiny_adapters.TOKENS['vector'], tiny.WIDTH)
		assert torch.allclose(together[:1], said(hearing), atol=1e-5)
		assert torch.allclose(together[1:], said(hearing, negative=True), atol=1e-5)

	def test_several_are_heard_together(self, unet: torch.nn.Module, network: UNet, tmp_path: Path) -> None:
		"""In any order, each its own pictures."""
		first, second = (adapter(tmp_path, made(kind, unet)) for kind in ('vector', 'plus'))
		one_way = second.on(first.on(network, SHOWN, BLANK, 0.5, ALWAYS), SHOWN, BLANK, 0.8, ALWAYS)
		other_way = first.on(second.on(network, SHOWN, BLANK, 0.8, ALWAYS), SHOWN, BLANK, 0.5, ALWAYS)

		assert torch.allclose(said(one_way), said(other_way), atol=1e-4)
		assert not torch.allclose(said(one_way), said(first.on(network, SHOWN, BLANK, 0.5, ALWAYS)), atol=1e-3)

	def test_outside_of_its_part_of_the_way_it_is_not_heard(
		self, unet: torch.nn.Module, network: UNet, tmp_path: Path
	) -> None:
		"""Timesteps fall from 999 to 0 on the way."""
		schedule = Discrete(training_sigmas(steps=1000, beta_start=0.00085, beta_end=0.012, zero_terminal=False))
		ip = adapter(tmp_path, made('vector', unet))
		early, late = (ip.on(network, SHOWN, BLANK, 1.0, levels(schedule, *part)) for part in ((0.0, 0.4), (0.4, 1.0)))

		assert levels(schedule, 0.0, 1.0) == ALWAYS
		assert torch.equal(said(early), said(network))
		assert not torch.allclose(said(late), said(network), atol=1e-3)


class TestRefusals:
	def test_another_vision_encoder(self, unet: torch.nn.Module, network: UNet, tmp_path: Path) -> None:
		"""Both widths are told."""
		narrow = VisionOutput(SHOWN.last, SHOWN.penultimate, noise(1, 4))
		with pytest.raises(NodeUsage, match='width of 8; these have 4'):
			adapter(tmp_path, made('vector', unet)).on(network, narrow, BLANK, 1.0, ALWAYS)

	def test_another_model(self, unet: torch.nn.Module, network: UNet, tmp_path: Path) -> None:
		"""The numbers of attentions are told."""
		tensors = made('vector', unet)
		last = max(name for name in tensors if name.startswith('ip_adapter.')).rpartition('.to_')[0]
		fewer = {name: tensor for name, tensor in tensors.items() if not name.startswith(f'{last}.')}
		with pytest.raises(ModelError, match='made for another model'):
			adapter(tmp_path, fewer).on(network, SHOWN, BLANK, 1.0, ALWAYS)

	def test_another_file(self, tmp_path: Path) -> None:
		"""The file is named."""
		with pytest.raises(UnknownFamily, match=r'adapter\.safetensors is no IP-Adapter'):
			adapter(tmp_path, {'image_proj.other': torch.zeros(1)})


class TestPickled:
	def test_groups_of_a_bin_file_are_read(self, unet: torch.nn.Module, network: UNet, tmp_path: Path) -> None:
		"""Released `.bin` files hold a dictionary of two."""
		tensors = made('vector', unet)
		groups: dict[str, dict[str, Tensor]] = {'image_proj': {}, 'ip_adapter': {}}
		for name, tensor in tensors.items():
			group, _, inner = name.partition('.')
			groups[group][inner] = tensor
		torch.save(groups, tmp_path / 'adapter.bin')
		pickled = load_ip_adapter(Load((tmp_path / 'adapter.bin',), 'ip_adapter', dtype='float32'))
		known = adapter(tmp_path, tensors)

		assert torch.equal(
			said(pickled.on(network, SHOWN, BLANK, 1.0, ALWAYS)), said(known.on(network, SHOWN, BLANK, 1.0, ALWAYS))
		)
