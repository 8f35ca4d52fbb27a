"""Encoders of pictures: every layout gives what transformers' own module gives; pictures are made ready as in training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import CLIPImageProcessor

from engine.errors import UnknownFormat
from engine.models import Load
from nodes.diffusion.clip_vision import CLIP_MEAN, CLIP_SPREAD, VisionEncoder, load_clip_vision
from nodes.diffusion.families.vision import VISION
from nodes.diffusion.layouts import clip_vision
from nodes.values import Images
from tests import tiny_vision as tiny
from tests.nodes.diffusion.patches.conftest import noise

PICTURES = Images(noise(2, 40, 60, 4).sigmoid())


def loaded(path: Path) -> VisionEncoder:
	return load_clip_vision(Load((path,), 'clip_vision', dtype='float32'))


def close(one: Tensor, other: Tensor) -> bool:
	return one.shape == other.shape and torch.allclose(one, other, atol=1e-5)


class TestLayouts:
	@pytest.mark.parametrize('layout', ['transformers', 'open_clip', 'unclip checkpoint'])
	def test_clip(self, layout: str, tmp_path: Path) -> None:
		"""The last layer, the one before it and the projected vector are those of transformers' module."""
		module = tiny.clip()
		tensors = {
			'transformers': tiny.own_names(module),
			'open_clip': tiny.open_clip_names(module)
			| {'logit_scale': torch.ones(1), 'ln_final.weight': torch.ones(4)},
			'unclip checkpoint': tiny.open_clip_names(module, 'embedder.model.'),
		}[layout]
		encoder = loaded(tiny.write(tmp_path / 'vision.safetensors', tensors))
		seen = encoder.encode(PICTURES)
		said: Any = module(encoder.prepared(PICTURES.pixels, crop=True), output_hidden_states=True)

		assert close(seen.last, said.last_hidden_state)
		assert close(seen.penultimate, said.hidden_states[-2])
		assert close(seen.embeds, said.image_embeds)
		assert encoder.nbytes == sum(weight.nbytes for weight in module.parameters())

	def test_siglip(self, tmp_path: Path) -> None:
		"""Its pooling is left away: the vector of the whole is the last layer."""
		module = tiny.siglip()
		encoder = loaded(tiny.write(tmp_path / 'siglip.safetensors', tiny.own_names(module)))
		seen = encoder.encode(PICTURES)
		said: Any = module(encoder.prepared(PICTURES.pixels, crop=True), output_hidden_states=True)

		assert close(seen.last, said.last_hidden_state)
		assert close(seen.penultimate, said.hidden_states[-2])
		assert torch.equal(seen.embeds, seen.last)
		assert (encoder.mean, encoder.spread) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

	@pytest.mark.parametrize(
		('width', 'layers', 'side', 'heads', 'act'),
		[
			(768, 12, 224, 12, 'quick_gelu'),
			(1024, 24, 336, 16, 'quick_gelu'),
			(1280, 32, 224, 16, 'gelu'),
			(1664, 48, 224, 16, 'gelu'),
		],
	)
	def test_released_ones_are_known_by_their_shapes(
		self, width: int, layers: int, side: int, heads: int, act: str
	) -> None:
		"""ViT-B, L at 336 pixels, H and bigG: heads and activation, which no shape tells, are those of the release."""
		shapes = {
			'vision_model.embeddings.patch_embedding.weight': (width, 3, 14, 14),
			'vision_model.embeddings.position_embedding.weight': ((side // 14) ** 2 + 1, width),
			**{f'vision_model.encoder.layers.{n}.mlp.fc1.weight': (4 * width, width) for n in range(layers)},
		}
		found = VISION.find(shapes)
		assert found is not None
		config = found.config(shapes)

		assert config == clip_vision.from_own(shapes)
		assert config['image_size'] == side
		assert (config['num_attention_heads'], config['hidden_act']) == (heads, act)
		assert (config['num_hidden_layers'], config['projection_dim']) == (layers, 0)

	def test_patches_of_siglip_need_not_fill_its_pictures(self) -> None:
		"""The encoder of Flux Redux looks at 384 pixels a side, in 27 patches of 14."""
		shapes = {
			'vision_model.embeddings.patch_embedding.weight': (1152, 3, 14, 14),
			'vision_model.embeddings.patch_embedding.bias': (1152,),
			'vision_model.embeddings.position_embedding.weight': (729, 1152),
			**{f'vision_model.encoder.layers.{n}.mlp.fc1.weight': (4304, 1152) for n in range(27)},
		}
		config = clip_vision.from_own(shapes)

		assert (config['image_size'], config['num_attention_heads']) == (384, 16)

	def test_other_files_are_refused(self, tmp_path: Path) -> None:
		"""A file without such an encoder, and one that lacks a tensor, are named with what is wrong."""
		with pytest.raises(UnknownFormat, match=r'other\.safetensors.*no vision encoder'):
			loaded(tiny.write(tmp_path / 'other.safetensors', {'layer.weight': torch.ones(1)}))
		tensors = tiny.own_names(tiny.clip())
		del tensors['vision_model.post_layernorm.bias']
		with pytest.raises(UnknownFormat, match=r'lacks.*post_layernorm\.bias'):
			loaded(tiny.write(tmp_path / 'part.safetensors', tensors))


class TestPictures:
	def test_the_middle_is_cut_out(self, tmp_path: Path) -> None:
		"""About as CLIP's own preparation of 8-bit pictures does it."""
		pixels = (torch.arange(40 * 60 * 3).reshape(1, 40, 60, 3) % 256) / 255
		encoder = loaded(tiny.write(tmp_path / 'vision.safetensors', tiny.own_names(tiny.clip())))
		whole = CLIPImageProcessor(size={'shortest_edge': 28}, crop_size={'height': 28, 'width': 28})
		prepared: Tensor = whole(
			(pixels[0] * 255).round().byte().numpy(), image_mean=CLIP_MEAN, image_std=CLIP_SPREAD, return_tensors='pt'
		)['pixel_values']
		found = encoder.prepared(pixels, crop=True)

		assert found.shape == (1, 3, 28, 28)
		assert (found - prepared).abs().mean() < 0.02

	def test_uncropped_they_are_squeezed(self, tmp_path: Path) -> None:
		"""A stripe at the left edge is seen without cropping, and cut off with it."""
		encoder = loaded(tiny.write(tmp_path / 'vision.safetensors', tiny.own_names(tiny.clip())))
		pixels = torch.zeros(1, 30, 120, 3)
		pixels[:, :, :20] = 1
		squeezed, cut = (encoder.prepared(pixels, crop=crop) for crop in (False, True))

		assert squeezed[0, 0, 14, 0] > 1.9
		assert torch.equal(cut, cut[:, :, :1, :1].expand_as(cut))

	def test_blank_is_the_mean_of_all(self, tmp_path: Path) -> None:
		"""A picture of nothing but zeros after normalising."""
		module = tiny.clip()
		encoder = loaded(tiny.write(tmp_path / 'vision.safetensors', tiny.own_names(module)))

		assert close(encoder.blank().embeds, module(torch.zeros(1, 3, 28, 28)).image_embeds)
