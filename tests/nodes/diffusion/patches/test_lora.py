"""LoRA files of every naming, on a tiny real UNet and text encoder."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.errors import PatchMismatch, UnknownFormat
from engine.models import Load
from nodes.diffusion.checkpoint import load_denoiser
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.diffusion.text.towers import Towers
from nodes.values import ModelInputs
from tests import tiny
from tests.nodes.diffusion.patches.conftest import Files, noise, weights

ATTENTION = 'down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q'
ORIGINAL = 'input_blocks.3.1.transformer_blocks.0.attn2.to_q'
OUT = 'down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0'
TEXT = 'encoder.layers.1.self_attn.q_proj'
KOHYA = ('.lora_up.weight', '.lora_down.weight')
PEFT = ('.lora_B.weight', '.lora_A.weight')
DIFFUSERS = ('.lora.up.weight', '.lora.down.weight')


def pair(weight: Tensor, layer: str, suffixes: tuple[str, str] = KOHYA, rank: int = 2) -> dict[str, Tensor]:
	"""The two tensors of a LoRA for a linear layer."""
	return {layer + suffixes[0]: noise(len(weight), rank), layer + suffixes[1]: noise(rank, weight.shape[1])}


class TestNames:
	"""The same layer by each of its names."""

	@pytest.mark.parametrize(
		('layer', 'suffixes'),
		[
			(f'lora_unet_{ATTENTION.replace(".", "_")}', KOHYA),
			(f'lora_unet_{ORIGINAL.replace(".", "_")}', KOHYA),
			(f'lycoris_{ATTENTION.replace(".", "_")}', KOHYA),
			(f'unet.{ATTENTION}', PEFT),
			(f'unet.{ATTENTION}', ('.lora_B.default.weight', '.lora_A.default.weight')),
			(f'base_model.model.{ATTENTION}', PEFT),
			(f'diffusion_model.{ORIGINAL}', PEFT),
			(f'diffusion_model.{ORIGINAL}', KOHYA),
			(f'unet.{ATTENTION}', DIFFUSERS),
			(f'unet.{ATTENTION}', ('.lora_linear_layer.up.weight', '.lora_linear_layer.down.weight')),
			(f'unet.{ATTENTION}'.replace('to_q', 'processor.to_q'), ('_lora.up.weight', '_lora.down.weight')),
			(ATTENTION.replace('to_q', 'processor.to_q'), ('_lora.up.weight', '_lora.down.weight')),
			(ATTENTION, PEFT),
		],
	)
	def test_each_naming_reaches_the_layer(
		self, layer: str, suffixes: tuple[str, str], denoiser: Denoiser, files: Files
	) -> None:
		"""The named layer changes by up · down, and no other."""
		name = f'{ATTENTION}.weight'
		before = {key: tensor.clone() for key, tensor in weights(denoiser).items()}
		tensors = pair(before[name], layer, suffixes)
		changed = weights(denoiser.patched([LoraPatch(files.write(tensors), 0.5)], files.load))
		up, down = tensors.values()

		assert torch.allclose(changed[name], before[name] + 0.5 * (up @ down), atol=1e-6)
		assert [key for key in before if not torch.equal(changed[key], before[key])] == [name]

	def test_old_processor_output(self, denoiser: Denoiser, files: Files) -> None:
		"""`processor.to_out_lora` is the first layer of the output."""
		weight = weights(denoiser)[f'{OUT}.weight'].clone()
		tensors = pair(weight, OUT.replace('to_out.0', 'processor.to_out'), ('_lora.up.weight', '_lora.down.weight'))
		changed = weights(denoiser.patched([LoraPatch(files.write(tensors), 1.0)], files.load))

		assert not torch.equal(changed[f'{OUT}.weight'], weight)

	@pytest.mark.parametrize(
		('layer', 'suffixes'),
		[
			(f'lora_te_text_model_{TEXT.replace(".", "_")}', KOHYA),
			(f'lora_te1_text_model_{TEXT.replace(".", "_")}', KOHYA),
			(f'text_encoder.text_model.{TEXT}', PEFT),
			(f'text_encoder.text_model.{TEXT}', ('.lora_linear_layer.up.weight', '.lora_linear_layer.down.weight')),
		],
	)
	def test_text_encoder(self, layer: str, suffixes: tuple[str, str], encoder: Towers, files: Files) -> None:
		"""A text encoder's layers are found as well; what is changed is rounded to half precision, as ComfyUI has it."""
		name = next(key for key in weights(encoder) if key.endswith(f'{TEXT}.weight'))
		before = weights(encoder)[name].clone()
		tensors = pair(before, layer, suffixes)
		up, down = tensors.values()
		changed = encoder.patched([LoraPatch(files.write(tensors), 1.0)], files.load)

		assert torch.equal(weights(changed)[name], (before + up @ down).half().float())
		assert not torch.equal(
			changed.encode('a cat').prompts[0].embedding, encoder.encode('a cat').prompts[0].embedding
		)


