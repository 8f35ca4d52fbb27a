"""Weights that change their place. There is no device here beside main memory: they leave for the meta device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import Module

from engine.models import CPU, FileDigest, Load, Movable, Place
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.clip_vision import load_clip_vision
from nodes.diffusion.control.loading import load_control
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.ip_adapter import load_ip_adapter
from nodes.diffusion.moving import copied, give, move, own_tensors
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.diffusion.text.towers import Towers
from nodes.diffusion.vae import Vae
from nodes.values import ModelInputs
from tests import tiny, tiny_adapters, tiny_vision
from tests.nodes.diffusion.control.conftest import controlnet, write
from tests.nodes.diffusion.patches.conftest import noise

META = Place('meta')


@pytest.fixture
def loads(tmp_path: Path, checkpoint: Path) -> dict[str, Movable]:
	"""Weights of every kind that can move, each loaded anew."""
	net = write(tmp_path / 'net.safetensors', controlnet().state_dict())
	vision = tiny_vision.write(tmp_path / 'vision.safetensors', tiny_vision.own_names(tiny_vision.clip()))
	adapter = tmp_path / 'adapter.safetensors'
	seen = tiny_vision.CLIP['projection_dim']
	save_file(tiny_adapters.tensors('vector', tiny.modules(0)[0], seen=seen, width=tiny.WIDTH), adapter)
	made = {
		'denoiser': load_denoiser(Load((checkpoint,), 'denoiser')),
		'denoiser in fp8': load_denoiser(Load((checkpoint,), 'denoiser', 'fp8_e4m3fn')),
		'text': load_text_encoder(Load((checkpoint,), 'text')),
		'vae': load_autoencoder(Load((checkpoint,), 'vae')),
		'controlnet': load_control(Load((net,), 'controlnet')),
		'clip_vision': load_clip_vision(Load((vision,), 'clip_vision')),
		'ip_adapter': load_ip_adapter(Load((adapter,), 'ip_adapter')),
	}
	return {name: weights for name, weights in made.items() if isinstance(weights, Movable)}


@pytest.fixture
def both(tmp_path: Path, checkpoint: Path) -> tuple[Denoiser, Denoiser]:
	"""A denoiser, and a set that shares all but its attention with it."""
	base = load_denoiser(Load((checkpoint,), 'denoiser'))
	lora: dict[str, Tensor] = {}
	for name, weight in base.network.module.named_parameters():
		if weight.dim() == 2 and 'attn' in name:
			layer = f'unet.{name.removesuffix(".weight")}'
			lora[f'{layer}.lora_B.weight'] = noise(len(weight), 1)
			lora[f'{layer}.lora_A.weight'] = noise(1, weight.shape[1], seed=2)
	path = tmp_path / 'lora.safetensors'
	save_file(lora, path)
	load = Load((), 'denoiser', finder=lambda digest: path)
	return base, base.patched([LoraPatch(FileDigest('lora'), 0.7)], load)


def modules(weights: Any) -> list[Module]:
	"""Those that hold its weights."""
	if isinstance(weights, Denoiser):
		return [weights.network.module]
	if isinstance(weights, Towers):
		return [tower.module for tower in weights.towers.values()]
	if isinstance(weights, Vae):
		return [target.module for target, _ in weights.parts()]
	module: Module = weights.module
	return [module]


def places(module: Module) -> set[str]:
	"""The devices of all of its tensors."""
	return {tensor.device.type for tensor in (*module.parameters(), *module.buffers())}


def denoised(denoiser: Denoiser) -> Tensor:
	"""What it makes of a latent."""
	return denoiser.denoise(noise(1, 4, 8, 8), torch.tensor([3.0]), ModelInputs(noise(1, 77, tiny.WIDTH)))


class TestMove:
	def test_every_kind(self, loads: dict[str, Movable]) -> None:
		"""Weights and buffers, those that are coded too, are there afterwards and nowhere else; they count as before."""
		before = {name: weights.nbytes for name, weights in loads.items()}
		for weights in loads.values():
			weights.move(META)

		assert len(loads) == 7
		assert all(places(module) == {'meta'} for weights in loads.values() for module in modules(weights))
		assert {name: weights.nbytes for name, weights in loads.items()} == before

	def test_to_where_they_are(self, both: tuple[Denoiser, Denoiser]) -> None:
		"""Nothing changes."""
		base, patched = both
		before = denoised(base), denoised(patched)
		base.move(CPU)
		patched.move(CPU)

		assert torch.equal(denoised(base), before[0])
		assert torch.equal(denoised(patched), before[1])


class TestSharing:
	def test_a_set_leaves_before_its_base(self, both: tuple[Denoiser, Denoiser]) -> None:
		"""It takes only what is its own; the base computes on, and then takes the rest of the set along."""
		base, patched = both
		before = denoised(base)
		patched.move(META)
		own = sum(tensor.nbytes for tensor in patched.network.module.parameters() if tensor.is_meta)

		assert own == patched.nbytes
		assert places(base.network.module) == {'cpu'}
		assert torch.equal(denoised(base), before)
		base.move(META)
		assert places(patched.network.module) == {'meta'}

	def test_other_contents_are_those_of_both(self, both: tuple[Denoiser, Denoiser]) -> None:
		"""What the base gets for its tensors, its set computes with, bit for bit as before; what is its own it has still."""
		base, patched = both
		before = denoised(base), denoised(patched)
		old = {id(tensor): tensor.data_ptr() for tensor in own_tensors(base.network.module)}
		give(base.network.module, torch.clone)

		assert all(tensor.data_ptr() != old[id(tensor)] for tensor in own_tensors(base.network.module))
		assert torch.equal(denoised(base), before[0])
		assert torch.equal(denoised(patched), before[1])
		give(patched.network.module, torch.zeros_like)
		assert torch.equal(denoised(base), before[0])
		assert not torch.equal(denoised(patched), before[1])


class TestGive:
	def test_shared_weights_once(self) -> None:
		"""A weight of several names is one weight afterwards."""
		first, second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
		second.weight = first.weight
		made: list[Tensor] = []

		def cloned(tensor: Tensor) -> Tensor:
			made.append(tensor.clone())
			return made[-1]

		give(torch.nn.Sequential(first, second), cloned)

		assert len(made) == 3
		assert first.weight is second.weight

	def test_what_is_not_there(self) -> None:
		"""Weights that are streamed, and away, stay so."""
		module = torch.nn.Linear(2, 2, device='meta')
		move(module, CPU)

		assert module.weight.is_meta

	def test_what_fails(self) -> None:
		"""Its error comes out, and each tensor has its old contents or its new ones."""
		module = torch.nn.Linear(2, 2)

		def fail(tensor: Tensor) -> Tensor:
			if tensor.dim() == 1:
				raise RuntimeError('no memory')
			return tensor.to(META)

		with pytest.raises(RuntimeError, match='no memory'):
			give(module, fail)

		assert (module.weight.is_meta, module.bias.is_meta) == (True, False)

	def test_from_main_memory_nothing_is_pinned(self) -> None:
		"""What comes from where CUDA is not, is as it is."""
		tensor = torch.ones(3)

		assert copied(tensor, CPU) is tensor
