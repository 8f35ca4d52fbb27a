"""Model files are known by a few tensors. Names and shapes are those of published files."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.facts import recognise
from engine.tensorfile import read_header
from nodes.diffusion.marks import MARKS

Shapes = dict[str, tuple[int, ...]]
DEMO = Path(__file__).parents[3] / 'nodes' / 'demo' / 'models' / 'checkpoints' / 'lumen-demo.safetensors'
MIDDLE = 'middle_block.1.transformer_blocks.0.attn2.to_k.weight'
DIFFUSERS_MIDDLE = 'mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight'

SD1_UNET: Shapes = {
	'time_embed.0.weight': (1280, 320),
	'input_blocks.0.0.weight': (320, 4, 3, 3),
	'input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight': (320, 768),
	MIDDLE: (1280, 768),
	'out.2.weight': (4, 320, 3, 3),
}
INPAINTING: Shapes = {**SD1_UNET, 'input_blocks.0.0.weight': (320, 9, 3, 3)}
SD2_UNET: Shapes = {**SD1_UNET, MIDDLE: (1280, 1024)}
UNCLIP_UNET: Shapes = {**SD2_UNET, 'label_emb.0.0.weight': (1280, 2048)}
SDXL_UNET: Shapes = {
	'time_embed.0.weight': (1280, 320),
	'label_emb.0.0.weight': (1280, 2816),
	'input_blocks.0.0.weight': (320, 4, 3, 3),
	MIDDLE: (1280, 2048),
	'out.2.weight': (4, 320, 3, 3),
}
REFINER_UNET: Shapes = {
	'label_emb.0.0.weight': (1536, 2560),
	MIDDLE: (1536, 1280),
	'out.2.weight': (4, 384, 3, 3),
}
SD3: Shapes = {
	'x_embedder.proj.weight': (1536, 16, 2, 2),
	'joint_blocks.0.x_block.attn.qkv.weight': (4608, 1536),
	'final_layer.linear.weight': (64, 1536),
}
FLUX: Shapes = {
	'img_in.weight': (3072, 64),
	'vector_in.in_layer.weight': (3072, 768),
	'double_blocks.0.img_attn.qkv.weight': (9216, 3072),
	'single_blocks.0.linear1.weight': (21504, 3072),
}
FLUX2: Shapes = {
	'img_in.weight': (3072, 128),
	'double_blocks.0.img_attn.qkv.weight': (9216, 3072),
	'double_stream_modulation_img.lin.weight': (18432, 3072),
}
QWEN_IMAGE: Shapes = {
	'img_in.weight': (3072, 64),
	'txt_norm.weight': (3584,),
	'transformer_blocks.0.img_mod.1.weight': (18432, 3072),
	'transformer_blocks.0.attn.norm_added_q.weight': (128,),
	'transformer_blocks.0.attn.add_k_proj.weight': (3072, 3072),
}
Z_IMAGE: Shapes = {
	'x_pad_token': (1, 3840),
	'cap_embedder.1.weight': (3840, 2560),
	'layers.0.attention.qkv.weight': (11520, 3840),
}
CONTROLNET: Shapes = {
	'input_hint_block.0.weight': (16, 3, 3, 3),
	'zero_convs.0.0.weight': (320, 320, 1, 1),
	MIDDLE: (1280, 768),
	'middle_block_out.0.weight': (1280, 1280, 1, 1),
}
DIFFUSERS_CONTROLNET: Shapes = {
	'controlnet_cond_embedding.conv_in.weight': (16, 3, 3, 3),
	'conv_in.weight': (320, 4, 3, 3),
	DIFFUSERS_MIDDLE: (1280, 768),
}
DIFFUSERS_UNET: Shapes = {
	'conv_in.weight': (320, 4, 3, 3),
	DIFFUSERS_MIDDLE: (1280, 768),
	'conv_out.weight': (4, 320, 3, 3),
}
VAE: Shapes = {
	'encoder.conv_in.weight': (128, 3, 3, 3),
	'decoder.conv_in.weight': (512, 4, 3, 3),
	'post_quant_conv.weight': (4, 4, 1, 1),
}
LARGE_VAE: Shapes = {'encoder.conv_in.weight': (128, 3, 3, 3), 'decoder.conv_in.weight': (512, 16, 3, 3)}
FLUX2_VAE: Shapes = {
	'decoder.conv_in.weight': (512, 32, 3, 3),
	'decoder.mid.block_1.conv1.weight': (512, 512, 3, 3),
	'bn.running_mean': (128,),
}
WAN_VAE: Shapes = {'decoder.upsamples.0.residual.2.weight': (384, 384, 3, 3, 3), 'conv2.weight': (16, 16, 1, 1, 1)}
CLIP: Shapes = {'text_model.embeddings.token_embedding.weight': (49408, 768)}


def under(prefix: str, shapes: Shapes) -> Shapes:
	"""The same tensors in a file that holds more than them."""
	return {f'{prefix}{name}': shape for name, shape in shapes.items()}


def checkpoint(unet: Shapes, vae: Shapes, text: str = 'cond_stage_model.transformer.') -> Shapes:
	"""A file with all three parts."""
	return {**under('model.diffusion_model.', unet), **under('first_stage_model.', vae), **under(text, CLIP)}


class TestFamilies:
	@pytest.mark.parametrize(
		('shapes', 'family', 'channels'),
		[
			(SD1_UNET, 'sd1', 4),
			(INPAINTING, 'sd1', 4),
			(SD2_UNET, 'sd2', 4),
			(UNCLIP_UNET, 'sd2', 4),
			(SDXL_UNET, 'sdxl', 4),
			(REFINER_UNET, 'sdxl-refiner', 4),
			(SD3, 'sd3', 16),
			(FLUX, 'flux', 16),
			(FLUX2, 'flux2', 128),
			(QWEN_IMAGE, 'qwen-image', 16),
			(Z_IMAGE, 'z-image', 16),
		],
	)
	def test_checkpoints_and_single_networks(self, shapes: Shapes, family: str, channels: int) -> None:
		"""A network is known alone, with its prefix, and in a checkpoint with the other parts."""
		vae = VAE if channels == 4 else LARGE_VAE
		expected = {'family': family, 'channels': channels}

		assert recognise(MARKS, shapes) == expected
		assert recognise(MARKS, under('model.diffusion_model.', shapes)) == expected
		assert recognise(MARKS, checkpoint(shapes, vae)) == expected

	@pytest.mark.parametrize(('width', 'family'), [(768, 'sd1'), (1024, 'sd2'), (2048, 'sdxl'), (1280, 'sdxl-refiner')])
	def test_unets_of_a_diffusers_folder(self, width: int, family: str) -> None:
		"""By the width of the text that they listen to, and of the vector beside it."""
		vector = {2048: 2816, 1280: 2560}.get(width)
		sized: Shapes = {'add_embedding.linear_1.weight': (1280, vector)} if vector else {}
		if family == 'sdxl-refiner':
			sized['down_blocks.3.resnets.0.conv1.weight'] = (1536, 1536, 3, 3)
		shapes = {**DIFFUSERS_UNET, DIFFUSERS_MIDDLE: (1280, width), **sized}

		assert recognise(MARKS, shapes) == {'family': family, 'channels': 4}

	def test_transformers_of_a_diffusers_folder(self) -> None:
		"""Stable Diffusion 3 and Flux share their blocks' names, not how they begin."""
		blocks: Shapes = {'transformer_blocks.0.attn.add_k_proj.weight': (1536, 1536)}
		sd3 = {**blocks, 'pos_embed.proj.weight': (1536, 16, 2, 2)}
		flux = {
			**blocks,
			'time_text_embed.text_embedder.linear_1.weight': (3072, 768),
			'x_embedder.weight': (3072, 64),
		}

		assert recognise(MARKS, sd3) == {'family': 'sd3', 'channels': 16}
		assert recognise(MARKS, flux) == {'family': 'flux', 'channels': 16}

	@pytest.mark.parametrize(('width', 'family'), [(768, 'sd1'), (1024, 'sd2'), (2048, 'sdxl')])
	def test_controlnets(self, width: int, family: str) -> None:
		"""In both layouts, with the prefix of the first ones and without."""
		original = {**CONTROLNET, MIDDLE: (1280, width)}
		expected = {'family': family}

		assert recognise(MARKS, original) == expected
		assert recognise(MARKS, under('control_model.', original)) == expected
		assert recognise(MARKS, {**DIFFUSERS_CONTROLNET, DIFFUSERS_MIDDLE: (1280, width)}) == expected


