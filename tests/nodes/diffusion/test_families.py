"""Telling families by names and shapes."""

from __future__ import annotations

import pytest

from engine.errors import UnknownFamily
from nodes.diffusion.families import CROSS_ATTENTION, FIRST_CONVOLUTION, SD1, recognise, with_markers

SD1_SHAPES = {FIRST_CONVOLUTION: (320, 4, 3, 3), CROSS_ATTENTION: (1280, 768)}


class TestRecognise:
	def test_sd1_is_known_by_its_unet(self) -> None:
		"""A UNet of four channels that listens to text."""
		assert recognise(SD1_SHAPES) is SD1

	@pytest.mark.parametrize('part', ['first_stage_model.quant_conv.bias', 'cond_stage_model.transformer.text_model.x'])
	def test_sd1_is_known_by_any_of_its_parts(self, part: str) -> None:
		"""A file may hold the VAE or the text encoder alone."""
		assert recognise({part: (8,)}) is SD1

	@pytest.mark.parametrize(
		('name', 'title'),
		[
			('conditioner.embedders.0.transformer.x', 'Stable Diffusion XL'),
			('model.diffusion_model.label_emb.0.0.weight', 'Stable Diffusion XL'),
			('cond_stage_model.model.ln_final.weight', 'Stable Diffusion 2.x'),
			('model.diffusion_model.joint_blocks.0.x', 'Stable Diffusion 3'),
			('double_blocks.0.img_attn.qkv.weight', 'Flux'),
			('control_model.input_blocks.0.0.weight', 'ControlNet'),
			('lora_unet_mid_block.lora_up.weight', 'LoRA'),
			('down_blocks.0.resnets.0.conv1.weight', 'diffusers folder'),
		],
	)
	def test_other_families_are_named(self, name: str, title: str) -> None:
		"""The error says what the file looks like, and what can be run."""
		with pytest.raises(UnknownFamily, match=title) as caught:
			recognise({**SD1_SHAPES, name: (1,)})

		assert 'Stable Diffusion 1.x' in str(caught.value)

	def test_inpainting_models_are_refused_by_their_channels(self) -> None:
		"""Nine input channels are another kind of UNet."""
		with pytest.raises(UnknownFamily, match='inpainting'):
			recognise({**SD1_SHAPES, FIRST_CONVOLUTION: (320, 9, 3, 3)})

	def test_unet_without_text_is_refused(self) -> None:
		"""Cross attention is part of the family."""
		with pytest.raises(UnknownFamily, match='no text'):
			recognise({FIRST_CONVOLUTION: (320, 4, 3, 3)})

	def test_strangers_are_described_by_some_names(self) -> None:
		"""What is found stands in the error."""
		with pytest.raises(UnknownFamily, match=r'none of its 2 tensors has a known name \(layer\.bias, layer\.weight'):
			recognise({'layer.weight': (1,), 'layer.bias': (1,)})

	def test_no_tensors_are_no_family(self) -> None:
		"""An empty safetensors file is said to be empty."""
		with pytest.raises(UnknownFamily, match='no tensors'):
			recognise({})


class TestMarkers:
	def test_empty_tensors_mark_v_prediction_and_zero_terminal_snr(self) -> None:
		"""As other programs' checkpoints mark them."""
		changed = with_markers(SD1.scheduler, {'v_pred': (0,), 'ztsnr': (0,)})

		assert (changed['prediction_type'], changed['rescale_betas_zero_snr']) == ('v_prediction', True)

	def test_without_them_the_config_stays(self) -> None:
		"""Stable Diffusion 1.x predicts noise."""
		assert with_markers(SD1.scheduler, SD1_SHAPES) == SD1.scheduler
