"""LoRA files for Flux and Stable Diffusion 3, by each naming, told by what the published file's tensors become."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.models import Load
from nodes.diffusion.checkpoint import load_denoiser
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.patches.recipes import LoraPatch
from tests.nodes.diffusion.patches.conftest import Files, noise
from tests.tiny_transformers import NETWORKS

KOHYA = ('.lora_up.weight', '.lora_down.weight')
PEFT = ('.lora_B.weight', '.lora_A.weight')
STRENGTH = 0.5

# The layer as a LoRA names it, how it names the factors, the tensor of the published file, and in which of so many equal
# parts of its rows the layer lies (None: all of them).
LAYERS = [
	('flux', 'lora_unet_double_blocks_0_img_attn_qkv', KOHYA, 'double_blocks.0.img_attn.qkv', None),
	('flux', 'lora_unet_double_blocks_0_txt_mlp_2', KOHYA, 'double_blocks.0.txt_mlp.2', None),
	('flux', 'lora_unet_single_blocks_0_linear1', KOHYA, 'single_blocks.0.linear1', None),
	('flux', 'lora_unet_final_layer_adaLN_modulation_1', KOHYA, 'final_layer.adaLN_modulation.1', None),
	('flux', 'double_blocks.0.img_attn.qkv', PEFT, 'double_blocks.0.img_attn.qkv', None),
	('flux', 'diffusion_model.single_blocks.0.linear2', PEFT, 'single_blocks.0.linear2', None),
	('flux', 'transformer.transformer_blocks.0.attn.to_k', PEFT, 'double_blocks.0.img_attn.qkv', (1, 3)),
	('flux', 'transformer.transformer_blocks.0.attn.add_v_proj', PEFT, 'double_blocks.0.txt_attn.qkv', (2, 3)),
	('flux', 'transformer.single_transformer_blocks.0.attn.to_q', PEFT, 'single_blocks.0.linear1', (0, 7)),
	('flux', 'lora_transformer_transformer_blocks_0_ff_net_2', KOHYA, 'double_blocks.0.img_mlp.2', None),
	('sd3', 'lora_unet_joint_blocks_0_x_block_attn_qkv', KOHYA, 'joint_blocks.0.x_block.attn.qkv', None),
	('sd3', 'lora_unet_joint_blocks_0_context_block_mlp_fc1', KOHYA, 'joint_blocks.0.context_block.mlp.fc1', None),
	('sd3', 'diffusion_model.joint_blocks.1.x_block.attn.proj', PEFT, 'joint_blocks.1.x_block.attn.proj', None),
	('sd3', 'transformer.transformer_blocks.0.attn.add_q_proj', PEFT, 'joint_blocks.0.context_block.attn.qkv', (0, 3)),
	('sd3.5', 'transformer.transformer_blocks.0.attn2.to_v', PEFT, 'joint_blocks.0.x_block.attn2.qkv', (2, 3)),
]


def published(kind: str, denoiser: Denoiser) -> dict[str, Tensor]:
	"""Its weights as the published file has them."""
	return NETWORKS[kind].original(denoiser.network.module)


@pytest.mark.parametrize(('kind', 'layer', 'suffixes', 'stored', 'part'), LAYERS)
def test_each_naming_reaches_its_rows(
	kind: str,
	layer: str,
	suffixes: tuple[str, str],
	stored: str,
	part: tuple[int, int] | None,
	files: Files,
	tmp_path: Path,
) -> None:
	"""The rows that are meant change by up · down times the strength, and nothing else of the model does."""
	network = NETWORKS[kind]
	path = tmp_path / 'model.safetensors'
	save_file(network.original(network.make()), path)
	denoiser = load_denoiser(Load((path,), 'denoiser'))
	before = published(kind, denoiser)
	rows, width = before[f'{stored}.weight'].shape
	number, of = part or (0, 1)
	meant = slice(number * rows // of, (number + 1) * rows // of)
	up, down = noise(rows // of, 2), noise(2, width)
	file = files.write({layer + suffixes[0]: up, layer + suffixes[1]: down})
	changed = denoiser.patched([LoraPatch(file, STRENGTH)], files.load)
	after = published(kind, changed)
	wanted = {**before, f'{stored}.weight': before[f'{stored}.weight'].clone()}
	wanted[f'{stored}.weight'][meant] += STRENGTH * (up @ down)

	assert changed.unmatched == ()
	assert after.keys() == wanted.keys()
	assert [name for name in wanted if not torch.allclose(after[name], wanted[name], atol=1e-5)] == []
	assert not torch.allclose(after[f'{stored}.weight'], before[f'{stored}.weight'], atol=1e-2)