class TestParts:
	@pytest.mark.parametrize(('shapes', 'channels'), [(VAE, 4), (LARGE_VAE, 16), (FLUX2_VAE, 128), (WAN_VAE, 16)])
	def test_a_vae_tells_only_its_channels(self, shapes: Shapes, channels: int) -> None:
		"""Several families have VAEs of one shape."""
		assert recognise(MARKS, shapes) == {'channels': channels}
		assert recognise(MARKS, under('first_stage_model.', shapes)) == {'channels': channels}


class TestOthers:
	@pytest.mark.parametrize(
		'shapes',
		[
			{},
			CLIP,
			{'lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight': (8, 320, 1, 1)},
			{**SD1_UNET, MIDDLE: (1280, 640)},
			{name: shape for name, shape in FLUX.items() if not name.startswith('vector_in')},
			{'decoder.conv_in.weight': (512, 16, 3, 3, 3)},
		],
	)
	def test_what_is_not_known_is_not_guessed(self, shapes: Shapes) -> None:
		"""Text encoders, LoRAs, relatives of known families, video VAEs."""
		assert recognise(MARKS, shapes) == {}

	def test_the_demo_model(self) -> None:
		"""It is laid out like the first family, in a size of its own."""
		assert recognise(MARKS, read_header(DEMO).shapes) == {'family': 'sd1', 'channels': 4}
