"""What UNets take besides the latent: sizes, scores, masks, pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.networks.unet import GREY, UNet
from nodes.values import Prompt, Scene, Sizes
from nodes.vision_values import Variation, VisionOutput

LATENTS = LatentFormat(4, scale=0.5)
X = torch.zeros(2, 4, 8, 12)
SDXL = {'in_channels': 4, 'addition_time_embed_dim': 256, 'projection_class_embeddings_input_dim': 2816}
REFINER = {**SDXL, 'projection_class_embeddings_input_dim': 2560}
POOLED = Prompt(torch.zeros(1, 1, 1), torch.zeros(1, 1280))
PLAIN = Prompt(torch.zeros(1, 1, 1))


def network(**config: Any) -> UNet:
	"""A network whose module is never asked."""
	return UNet(torch.nn.Linear(1, 1), {'in_channels': 4, **config}, LATENTS)


def sizes(config: dict[str, Any], prompt: Prompt, *, negative: bool = False) -> list[float]:
	told = network(**config).inputs(prompt, X, Scene(negative=negative)).sizes
	assert told is not None
	return told[0].tolist()


def beside(channels: int, prompt: Prompt = PLAIN, scene: Scene | None = None) -> Tensor:
	told = network(in_channels=channels).inputs(prompt, X, scene or Scene()).concat
	assert told is not None
	return told


class TestSizes:
	def test_a_prompt_that_says_nothing_has_the_size_of_the_latent(self) -> None:
		"""Height first; nothing is cut off."""
		assert sizes(SDXL, POOLED) == [64, 96, 0, 0, 64, 96]

	def test_a_prompt_says_what_it_likes(self) -> None:
		"""The crop's y before its x; a target that is not said is the size."""
		told = Prompt(POOLED.embedding, POOLED.pooled, sizes=Sizes(1024, 768, 3, 4, 512, 256))
		plain = Prompt(POOLED.embedding, POOLED.pooled, sizes=Sizes(1024, 768))

		assert sizes(SDXL, told) == [768, 1024, 4, 3, 256, 512]
		assert sizes(SDXL, plain) == [768, 1024, 0, 0, 768, 1024]

	def test_a_refiner_hears_a_score_instead_of_the_target(self) -> None:
		"""6 for what is wanted, 2.5 for what is not, unless the prompt says it."""
		told = Prompt(POOLED.embedding, POOLED.pooled, sizes=Sizes(96, 64, aesthetic=9.0))

		assert sizes(REFINER, POOLED) == [64, 96, 0, 0, 6.0]
		assert sizes(REFINER, POOLED, negative=True) == [64, 96, 0, 0, 2.5]
		assert sizes(REFINER, told, negative=True) == [64, 96, 0, 0, 9.0]

	def test_a_prompt_of_another_family_is_refused(self) -> None:
		"""Without a pooled vector there is nothing to tell it."""
		with pytest.raises(NodeUsage, match='pooled vector'):
			network(**SDXL).inputs(PLAIN, X)


class TestNothing:
	def test_text_alone_is_enough_for_the_first_models(self) -> None:
		"""No sizes, nothing beside the latent."""
		told = network().inputs(POOLED, X)

		assert (told.pooled, told.sizes, told.concat) == (None, None, None)

	def test_a_variation_of_no_picture_hears_zeros(self) -> None:
		"""unCLIP without an embedded picture."""
		told = network(projection_class_embeddings_input_dim=2048).inputs(POOLED, X)

		assert told.pooled is not None
		assert told.pooled.shape == (1, 2048)
		assert not told.pooled.any()


class TestVariations:
	SEEN = VisionOutput(torch.zeros(1, 5, 4), torch.zeros(1, 5, 4), torch.ones(1, 8))

	def test_unclip_hears_the_picture_by_the_seed(self) -> None:
		"""Embedding and noise level make its vector; another seed is other noise."""
		prompt = replace(PLAIN, variations=(Variation(self.SEEN, noise=0.5),))
		unclip = network(projection_class_embeddings_input_dim=16)
		first, again, other = (unclip.inputs(prompt, X, Scene(seed=seed)).pooled for seed in (1, 1, 2))

		assert first is not None
		assert again is not None
		assert other is not None
		assert first.shape == (1, 16)
		assert torch.equal(first, again)
		assert not torch.equal(first[:, :8], other[:, :8])
		assert torch.equal(first[:, 8:], other[:, 8:])

	def test_xl_hears_the_picture_in_place_of_the_pooled_text(self) -> None:
		"""The text itself stays."""
		prompt = replace(POOLED, variations=(Variation(replace(self.SEEN, embeds=torch.ones(1, 1280))),))
		told = network(**SDXL).inputs(prompt, X)

		assert told.pooled is not None
		assert told.pooled.shape == (1, 1280)
		assert (told.pooled - 1).abs().max() < 0.5
		assert torch.equal(told.embedding, POOLED.embedding)


