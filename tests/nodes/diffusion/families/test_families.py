"""Telling families by names and shapes, and how what they say of their training is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from nodes.diffusion.families import FAMILIES, find_denoiser, unknown
from nodes.diffusion.families.base import Shapes, Training
from nodes.diffusion.families.parts import noise_levels
from nodes.diffusion.families.sd2 import SD2, TOLD_BY
from nodes.diffusion.layout import prefixed, stored
from nodes.diffusion.layouts import unet
from nodes.diffusion.parametrisation import Discrete
from tests import tiny_unets
from tests.nodes.diffusion.layouts.released import empty, shapes_of

SD1_SHAPES = {
	'model.diffusion_model.middle_block.1.transformer_blocks.0.attn2.to_k.weight': (1280, 768),
	'model.diffusion_model.out.2.weight': (4, 320, 3, 3),
}
FILE = Path('/models/some.safetensors')


def family_of(shapes: Shapes) -> str | None:
	known = find_denoiser(shapes)
	return None if known is None else known[0].name


def levels(training: Training) -> Discrete:
	found = noise_levels(training)
	assert isinstance(found, Discrete)
	return found


class TestRecognise:
	@pytest.mark.parametrize('name', tiny_unets.UNETS)
	def test_each_kind_is_known_by_its_unet(self, name: str) -> None:
		"""In both layouts, whatever its size, and under its prefix or alone."""
		from diffusers import UNet2DConditionModel

		state = empty(UNet2DConditionModel, tiny_unets.UNETS[name]).state_dict()
		original = shapes_of(stored(unet.original(tiny_unets.UNETS[name]), state))

		assert family_of(shapes_of(state)) == tiny_unets.FAMILIES[name]
		assert family_of(original) == tiny_unets.FAMILIES[name]
		whole = {f'model.diffusion_model.{key}': shape for key, shape in original.items()}
		assert family_of(whole) == tiny_unets.FAMILIES[name]

	@pytest.mark.parametrize(
		('name', 'title'),
		[
			('control_model.input_blocks.0.0.weight', 'a ControlNet'),
			('controlnet_cond_embedding.conv_in.weight', 'a ControlNet'),
			('lora_unet_mid_block.lora_up.weight', 'a LoRA'),
			('model.diffusion_model.input_blocks.1.0.time_stack.in_layers.0.weight', 'Stable Video Diffusion'),
			('model.diffusion_model.label_emb.weight', 'x4 upscaler'),
			('blocks.0.lokr_w1', 'a LoRA'),
			('image_proj.proj.weight', 'an IP-Adapter'),
			('model.diffusion_model.distilled_guidance_layer.norms.0.scale', 'Chroma'),
			('head.modulation', 'Wan'),
			('model.diffusion_model.input_blocks.0.0.weight', 'a relative of Stable Diffusion'),
		],
	)
	def test_other_files_are_named(self, name: str, title: str) -> None:
		"""The error says which file it is, what it looks like, and what can be run."""
		told = str(unknown(FILE, {name: (1,)}))

		assert family_of({name: (1,)}) is None
		assert re.search(title, told)
		assert told.startswith(f'{FILE} cannot be run')
		assert all(family.title in told for family in FAMILIES)

	@pytest.mark.parametrize(
		'sign', ['input_blocks.1.0.time_stack.in_layers.0.weight', 'label_emb.weight', 'encoder_hid_proj.weight']
	)
	def test_relatives_of_a_family_are_none_of_it(self, sign: str) -> None:
		"""What has the marks of a family and more than it is another model."""
		assert family_of({**SD1_SHAPES, f'model.diffusion_model.{sign}': (1,)}) is None

	def test_strangers_are_described_by_some_names(self) -> None:
		"""What is found stands in the error."""
		told = str(unknown(FILE, {'layer.weight': (1,), 'layer.bias': (1,)}))

		assert 'none of its 2 tensors has a known name (layer.bias, layer.weight' in told

	def test_no_tensors_are_no_family(self) -> None:
		"""An empty safetensors file is said to be empty."""
		assert family_of({}) is None
		assert 'it has no tensors' in str(unknown(FILE, {}))


class TestNoiseLevels:
	def training(self, scheduler: dict[str, Any] | None = None, *markers: str) -> Training:
		return Training({}, dict.fromkeys(markers, (0,)), {}, scheduler=scheduler or {})

	def test_noise_is_predicted_unless_something_is_said(self) -> None:
		"""Stable Diffusion's schedule."""
		found = levels(self.training())

		assert found.prediction == 'epsilon'
		assert float(found.sigmas[-1]) == pytest.approx(14.6146, abs=1e-3)

	def test_empty_tensors_mark_v_prediction_and_zero_terminal_snr(self) -> None:
		"""As other programs' checkpoints mark them."""
		found = levels(self.training(None, 'v_pred', 'ztsnr'))

		assert found.prediction == 'v_prediction'
		assert float(found.sigmas[-1]) == pytest.approx(4518.76, abs=0.01)

	def test_the_file_s_own_scheduler_counts(self) -> None:
		"""What a diffusers folder or the metadata say."""
		assert levels(self.training({'prediction_type': 'v_prediction'})).prediction == 'v_prediction'


class TestPredictionOfSd2:
	@pytest.mark.parametrize(
		('spread', 'channels', 'scheduler', 'prediction'),
		[
			(0.2, 4, {}, 'v_prediction'),
			(0.05, 4, {}, 'epsilon'),
			(0.2, 9, {}, 'epsilon'),
			(0.2, 4, {'prediction_type': 'epsilon'}, 'epsilon'),
		],
	)
	def test_a_norm_of_the_last_attention_tells_it(
		self, spread: float, channels: int, scheduler: dict[str, Any], prediction: str
	) -> None:
		"""Where the file says nothing, and the model is no inpainting model."""
		bias = torch.tensor([spread, -spread]).repeat(8)
		found = SD2.parametrisation(Training({'in_channels': channels}, {}, {TOLD_BY: bias}, scheduler=scheduler))

		assert isinstance(found, Discrete)
		assert found.prediction == prediction

	def test_models_without_that_norm_predict_noise(self) -> None:
		"""Smaller ones have no fourth level."""
		found = SD2.parametrisation(Training({'in_channels': 4}, {}, {}))

		assert isinstance(found, Discrete)
		assert found.prediction == 'epsilon'


def test_prefixes_of_a_family_are_told_apart_from_a_part_alone() -> None:
	"""A file with a ControlNet beside a UNet is known by the UNet."""
	beside = {'control_model.input_hint_block.0.weight': (16, 3, 3, 3)}

	assert family_of({**SD1_SHAPES, **beside}) == 'sd1'
	assert prefixed({}, 'x') == {}