class TestConvolutionsNormsAndBiases:
	"""What is no linear layer."""

	def test_convolution(self, denoiser: Denoiser, files: Files) -> None:
		"""LoCon reaches a residual block's convolution under its original name."""
		name = 'down_blocks.0.resnets.0.conv1.weight'
		before = weights(denoiser)[name].clone()
		up, down = noise(len(before), 2, 1, 1), noise(2, *before.shape[1:])
		layer = 'lora_unet_input_blocks_1_0_in_layers_2'
		file = files.write({f'{layer}.lora_up.weight': up, f'{layer}.lora_down.weight': down})
		changed = weights(denoiser.patched([LoraPatch(file, 1.0)], files.load))
		wanted = before + torch.einsum('or,rihw->oihw', up[..., 0, 0], down)

		assert torch.allclose(changed[name], wanted, atol=1e-5)

	def test_norm_and_bias(self, denoiser: Denoiser, files: Files) -> None:
		"""Full differences of a norm's weight and bias."""
		before = {key: tensor.clone() for key, tensor in weights(denoiser).items()}
		weight, bias = noise(8), noise(8, seed=5)
		file = files.write({'diffusion_model.out.0.diff': weight, 'diffusion_model.out.0.diff_b': bias})
		changed = weights(denoiser.patched([LoraPatch(file, 1.0)], files.load))

		assert torch.allclose(changed['conv_norm_out.weight'], before['conv_norm_out.weight'] + weight)
		assert torch.allclose(changed['conv_norm_out.bias'], before['conv_norm_out.bias'] + bias)


class TestStacking:
	"""Several at once, and none again."""

	def test_stacked_patches_add_up(self, denoiser: Denoiser, files: Files) -> None:
		"""The order of two LoRAs does not matter, and each has its own strength."""
		name = f'{ATTENTION}.weight'
		before = weights(denoiser)[name].clone()
		first, second = (pair(before, f'unet.{ATTENTION}', PEFT, rank=rank) for rank in (2, 3))
		patches = [LoraPatch(files.write(first), 0.5), LoraPatch(files.write(second), -0.25)]
		changed = weights(denoiser.patched(patches, files.load))[name]
		wanted = before
		for tensors, strength in ((first, 0.5), (second, -0.25)):
			up, down = tensors.values()
			wanted = wanted + strength * (up @ down)

		assert torch.allclose(changed, wanted, atol=1e-6)

	@pytest.mark.parametrize('dtype', ['float32', 'float16', 'bfloat16'])
	def test_the_base_stays_bit_for_bit(self, dtype: str, checkpoint: Path, files: Files) -> None:
		"""Patching writes to nothing of the base, in any precision: removal is exact."""
		denoiser = load_denoiser(Load((checkpoint,), 'denoiser', dtype))
		before = {key: tensor.clone() for key, tensor in weights(denoiser).items()}
		file = files.write(pair(before[f'{ATTENTION}.weight'], f'unet.{ATTENTION}', PEFT))
		changed = denoiser.patched([LoraPatch(file, 1.0)], files.load)
		after = weights(denoiser)

		assert all(torch.equal(after[key].view(torch.uint8), before[key].view(torch.uint8)) for key in before)
		assert weights(changed)[f'{ATTENTION}.weight'].dtype == before[f'{ATTENTION}.weight'].dtype

	def test_weights_of_eight_bits(self, checkpoint: Path, files: Files) -> None:
		"""A model that is kept in eight bits is patched, guesses, and is itself as before."""
		denoiser = load_denoiser(Load((checkpoint,), 'denoiser', 'fp8_e4m3fn'))
		coded = denoiser.network.module.get_parameter(f'{ATTENTION}.weight').clone()
		file = files.write(pair(weights(denoiser)[f'{ATTENTION}.weight'], f'unet.{ATTENTION}', PEFT))
		changed = denoiser.patched([LoraPatch(file, 1.0)], files.load)
		x, sigma, inputs = noise(1, 4, 8, 8), torch.tensor([2.0]), ModelInputs(noise(1, 7, tiny.WIDTH))
		before, after = denoiser.denoise(x, sigma, inputs), changed.denoise(x, sigma, inputs)

		assert not torch.allclose(before, after)
		assert torch.equal(denoiser.network.module.get_parameter(f'{ATTENTION}.weight'), coded)
		assert torch.equal(denoiser.denoise(x, sigma, inputs), before)

	def test_untouched_weights_are_shared(self, denoiser: Denoiser, files: Files) -> None:
		"""All but the changed layer lies in the same memory, and only that one is counted."""
		name = f'{ATTENTION}.weight'
		own = weights(denoiser)
		file = files.write(pair(own[name], f'unet.{ATTENTION}', PEFT))
		changed = denoiser.patched([LoraPatch(file, 1.0)], files.load)
		twin = weights(changed)

		assert [key for key in own if own[key].data_ptr() != twin[key].data_ptr()] == [name]
		assert changed.nbytes == own[name].nbytes


