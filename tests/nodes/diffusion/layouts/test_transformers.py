"""The published layouts of transformers and of their VAEs, against diffusers' modules and its own converters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers.loaders import single_file_utils as converters
from torch import Tensor

from nodes.diffusion.layout import Layout
from nodes.diffusion.layouts import qwen_image
from nodes.diffusion.layouts.pieces import identity
from tests import tiny
from tests.tiny_transformers import NETWORKS, Network

BLOCK = {'attention_head_dim': 64, 'joint_attention_dim': 4096, 'pooled_projection_dim': 2048, 'patch_size': 2}
SD3_MEDIUM = {
	**BLOCK,
	'sample_size': 128,
	'in_channels': 16,
	'out_channels': 16,
	'num_layers': 24,
	'num_attention_heads': 24,
	'caption_projection_dim': 1536,
	'pos_embed_max_size': 192,
	'dual_attention_layers': (),
	'qk_norm': None,
}
SD35_MEDIUM = {
	**SD3_MEDIUM,
	'pos_embed_max_size': 384,
	'dual_attention_layers': tuple(range(13)),
	'qk_norm': 'rms_norm',
}
SD35_LARGE = {
	**SD3_MEDIUM,
	'num_layers': 38,
	'num_attention_heads': 38,
	'caption_projection_dim': 2432,
	'qk_norm': 'rms_norm',
}
FLUX_DEV = {
	'patch_size': 1,
	'in_channels': 64,
	'out_channels': 64,
	'num_layers': 19,
	'num_single_layers': 38,
	'attention_head_dim': 128,
	'num_attention_heads': 24,
	'joint_attention_dim': 4096,
	'pooled_projection_dim': 768,
	'guidance_embeds': True,
	'axes_dims_rope': (16, 56, 56),
}
FLUX2_DEV = {
	'patch_size': 1,
	'in_channels': 128,
	'out_channels': 128,
	'num_layers': 8,
	'num_single_layers': 48,
	'attention_head_dim': 128,
	'num_attention_heads': 48,
	'joint_attention_dim': 15360,
	'timestep_guidance_channels': 256,
	'mlp_ratio': 3.0,
	'axes_dims_rope': (32, 32, 32, 32),
	'guidance_embeds': True,
}
FLUX2_KLEIN = {
	**FLUX2_DEV,
	'num_layers': 5,
	'num_single_layers': 20,
	'num_attention_heads': 24,
	'joint_attention_dim': 7680,
	'guidance_embeds': False,
}
QWEN_IMAGE = {
	'patch_size': 2,
	'in_channels': 64,
	'out_channels': 16,
	'num_layers': 60,
	'attention_head_dim': 128,
	'num_attention_heads': 24,
	'joint_attention_dim': 3584,
	'axes_dims_rope': (16, 56, 56),
	'zero_cond_t': False,
}
Z_IMAGE = {
	'all_patch_size': (2,),
	'all_f_patch_size': (1,),
	'in_channels': 16,
	'dim': 3840,
	'n_layers': 30,
	'n_refiner_layers': 2,
	'n_heads': 30,
	'n_kv_heads': 30,
	'cap_feat_dim': 2560,
	'axes_dims': (32, 48, 48),
	'axes_lens': (1536, 512, 512),
}
WAN_VAE = {
	'base_dim': 96,
	'z_dim': 16,
	'dim_mult': [1, 2, 4, 4],
	'num_res_blocks': 2,
	'temperal_downsample': [False, True, True],
	'input_channels': 3,
}


class TestReleasedSizes:
	"""The networks as they were released, without memory for their weights."""

	@pytest.mark.parametrize(
		('kind', 'config', 'weights'),
		[
			('sd3', SD3_MEDIUM, 2_084_951_104),
			('sd3', SD35_MEDIUM, 2_469_663_936),
			('sd3', SD35_LARGE, 8_146_280_768),
			('flux', FLUX_DEV, 11_901_408_320),
			('flux-fill', {**FLUX_DEV, 'in_channels': 384}, 11_902_391_360),
			('flux2', FLUX2_DEV, 32_223_281_152),
			('flux2', FLUX2_KLEIN, 3_875_544_576),
			('qwen-image', QWEN_IMAGE, 20_430_401_088),
			('z-image', Z_IMAGE, 6_154_908_736),
			('wan-vae', WAN_VAE, 126_892_531),
		],
	)
	def test_every_tensor_has_its_place_and_the_shapes_tell_the_config(
		self, kind: str, config: dict[str, Any], weights: int
	) -> None:
		"""Recipes and tensors are the same set, and what the file's shapes say is the config again."""
		network = Network(NETWORKS[kind].cls, config, NETWORKS[kind].read, NETWORKS[kind].layout)
		with torch.device('meta'):
			module = tiny.make(network.cls, config)
		names = set(module.state_dict())
		layout: Layout = identity(sorted(names)) if network.layout is None else network.layout(config)
		file = network.original(module)

		assert set(layout) == names
		assert dict(network.read({name: tuple(tensor.shape) for name, tensor in file.items()})) == config
		assert sum(tensor.numel() for tensor in file.values()) == weights


