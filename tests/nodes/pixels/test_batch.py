"""One batch, one size, one number of channels."""

from __future__ import annotations

import pytest
import torch

from nodes.pixels.batch import joined, latent_like, repeated_to, spread_to, with_channels


class TestRepeatedTo:
	def test_from_the_start_again(self) -> None:
		"""Too few are gone through again, too many are cut off."""
		numbers = torch.arange(3).reshape(3, 1)

		assert repeated_to(numbers, 7).flatten().tolist() == [0, 1, 2, 0, 1, 2, 0]
		assert repeated_to(numbers, 2).flatten().tolist() == [0, 1]
		assert torch.equal(repeated_to(numbers, 3), numbers)


class TestSpreadTo:
	@pytest.mark.parametrize(
		('count', 'batch', 'wanted'),
		[
			(2, 4, [0, 0, 1, 1]),
			(2, 3, [0, 1, 1]),
			(3, 4, [0, 1, 1, 2]),
			(5, 3, [0, 2, 4]),
			(4, 2, [0, 3]),
			(3, 1, [0]),
			(3, 3, [0, 1, 2]),
		],
	)
	def test_evenly_in_their_order(self, count: int, batch: int, wanted: list[int]) -> None:
		"""Too few stand for several that follow each other; of too many the first and the last stay."""
		assert spread_to(torch.arange(count)[:, None], batch).flatten().tolist() == wanted


class TestLatentLike:
	def test_size_and_batch(self) -> None:
		"""Cut to the middle, scaled, and repeated."""
		samples = torch.rand(1, 4, 8, 16)

		assert latent_like(samples, (3, 4, 4, 4)).shape == (3, 4, 4, 4)
		assert latent_like(samples, (3, 4, 4, 4), repeat=False).shape == (1, 4, 4, 4)


class TestWithChannels:
	def test_alpha(self) -> None:
		"""A new one is opaque; one too many is left out."""
		pixels = torch.zeros(1, 2, 2, 3)

		assert with_channels(pixels, 4)[0, 0, 0].tolist() == [0, 0, 0, 1]
		assert with_channels(torch.zeros(1, 2, 2, 4), 3).shape[-1] == 3


class TestJoined:
	def test_all_are_like_the_first(self) -> None:
		"""In size; the most channels are kept."""
		made = joined((torch.zeros(1, 4, 6, 3), torch.ones(2, 8, 8, 4), torch.ones(1, 4, 6, 3)))

		assert made.shape == (4, 4, 6, 4)
		assert made[0, 0, 0].tolist() == [0, 0, 0, 1]
		assert (made[1:] == 1).all()