class TestMisfits:
	"""What fits nothing is told."""

	def test_layers_that_fit_nothing_are_told(
		self, denoiser: Denoiser, files: Files, caplog: pytest.LogCaptureFixture
	) -> None:
		"""The rest counts; the odd ones are in the log and on the model."""
		weight = weights(denoiser)[f'{ATTENTION}.weight']
		tensors = pair(weight, f'unet.{ATTENTION}', PEFT) | pair(weight, 'unet.nowhere', PEFT)
		file = files.write(tensors | {'odd': torch.zeros(1)})
		with caplog.at_level(logging.WARNING):
			changed = denoiser.patched([LoraPatch(file, 1.0)], files.load)

		assert changed.unmatched == ('unet.nowhere', 'odd')
		assert 'unet.nowhere' in caplog.text

	def test_file_for_another_model_is_refused(self, denoiser: Denoiser, files: Files) -> None:
		"""No layer at all fits."""
		file = files.write(pair(torch.zeros(4, 4), 'unet.nowhere', PEFT))

		with pytest.raises(PatchMismatch, match=r'patch.safetensors was made for another model.*unet.nowhere'):
			denoiser.patched([LoraPatch(file, 1.0)], files.load)

	def test_other_shape_is_refused(self, denoiser: Denoiser, files: Files) -> None:
		"""The error names the layer and both shapes."""
		file = files.write(pair(torch.zeros(99, 16), f'unet.{ATTENTION}', PEFT))

		with pytest.raises(PatchMismatch, match=r'attn2.to_q is for a weight of \[99, 16\].*\[16, 16\]|99 rows'):
			denoiser.patched([LoraPatch(file, 1.0)], files.load)

	def test_other_width_is_refused(self, denoiser: Denoiser, files: Files) -> None:
		"""The width of the input counts too."""
		file = files.write(pair(torch.zeros(16, 77), f'unet.{ATTENTION}', PEFT))

		with pytest.raises(PatchMismatch, match=r'\[16, 77\].*\[16, 16\]'):
			denoiser.patched([LoraPatch(file, 1.0)], files.load)

	def test_file_without_any_is_no_lora(self, denoiser: Denoiser, files: Files) -> None:
		"""A file of other tensors is refused."""
		with pytest.raises(UnknownFormat, match='named as in a LoRA'):
			denoiser.patched([LoraPatch(files.write({'x': torch.zeros(1)}), 1.0)], files.load)

	def test_half_a_layer_is_refused(self, denoiser: Denoiser, files: Files) -> None:
		"""An up without its down."""
		file = files.write({f'unet.{ATTENTION}.lora_B.weight': torch.zeros(16, 2)})

		with pytest.raises(UnknownFormat, match="lacks the tensor 'down'"):
			denoiser.patched([LoraPatch(file, 1.0)], files.load)

	def test_text_layers_leave_the_denoiser_alone(self, denoiser: Denoiser, files: Files) -> None:
		"""A LoRA for the text encoder only changes nothing in the model, and is no misfit."""
		changed = denoiser.patched(
			[LoraPatch(files.write(pair(torch.zeros(4, 4), 'lora_te_text_model_x')), 1.0)], files.load
		)

		assert changed.nbytes == 0
		assert changed.unmatched == ()
