"""Maps that are seen beside the noisy latent: their sides and how many they are."""

from __future__ import annotations

import torch

from nodes.diffusion.networks.beside import fitted, joined


class TestFitted:
	def test_the_middle_is_kept(self) -> None:
		"""A wide picture loses both ends alike."""
		picture = torch.arange(8.0).expand(1, 1, 4, 8)

		assert fitted(picture, 4, 4)[0, 0, 0].tolist() == [2, 3, 4, 5]

	def test_what_fits_is_left_alone(self) -> None:
		"""Not even copied."""
		picture = torch.zeros(1, 1, 4, 8)

		assert fitted(picture, 4, 8) is picture

	def test_a_small_picture_is_enlarged(self) -> None:
		"""To exactly the sides asked for."""
		assert fitted(torch.ones(1, 2, 3, 5), 8, 8).shape == (1, 2, 8, 8)

	def test_both_ends_lose_whole_values(self) -> None:
		"""An odd one that stands over is not cut off, but scaled with the rest."""
		picture = torch.arange(9.0).expand(1, 1, 8, 9)

		assert torch.equal(fitted(picture, 8, 8)[0, 0, 0, [0, -1]], torch.tensor([0.0625, 7.9375]))


class TestJoined:
	def test_single_maps_stay_one(self) -> None:
		"""It serves all latents alike."""
		assert joined(3, torch.ones(1, 4, 2, 2), torch.zeros(1, 1, 2, 2)).shape == (1, 5, 2, 2)

	def test_unequal_batches_are_brought_to_the_latents(self) -> None:
		"""Each of two maps stands for its half of the latents."""
		pictures = torch.arange(2.0).reshape(2, 1, 1, 1)

		assert joined(4, pictures, torch.ones(1, 1, 1, 1))[:, :, 0, 0].tolist() == [[0, 1], [0, 1], [1, 1], [1, 1]]
