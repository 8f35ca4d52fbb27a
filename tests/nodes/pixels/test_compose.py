"""Pasting, compositing, combining masks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nodes.pixels.compose import MASK_OPERATIONS, PORTER_DUFF, composite, feathered, porter_duff


def zeros(height: int = 4, width: int = 4) -> Tensor:
	"""An empty destination."""
	return torch.zeros(1, 1, height, width)


class TestComposite:
	"""`composite` pastes, as far as it fits."""

	def test_place(self) -> None:
		"""x to the right, y down."""
		made = composite(zeros(), torch.ones(1, 1, 2, 1), 1, 2)

		assert made[0, 0].nonzero().tolist() == [[2, 1], [3, 1]]

	def test_what_stands_over_is_cut(self) -> None:
		"""On the right and below; beyond the border nothing shows."""
		source = torch.arange(1.0, 5).reshape(1, 1, 2, 2)

		assert composite(zeros(), source, 3, 3)[0, 0, 3, 3] == 1
		assert composite(zeros(), source, 3, 3).sum() == 1
		assert composite(zeros(), source, 4, 4).sum() == 0

	def test_units(self) -> None:
		"""With units of 8, places are rounded down to whole elements."""
		made = composite(zeros(), torch.ones(1, 1, 1, 1), 15, 16, unit=8)

		assert made[0, 0].nonzero().tolist() == [[2, 1]]

	def test_mask_is_stretched_over_the_source(self) -> None:
		"""And weighs between the two."""
		mask = torch.tensor([[[0.0, 0.0, 1.0, 1.0]]])
		made = composite(zeros(1, 4), torch.full((1, 1, 1, 4), 2.0), 0, 0, mask)
		half = composite(torch.ones(1, 1, 1, 4), torch.full((1, 1, 1, 4), 2.0), 0, 0, torch.full((1, 7, 9), 0.5))

		assert made.flatten().tolist() == [0, 0, 2, 2]
		assert half.flatten().tolist() == [1.5] * 4

	def test_fit(self) -> None:
		"""The source covers all of the destination."""
		assert (composite(zeros(), torch.ones(1, 1, 1, 1), 0, 0, fit=True) == 1).all()

	def test_batches(self) -> None:
		"""Sources and masks are repeated over the destination's batch."""
		source = torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1)
		made = composite(torch.zeros(3, 1, 1, 1), source, 0, 0, torch.ones(1, 1, 1))

		assert made.flatten().tolist() == [1, 2, 1]

	def test_destination_stays(self) -> None:
		"""It is copied."""
		destination = zeros()
		composite(destination, torch.ones(1, 1, 2, 2), 0, 0)

		assert destination.sum() == 0


class TestFeathered:
	"""Edges inside of the destination fade, those at its border do not."""

	def test_inner_edges(self) -> None:
		"""In the middle all four fade: the corner by both."""
		made = feathered(torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 4, 4), 2, 2, 2)[0, 0, 2:6, 2:6]

		assert made[1].tolist() == [0.5, 1, 1, 0.5]
		assert made[0].tolist() == [0.25, 0.5, 0.5, 0.25]

	def test_border(self) -> None:
		"""At the top left only the right and the lower edge fade."""
		made = feathered(torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 4, 4), 0, 0, 2)[0, 0, :4, :4]

		assert made[0].tolist() == [1, 1, 1, 0.5]
		assert made[3].tolist() == [0.5, 0.5, 0.5, 0.25]

	def test_no_feather_pastes(self) -> None:
		"""And what stands over is cut off; outside nothing is pasted."""
		assert feathered(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 3, 3), 2, 3, 0).sum() == 2
		assert feathered(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 3, 3), 9, 9, 0).sum() == 0


OPAQUE: dict[str, tuple[float, float]] = {
	# mode → (colour, alpha) of 0.2 over 0.6, both opaque.
	'ADD': (0.8, 1),
	'CLEAR': (0, 0),
	'DARKEN': (0.2, 1),
	'DST': (0.6, 1),
	'DST_ATOP': (0.6, 1),
	'DST_IN': (0.6, 1),
	'DST_OUT': (0, 0),
	'DST_OVER': (0.6, 1),
	'LIGHTEN': (0.6, 1),
	'MULTIPLY': (0.12, 1),
	'OVERLAY': (0.36, 1),
	'SCREEN': (0.68, 1),
	'SRC': (0.2, 1),
	'SRC_ATOP': (0.2, 1),
	'SRC_IN': (0.2, 1),
	'SRC_OUT': (0, 0),
	'SRC_OVER': (0.2, 1),
	'XOR': (0, 0),
}
HALF: dict[str, tuple[float, float]] = {
	# The same with alphas of a half; colours are given back without alpha.
	'DST_ATOP': (0.4, 0.5),
	'DST_IN': (0.6, 0.25),
	'DST_OUT': (0.6, 0.25),
	'DST_OVER': ((0.3 + 0.05) / 0.75, 0.75),
	'SRC_ATOP': (0.4, 0.5),
	'SRC_IN': (0.2, 0.25),
	'SRC_OUT': (0.2, 0.25),
	'SRC_OVER': ((0.1 + 0.15) / 0.75, 0.75),
	'XOR': (0.4, 0.5),
}


def one(value: float) -> Tensor:
	"""A single element."""
	return torch.tensor(value).reshape(1, 1, 1, 1)


class TestPorterDuff:
	"""The operators, and the blend modes beside them."""

	def test_each_is_tested(self) -> None:
		"""No mode goes without a figure."""
		assert OPAQUE.keys() == PORTER_DUFF.keys()

	@pytest.mark.parametrize('mode', OPAQUE)
	def test_opaque(self, mode: str) -> None:
		"""Of opaque pictures one is seen, or both are blended."""
		colour, alpha = porter_duff(one(0.2), one(1), one(0.6), one(1), mode)

		assert (colour.item(), alpha.item()) == pytest.approx(OPAQUE[mode], abs=1e-6)

	@pytest.mark.parametrize('mode', HALF)
	def test_half(self, mode: str) -> None:
		"""Half-transparent ones show through each other."""
		colour, alpha = porter_duff(one(0.2), one(0.5), one(0.6), one(0.5), mode)

		assert (colour.item(), alpha.item()) == pytest.approx(HALF[mode], abs=1e-6)


class TestMaskOperations:
	"""Arithmetic of values, and logic of values rounded to 0 and 1."""

	@pytest.mark.parametrize(
		('name', 'expected'),
		[
			('multiply', [0.0, 0.16, 0.36]),
			('add', [0.6, 1.0, 1.2]),
			('subtract', [-0.6, 0.6, 0.0]),
			('and', [0, 0, 1]),
			('or', [1, 1, 1]),
			('xor', [1, 1, 0]),
		],
	)
	def test_operation(self, name: str, expected: list[float]) -> None:
		"""Of 0 and 0.6, 0.8 and 0.2, 0.6 and 0.6."""
		made = MASK_OPERATIONS[name](torch.tensor([0.0, 0.8, 0.6]), torch.tensor([0.6, 0.2, 0.6]))

		assert made.tolist() == pytest.approx(expected, abs=1e-6)
