from pathlib import Path

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file

from nodes.demo.lora import LowRank, add_low_rank, merge_lora, save_lora
from nodes.demo.parts import make_unet

RANK = 2


def tiny_unet() -> UNet2DConditionModel:
	torch.manual_seed(0)
	unet: UNet2DConditionModel = UNet2DConditionModel.from_config(make_unet().config, block_out_channels=(8, 8, 8))
	return unet


def with_additions() -> UNet2DConditionModel:
	"""A network whose additions have learnt something."""
	unet = tiny_unet()
	add_low_rank(unet, RANK)
	for module in unet.modules():
		if isinstance(module, LowRank):
			torch.nn.init.normal_(module.up.weight)
	return unet


@torch.no_grad()
def said(unet: UNet2DConditionModel) -> torch.Tensor:
	torch.manual_seed(1)
	found: torch.Tensor = unet(torch.randn(1, 4, 16, 16), torch.tensor([500]), torch.randn(1, 77, 128)).sample
	return found


class TestLowRank:
	def test_says_at_first_what_the_network_says(self) -> None:
		unet = tiny_unet()
		before = said(unet)
		add_low_rank(unet, RANK)

		torch.testing.assert_close(said(unet), before)

	def test_only_the_additions_learn(self) -> None:
		unet = tiny_unet()
		add_low_rank(unet, RANK)
		learning = {name.rsplit('.', 2)[1] for name, weight in unet.named_parameters() if weight.requires_grad}

		assert learning == {'down', 'up'}


class TestFile:
	def test_merged_into_the_network_it_says_the_same(self, tmp_path: Path) -> None:
		trained, plain = with_additions(), tiny_unet()
		save_lora(trained, tmp_path / 'x.safetensors', 'test')
		changed = merge_lora(plain, tmp_path / 'x.safetensors')

		assert changed == 70
		torch.testing.assert_close(said(plain), said(trained), atol=2e-2, rtol=2e-2)

	def test_strength_nothing_changes_nothing(self, tmp_path: Path) -> None:
		plain = tiny_unet()
		before = said(plain)
		save_lora(with_additions(), tmp_path / 'x.safetensors', 'test')
		merge_lora(plain, tmp_path / 'x.safetensors', strength=0)

		assert torch.equal(said(plain), before)

	def test_has_the_names_of_kohya(self, tmp_path: Path) -> None:
		save_lora(with_additions(), tmp_path / 'x.safetensors', 'test')
		tensors = load_file(tmp_path / 'x.safetensors')
		name = 'lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k'

		assert tensors[f'{name}.lora_down.weight'].shape == (RANK, 128)
		assert tensors[f'{name}.lora_up.weight'].shape == (8, RANK)
		assert float(tensors[f'{name}.alpha']) == RANK
