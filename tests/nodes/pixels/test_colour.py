"""Transfer functions."""

from __future__ import annotations

import pytest
import torch

from nodes.pixels.colour import TO_LIGHT, from_hlg, from_srgb


def test_srgb() -> None:
	"""Ends stay, the middle is 0.214; what is negative is mirrored."""
	made = from_srgb(torch.tensor([0.0, 0.04, 0.5, 1.0, -0.5]))

	assert made.tolist() == pytest.approx([0, 0.04 / 12.92, 0.21404114, 1, -0.21404114], abs=1e-6)


def test_hlg() -> None:
	"""A half is a twelfth of the light, 1 is all of it."""
	assert from_hlg(torch.tensor([0.0, 0.5, 1.0])).tolist() == pytest.approx([0, 1 / 12, 1], abs=1e-5)


def test_linear_is_light() -> None:
	"""It is left as it is."""
	values = torch.rand(3)

	assert torch.equal(TO_LIGHT['linear'](values), values)
