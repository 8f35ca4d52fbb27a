"""Control-LoRAs: against diffusers' ControlNet with the sums of weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from diffusers import SD3Transformer2DModel
from diffusers.models.controlnets.controlnet import ControlNetModel
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import Conv2d, Linear, Module

from engine.errors import NodeUsage, UnknownFormat
from engine.facts import recognise
from engine.models import FileDigest, Load, ModelRef, Size
from nodes.diffusion.control.configs import HINT, WAY_DOWN, original_layout
from nodes.diffusion.control.live import Control
from nodes.diffusion.control.loading import load_control
from nodes.diffusion.control.lora import LoraControl
from nodes.diffusion.control.settings import DifferencePatch
from nodes.diffusion.families import find_denoiser
from nodes.diffusion.marks import MARKS
from nodes.diffusion.placement import blocks_of, least_bytes, stream, streamed
from nodes.diffusion.sizes import measure, measure_control
from nodes.values import ControlNet, ControlUse, ModelInputs
from tests import tiny, tiny_unets
from tests.nodes.diffusion.patches.conftest import noise
from tests.tiny_transformers import NETWORKS

RANK = 2
X, HINTS = noise(2, 4, 8, 8), noise(2, 3, 64, 64)
TIME = torch.tensor([500.0, 500.0])
REF = ModelRef[ControlNet](FileDigest('net'), 'controlnet')


def unet(name: str = 'sdxl', seed: int = 0) -> Module:
	"""A tiny UNet."""
	return tiny_unets.model(name, seed).unet.requires_grad_(False)


def inputs(name: str) -> ModelInputs:
	"""What it hears."""
	config = tiny_unets.UNETS[name]
	heard = noise(2, 7, config['cross_attention_dim'])
	if name == 'sdxl':
		return ModelInputs(heard, pooled=noise(2, tiny_unets.WIDTH), sizes=noise(2, 6))
	return ModelInputs(heard)


def made(base: Module, seed: int = 7) -> tuple[dict[str, Tensor], Module]:
	"""A file's tensors, and the whole ControlNet that they stand for beside that UNet.

	Layers of the way down have low rank, their biases and all else is whole.
	"""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(seed)
		whole: Any = cast(Any, ControlNetModel).from_unet(base, conditioning_embedding_out_channels=(2, 4, 4, 8))
		whole.eval().requires_grad_(False)
		tensors = {'lora_controlnet': torch.zeros(0)}
		for name, recipe in original_layout(whole.config).items():
			weight, stored = whole.get_parameter(name), recipe[0].name
			layer = whole.get_submodule(name.rpartition('.')[0])
			low = name.startswith(WAY_DOWN) and isinstance(layer, (Linear, Conv2d)) and name.endswith('weight')
			if low:
				up = torch.randn(weight.shape[0], RANK) * 0.2
				down = torch.randn(RANK, *weight.shape[1:]) * 0.2
				weight += (up @ down.flatten(1)).reshape(weight.shape)
				bare = stored.removesuffix('.weight')
				tensors |= {f'{bare}.up': up[..., None, None] if weight.dim() == 4 else up, f'{bare}.down': down}
			else:
				torch.nn.init.normal_(weight, std=0.1)
				tensors[stored] = weight.clone()
	return tensors, whole


def loaded(path: Path, tensors: Mapping[str, Tensor]) -> LoraControl:
	"""The file's Control-LoRA."""
	save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
	net = load_control(Load((path,), 'controlnet'))
	assert isinstance(net, LoraControl)
	return net


def same(net: ControlNet, whole: Any, name: str) -> bool:
	"""Whether it says what the whole ControlNet says."""
	given = inputs(name)
	added = {}
	if given.sizes is not None:
		added['added_cond_kwargs'] = {'text_embeds': given.pooled, 'time_ids': given.sizes}
	said = net(X, TIME, given, HINTS)
	down, middle = whole(X, TIME, given.embedding, HINTS, return_dict=False, **added)
	assert said.middle is not None
	pairs = zip((*said.down, said.middle), (*down, middle), strict=True)
	return all(torch.allclose(one, other, atol=1e-4, rtol=1e-4) for one, other in pairs)


