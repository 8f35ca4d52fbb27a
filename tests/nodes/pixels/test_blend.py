"""Blend modes, each at a value below and one above the middle."""

from __future__ import annotations

import math

import pytest
import torch

from nodes.pixels.blend import MODES, blend

EXPECTED = {
	# Of 0.2 with 0.8, and of 0.8 with 0.2.
	'normal': (0.8, 0.2),
	'multiply': (0.16, 0.16),
	'screen': (0.84, 0.84),
	'overlay': (0.32, 0.68),
	'soft_light': (0.2 + 0.6 * ((16 * 0.2 - 12) * 0.2 + 4) * 0.2 - 0.6 * 0.2, 0.8 - 0.6 * 0.8 * 0.2),
	'difference': (0.0, 0.6),
}


@pytest.mark.parametrize('mode', sorted(MODES))
def test_mode(mode: str) -> None:
	"""By the formula of the mode, cut to 0 to 1."""
	made = blend(torch.tensor([0.2, 0.8]), torch.tensor([0.8, 0.2]), 1.0, mode)

	assert made.tolist() == pytest.approx(EXPECTED[mode], abs=1e-6)


def test_soft_light_of_bright_pixels_takes_the_root() -> None:
	"""Above a quarter the lighter half is a square root."""
	made = blend(torch.tensor([0.5]), torch.tensor([0.75]), 1.0, 'soft_light')

	assert made.item() == pytest.approx(0.5 + 0.5 * (math.sqrt(0.5) - 0.5), abs=1e-6)


def test_amount() -> None:
	"""So much of the blend lies over the first picture."""
	assert blend(torch.tensor([0.0]), torch.tensor([1.0]), 0.25, 'normal').item() == 0.25
	assert blend(torch.tensor([0.4]), torch.tensor([1.0]), 0.0, 'multiply').item() == pytest.approx(0.4)