class TestTiny:
	@pytest.mark.parametrize('kind', NETWORKS)
	def test_config_is_read_from_shapes(self, kind: str) -> None:
		"""However small they are."""
		network = NETWORKS[kind]
		file = network.original(network.make())

		assert dict(network.read({name: tuple(tensor.shape) for name, tensor in file.items()})) == network.config

	@pytest.mark.parametrize('kind', NETWORKS)
	def test_recipes_give_the_module_back(self, kind: str) -> None:
		"""Bit for bit, each tensor put together from its pieces."""
		network = NETWORKS[kind]
		module = network.make()
		file = network.original(module)
		layout = identity(list(file)) if network.layout is None else network.layout(network.config)

		for name, tensor in module.state_dict().items():
			assert torch.equal(torch.cat([piece.of(file[piece.name]) for piece in layout[name]]), tensor), name

	@pytest.mark.parametrize(
		('kind', 'convert'),
		[
			('sd3', converters.convert_sd3_transformer_checkpoint_to_diffusers),
			('sd3.5', converters.convert_sd3_transformer_checkpoint_to_diffusers),
			('flux2', converters.convert_flux2_transformer_checkpoint_to_diffusers),
			('flux2-dev', converters.convert_flux2_transformer_checkpoint_to_diffusers),
			('z-image', converters.convert_z_image_transformer_checkpoint_to_diffusers),
			('wan-vae', converters.convert_wan_vae_to_diffusers),
		],
	)
	def test_diffusers_reads_the_same(
		self, kind: str, convert: Callable[[dict[str, Tensor]], dict[str, Tensor]]
	) -> None:
		"""Its converter for published files makes the same module of what our layout wrote."""
		network = NETWORKS[kind]
		module = network.make()
		converted = convert(network.original(module))

		assert set(converted) == set(module.state_dict())
		for name, tensor in module.state_dict().items():
			assert torch.equal(converted[name], tensor), name


class TestFlux:
	"""diffusers' converter of Flux.1 knows the released width only."""

	def test_single_blocks_are_one_layer_in_the_file(self) -> None:
		"""Queries, keys, values and feed-forward, one after the other."""
		network = NETWORKS['flux']
		module = network.make()
		state = module.state_dict()
		parts = ('attn.to_q', 'attn.to_k', 'attn.to_v', 'proj_mlp')

		assert torch.equal(
			network.original(module)['single_blocks.0.linear1.weight'],
			torch.cat([state[f'single_transformer_blocks.0.{part}.weight'] for part in parts]),
		)

	def test_last_modulation_has_its_halves_the_other_way_round(self) -> None:
		"""Shift before scale in the file, scale before shift in the module."""
		network = NETWORKS['flux']
		module = network.make()
		scale, shift = module.state_dict()['norm_out.linear.bias'].chunk(2)

		assert torch.equal(network.original(module)['final_layer.adaLN_modulation.1.bias'], torch.cat([shift, scale]))


class TestQwenImage:
	def test_marked_models_take_references_for_clean(self) -> None:
		"""An empty tensor says so."""
		network = NETWORKS['qwen-image']
		shapes = {name: tuple(tensor.shape) for name, tensor in network.original(network.make()).items()}

		assert qwen_image.config({**shapes, qwen_image.CLEAN_REFERENCES: (0,)})['zero_cond_t'] is True