class TestBeside:
	@pytest.mark.parametrize('name', ['sdxl', 'sd1'])
	def test_is_the_controlnet_of_the_sums(self, name: str, tmp_path: Path) -> None:
		"""Weights of the UNet, and matrices of low rank added; convolutions with strides among them."""
		base = unet(name)
		tensors, whole = made(base)
		net = loaded(tmp_path / 'net.safetensors', tensors)

		assert same(net.beside(base), whole, name)

	def test_weights_are_those_of_the_model(self, tmp_path: Path) -> None:
		"""Not copies of them; the model itself stays as it is."""
		base = unet()
		before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
		tensors, _ = made(base)
		net = loaded(tmp_path / 'net.safetensors', tensors)
		joined = net.beside(base)
		own = dict(joined.module.named_parameters())
		shared = [name for name in own if name in before and own[name] is base.get_parameter(name)]

		assert {name for name in before if name.startswith(WAY_DOWN) and name.endswith('to_q.weight')} <= {*shared}
		assert joined.nbytes == net.nbytes == sum(tensor.nbytes for tensor in tensors.values())
		assert all(torch.equal(tensor, before[name]) for name, tensor in base.state_dict().items())
		assert not any(part._forward_hooks for part in base.modules())

	def test_other_weights_count(self, tmp_path: Path) -> None:
		"""Those of the model that it steers now, not of the one before."""
		first, second = unet(), unet(seed=1)
		tensors, whole = made(first)
		control = Control(loaded(tmp_path / 'net.safetensors', tensors), ControlUse(REF, HINTS.movedim(1, -1)))
		one, again, other = (control.beside(model) for model in (first, first, second))

		assert one is again
		assert same(one, whole, 'sdxl')
		assert not same(other, whole, 'sdxl')

	def test_models_that_are_streamed(self, tmp_path: Path) -> None:
		"""Weights come block by block, and are gone after it."""
		base = unet()
		tensors, whole = made(base)
		held = {name: tensor.clone() for name, tensor in base.named_parameters()}
		for name in held:
			owner, _, leaf = name.rpartition('.')
			empty = torch.empty_like(held[name], device='meta')
			setattr(base.get_submodule(owner), leaf, torch.nn.Parameter(empty, requires_grad=False))
		sizes = {name: tensor.nbytes for name, tensor in held.items()}

		def read(names: Collection[str]) -> dict[str, Tensor]:
			return {name: held[name] for name in names}

		stream(base, read, sizes=sizes, room=least_bytes(sizes, blocks_of(base, sizes, {})))
		joined = loaded(tmp_path / 'net.safetensors', tensors).beside(base)

		assert same(joined, whole, 'sdxl')
		assert streamed(joined.module) is not None
		assert joined.module.get_parameter('mid_block.resnets.0.conv1.weight').is_meta


class TestMistakes:
	def test_of_another_model(self, tmp_path: Path) -> None:
		"""The first tensors that do not fit are named."""
		net = loaded(tmp_path / 'canny.safetensors', made(unet())[0])

		with pytest.raises(
			NodeUsage, match=r'canny\.safetensors is a Control-LoRA of another model: \d+ of its tensors'
		):
			net.beside(unet('sd1'))

	def test_of_a_transformer(self, tmp_path: Path) -> None:
		"""It steers UNets."""
		net = loaded(tmp_path / 'canny.safetensors', made(unet())[0])

		with pytest.raises(NodeUsage, match='the model is a SD3Transformer2DModel'):
			net.beside(tiny.make(SD3Transformer2DModel, NETWORKS['sd3'].config))

	def test_what_it_lacks_is_named(self, tmp_path: Path) -> None:
		"""Layers that no UNet has must be in the file."""
		base = unet()
		tensors, _ = made(base)
		del tensors['zero_convs.1.0.weight']

		with pytest.raises(NodeUsage, match=r'1 of its tensors do not fit \(zero_convs\.1\.0\.weight\)'):
			loaded(tmp_path / 'net.safetensors', tensors).beside(base)

	def test_files_without_layers_for_a_hint(self, tmp_path: Path) -> None:
		"""They are refused when they are read."""
		with pytest.raises(UnknownFormat, match=f'{HINT}.0.weight'):
			loaded(tmp_path / 'net.safetensors', {'lora_controlnet': torch.zeros(0)})


class TestFiles:
	def test_are_known(self, tmp_path: Path) -> None:
		"""Of Stable Diffusion XL, and no denoisers; their names are those of the first UNets."""
		tensors, _ = made(unet())
		shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}

		assert {'input_blocks.4.1.transformer_blocks.0.attn1.to_q.up', 'time_embed.0.down', 'label_emb.0.2.bias'} <= {
			*shapes
		}
		assert find_denoiser(shapes) is None
		assert recognise(MARKS, shapes) == {'family': 'sdxl'}

	def test_their_size_is_known_by_the_header(self, tmp_path: Path) -> None:
		"""Their own bytes; those of the model are there already. They cannot be streamed."""
		path = tmp_path / 'net.safetensors'
		net = loaded(path, made(unet())[0])
		other = tmp_path / 'whole.safetensors'
		save_file(made(unet())[1].state_dict(), other)

		assert measure_control(Load((path,), 'controlnet')) == Size(net.nbytes)
		assert (
			measure_control(Load((other,), 'controlnet')) == measure(Load((other,), 'controlnet')) != Size(net.nbytes)
		)

	def test_a_difference_to_a_model_changes_nothing(self, tmp_path: Path) -> None:
		"""It is one to whatever model it steers."""
		path = tmp_path / 'net.safetensors'
		net = loaded(path, made(unet())[0])
		patch = DifferencePatch(ModelRef(FileDigest('model'), 'denoiser'))
		changed = net.patched([patch], Load((path,), 'controlnet'))

		assert changed.tensors is net.tensors
		assert changed.nbytes == net.patched_size([patch], Load((path,), 'controlnet')).nbytes == 0