class TestInpainting:
	def test_without_a_mask_all_is_painted_over_grey(self) -> None:
		"""One for the mask, then the latent of mid-grey."""
		told = beside(9)

		assert told.shape == (1, 5, 8, 12)
		assert torch.equal(told[0, :, 3, 3], torch.tensor([1.0, *GREY]))

	def test_a_prompt_brings_mask_and_picture(self) -> None:
		"""The mask in pixels becomes one of latents, nothing between 0 and 1; the latent is scaled for the model."""
		mask = torch.zeros(1, 1, 64, 96)
		mask[..., 48:] = 1
		told = beside(9, Prompt(PLAIN.embedding, concat=torch.full((1, 4, 8, 12), 3.0), concat_mask=mask))

		assert torch.equal(told[0, 0], torch.tensor([0.0] * 6 + [1.0] * 6).expand(8, 12))
		assert torch.equal(told[:, 1:], torch.full((1, 4, 8, 12), 1.5))

	def test_the_mask_of_the_latent_serves_where_the_prompt_has_none(self) -> None:
		"""With the latent that sampling begins with, one for each of the batch."""
		clean = torch.stack([torch.full((4, 8, 12), 1.0), torch.full((4, 8, 12), 2.0)])
		told = beside(9, scene=Scene(clean=clean, mask=torch.ones(2, 1, 8, 12)))

		assert torch.equal(told[:, 1:], clean)
		assert bool((told[:, 0] == 1).all())

	def test_fewer_pictures_than_latents_are_spread(self) -> None:
		"""Each stands for its half of them."""
		pictures = torch.arange(2.0).reshape(2, 1, 1, 1).expand(-1, 4, 8, 12)
		given = Prompt(PLAIN.embedding, concat=pictures, concat_mask=torch.ones(1, 1, 8, 12))
		told = network(in_channels=9).inputs(given, torch.zeros(4, 4, 8, 12)).concat

		assert told is not None
		assert told[:, 1, 0, 0].tolist() == [0, 0, 0.5, 0.5]

	def test_a_picture_of_other_proportions_is_cut_in_the_middle(self) -> None:
		"""Then made as large as the latent."""
		wide = torch.zeros(1, 4, 8, 24)
		wide[..., 6:18] = 1
		told = beside(9, Prompt(PLAIN.embedding, concat=wide, concat_mask=torch.ones(1, 1, 8, 12)))

		assert torch.equal(told[:, 1:], torch.full((1, 4, 8, 12), 0.5))


class TestEditing:
	def test_the_picture_is_told_in_the_scale_of_the_vae(self) -> None:
		"""InstructPix2Pix was trained so."""
		told = beside(8, Prompt(PLAIN.embedding, concat=torch.full((1, 4, 8, 12), 3.0)))

		assert torch.equal(told, torch.full((1, 4, 8, 12), 3.0))

	def test_a_network_may_want_it_in_the_scale_of_the_model(self) -> None:
		"""Also when it is built around another module."""
		scaled = UNet(torch.nn.Linear(1, 1), {'in_channels': 8}, LATENTS, edits_scaled=True)
		given = Prompt(PLAIN.embedding, concat=torch.full((1, 4, 8, 12), 3.0))
		told = [one.inputs(given, X).concat for one in (scaled, scaled.around(torch.nn.Linear(1, 1)))]

		assert all(one is not None and torch.equal(one, torch.full((1, 4, 8, 12), 1.5)) for one in told)

	def test_without_a_picture_it_hears_zeros(self) -> None:
		"""Its guidance by the picture leads away from them."""
		assert not beside(8).any()
