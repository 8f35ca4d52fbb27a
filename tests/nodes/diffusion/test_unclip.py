"""Embedded pictures with noise, against diffusers' schedule and waves."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from diffusers import DDPMScheduler
from diffusers.models.embeddings import get_timestep_embedding
from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion import unclip
from nodes.vision_values import Variation, VisionOutput
from tests.nodes.diffusion.patches.conftest import noise

WIDTH = 8
SEED = 3
NOTHING = torch.zeros(1, 1, 1)


def picture(embeds: Tensor, strength: float = 1.0, level: float = 0.0) -> Variation:
	return Variation(VisionOutput(NOTHING, NOTHING, embeds), strength, level)


def expected(embedding: Tensor, level: float, generator: torch.Generator) -> Tensor:
	"""Noise and waves by diffusers."""
	step = torch.tensor([round(999 * level)])
	scheduler = cast(Any, DDPMScheduler)(num_train_timesteps=1000, beta_schedule='squaredcos_cap_v2')
	noised: Tensor = scheduler.add_noise(embedding, torch.randn(1, WIDTH, generator=generator), step)
	waves: Tensor = get_timestep_embedding(step, WIDTH, flip_sin_to_cos=True, downscale_freq_shift=0)
	return torch.cat([noised, waves], dim=1)


class TestOne:
	@pytest.mark.parametrize('level', [0.0, 0.3, 1.0])
	def test_is_noised_by_its_level(self, level: float) -> None:
		"""The seed of the noise is ten before that of the picture's; strength multiplies all."""
		embeds = noise(1, WIDTH)
		generator = torch.Generator().manual_seed(SEED - 10)
		heard = unclip.heard((picture(embeds, 0.5, level),), WIDTH, SEED, 0.05)

		assert torch.allclose(heard, expected(embeds, level, generator) * 0.5, atol=1e-5)

	def test_of_another_width_is_refused(self) -> None:
		"""Both widths are told, and what to do."""
		with pytest.raises(NodeUsage, match=r'vectors of 8 numbers; they were encoded as \[4\]'):
			unclip.heard((picture(noise(1, 4)),), WIDTH, SEED, 0.05)


class TestSeveral:
	def test_are_added_up_and_noised_once_more(self) -> None:
		"""Each of a batch counts; the last noise comes from where the generator stands after the last picture's."""
		pair, single = noise(2, WIDTH), noise(1, WIDTH)
		heard = unclip.heard((picture(pair, 0.5, 0.2), picture(single, -1.0, 0.4)), WIDTH, SEED, 0.05)

		total = torch.zeros(1, 2 * WIDTH)
		for embedding, strength, level in ((pair[:1], 0.5, 0.2), (pair[1:], 0.5, 0.2), (single, -1.0, 0.4)):
			generator = torch.Generator().manual_seed(SEED - 10)
			total += expected(embedding, level, generator) * strength
		assert torch.allclose(heard, expected(total[:, :WIDTH], 0.05, generator), atol=1e-5)
