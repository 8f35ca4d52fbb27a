"""Two latents into one."""

from __future__ import annotations

import pytest
import torch

from nodes import latent_combine
from nodes.values import Latent, Mask


def flat(level: float, *, batch: int = 1, side: int = 4) -> Latent:
	"""Latents of one level."""
	return Latent(torch.full((batch, 4, side, side), level))


class TestArithmetic:
	def test_sums(self) -> None:
		"""Value by value; the second is made like the first."""
		two = flat(2.0, batch=2)

		assert (latent_combine.add(two, flat(0.5, side=8)).samples == 2.5).all()
		assert (latent_combine.subtract(two, flat(0.5, batch=3)).samples == 1.5).all()
		assert (latent_combine.multiply(two, -2.0).samples == -4).all()
		assert latent_combine.add(two, flat(0.5, side=8)).samples.shape == (2, 4, 4, 4)

	def test_blend(self) -> None:
		"""So much of the first."""
		assert torch.allclose(latent_combine.blend(flat(1.0), flat(0.0, side=8), 0.75).samples, torch.tensor(0.75))

	def test_interpolate(self) -> None:
		"""1 is the first."""
		one, other = Latent(torch.randn(1, 4, 4, 4)), Latent(torch.randn(1, 4, 4, 4))

		assert torch.allclose(latent_combine.interpolate(one, other, 1.0).samples, one.samples, atol=1e-6)
		assert torch.allclose(latent_combine.interpolate(one, other, 0.0).samples, other.samples, atol=1e-6)


class TestJoining:
	def test_batch(self) -> None:
		"""One after the other."""
		made = latent_combine.batch(flat(0.0), flat(1.0, batch=2, side=8))

		assert made.samples[:, 0, 0, 0].tolist() == [0, 1, 1]
		assert made.batch_index == (0, 0, 1)

	@pytest.mark.parametrize(
		('dim', 'shape', 'first'),
		[
			('x', (1, 4, 4, 8), 0.0),
			('-x', (1, 4, 4, 8), 1.0),
			('y', (1, 4, 8, 4), 0.0),
			('-y', (1, 4, 8, 4), 1.0),
			('t', (1, 8, 4, 4), 0.0),
			('-t', (1, 8, 4, 4), 1.0),
		],
	)
	def test_concat(self, dim: str, shape: tuple[int, ...], first: float) -> None:
		"""Beside each other; with − the second comes first."""
		made = latent_combine.concat(flat(0.0), flat(1.0, batch=2), dim).samples

		assert made.shape == shape
		assert made[0, 0, 0, 0] == first


class TestComposites:
	def test_places_are_pixels(self) -> None:
		"""Eight of them are one value, rounded down."""
		made = latent_combine.composite(flat(0.0), flat(1.0, side=1), 15, 16, 0).samples

		assert made[0, 0].nonzero().tolist() == [[2, 1]]

	def test_feather(self) -> None:
		"""In pixels as well."""
		made = latent_combine.composite(flat(0.0, side=8), flat(1.0), 16, 0, 16).samples[0, 0]

		assert made[0, 2:6].tolist() == [0.5, 1, 1, 0.5]

	def test_masked(self) -> None:
		"""Through a mask, at a place; or over all."""
		mask = Mask(torch.tensor([[[1.0, 0.0]]]))
		made = latent_combine.composite_masked(flat(0.0), flat(1.0, side=2), 8, 8, False, mask).samples

		assert made[0, 0].nonzero().tolist() == [[1, 1], [2, 1]]
		assert (latent_combine.composite_masked(flat(0.0), flat(1.0, side=1), 0, 0, True).samples == 1).all()
