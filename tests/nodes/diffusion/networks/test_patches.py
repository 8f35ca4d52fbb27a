"""Latents as rows of tokens."""

from __future__ import annotations

import pytest
import torch
from diffusers import FluxPipeline

from nodes.diffusion.networks.patches import packed, padded, positions, unpacked


class TestPacked:
	def test_tokens_are_those_of_the_pipeline(self) -> None:
		"""Row by row, and in each token channel by channel."""
		latent = torch.randn(2, 16, 4, 6)

		assert torch.equal(packed(latent), FluxPipeline._pack_latents(latent, 2, 16, 4, 6))

	@pytest.mark.parametrize(('height', 'width'), [(4, 6), (5, 6), (4, 3), (1, 1)])
	def test_the_way_back_gives_the_latent(self, height: int, width: int) -> None:
		"""Whatever its sides."""
		latent = torch.randn(2, 3, height, width)

		assert torch.equal(unpacked(packed(latent), latent), latent)

	def test_odd_sides_go_on_at_the_other_end(self) -> None:
		"""A third column is followed by the first."""
		latent = torch.arange(3.0).reshape(1, 1, 1, 3)

		assert padded(latent)[0, 0].tolist() == [[0, 1, 2, 0], [0, 1, 2, 0]]


class TestPositions:
	def test_rows_and_columns_count_from_where_they_begin(self) -> None:
		"""The first axis is one number for all."""
		places = positions(torch.zeros(1, 1, 2, 4), axes=3, first=1, top=5, left=7)

		assert places.tolist() == [[1, 5, 7], [1, 5, 8]]
