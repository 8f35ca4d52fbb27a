"""Batches of latents, with noise masks and places in the batch."""

from __future__ import annotations

import math

import torch

from nodes.pixels.latents import batched, interpolated, narrowed, repeated, taken
from nodes.values import Latent


def latents(count: int, *, masks: int = 0, index: tuple[int, ...] | None = None) -> Latent:
	"""Latents that tell their number, with masks that tell theirs."""
	numbers = torch.arange(float(count)).reshape(count, 1, 1, 1).expand(count, 4, 2, 2)
	mask = torch.arange(float(masks)).reshape(masks, 1, 1).expand(masks, 16, 16) if masks else None
	return Latent(numbers, mask, index)


def numbers(latent: Latent) -> list[float]:
	"""Which latents they are."""
	return latent.samples[:, 0, 0, 0].tolist()


def masks(latent: Latent) -> list[float]:
	"""Which masks they have."""
	assert latent.noise_mask is not None
	return latent.noise_mask[:, 0, 0].tolist()


class TestTaken:
	def test_places_are_remembered(self) -> None:
		"""They get the noise that they would have had."""
		made = taken(latents(5), 2, 2)

		assert numbers(made) == [2, 3]
		assert made.batch_index == (2, 3)

	def test_known_places_are_kept(self) -> None:
		"""Of those that were taken from elsewhere before."""
		assert taken(latents(3, index=(7, 8, 9)), 1, 2).batch_index == (8, 9)

	def test_as_far_as_there_are(self) -> None:
		"""Beyond the last there is the last."""
		assert numbers(taken(latents(3), 9, 9)) == [2]
		assert numbers(taken(latents(3), 1, 9)) == [1, 2]

	def test_masks_follow(self) -> None:
		"""One for all stays; fewer than latents are repeated."""
		assert masks(taken(latents(4, masks=4), 1, 2)) == [1, 2]
		assert masks(taken(latents(4, masks=2), 3, 1)) == [1]
		assert masks(taken(latents(4, masks=1), 3, 1)) == [0]


class TestRepeated:
	def test_all_over(self) -> None:
		"""One batch after the other; unknown places stay unknown."""
		made = repeated(latents(2), 2)

		assert numbers(made) == [0, 1, 0, 1]
		assert made.batch_index is None

	def test_places_go_on(self) -> None:
		"""By the span of those that are known."""
		assert repeated(latents(2, index=(3, 5)), 3).batch_index == (3, 5, 6, 8, 9, 11)

	def test_masks_follow(self) -> None:
		"""One for all stays one."""
		assert masks(repeated(latents(2, masks=2), 2)) == [0, 1, 0, 1]
		assert masks(repeated(latents(2, masks=1), 2)) == [0]


class TestBatched:
	def test_places_of_both(self) -> None:
		"""Each batch counts for itself."""
		made = batched(latents(2), latents(2, index=(4, 5)))

		assert numbers(made) == [0, 1, 0, 1]
		assert made.batch_index == (0, 1, 4, 5)

	def test_size_of_the_first(self) -> None:
		"""The second is scaled, and not repeated."""
		assert batched(latents(3), Latent(torch.rand(1, 4, 8, 8))).samples.shape == (4, 4, 2, 2)


class TestInterpolated:
	def test_lengths_and_directions(self) -> None:
		"""Between (4, 0) and (0, 2) lies a vector of length 3 at 45 degrees."""
		one = torch.tensor([4.0, 0.0]).reshape(1, 2, 1, 1)
		other = torch.tensor([0.0, 2.0]).reshape(1, 2, 1, 1)
		made = interpolated(one, other, 0.5).flatten()

		assert torch.allclose(made, torch.full((2,), 3 / math.sqrt(2)))

	def test_ends(self) -> None:
		"""1 is the first, 0 the second; zeros are no danger."""
		one, other = torch.rand(1, 4, 3, 3), torch.zeros(1, 4, 3, 3)

		assert torch.allclose(interpolated(one, other, 1.0), one)
		assert torch.equal(interpolated(one, other, 0.0), other)


class TestNarrowed:
	def test_from_either_end(self) -> None:
		"""As far as it reaches."""
		line = torch.arange(5)

		assert narrowed(line, 0, 1, 2).tolist() == [1, 2]
		assert narrowed(line, 0, 3, 9).tolist() == [3, 4]
		assert narrowed(line, 0, 9, 1).tolist() == [4]
		assert narrowed(line, 0, -2, 9).tolist() == [3, 4]
		assert narrowed(line, 0, -9, 2).tolist() == [0, 1]
