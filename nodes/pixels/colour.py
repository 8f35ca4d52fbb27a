"""Transfer functions: from what a display is given to light."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor


def from_srgb(values: Tensor) -> Tensor:
	"""Linear light of sRGB values (IEC 61966-2-1); the sign is kept."""
	sizes = values.abs()
	return torch.where(sizes <= 0.04045, sizes / 12.92, ((sizes + 0.055) / 1.055) ** 2.4) * values.sign()


def from_hlg(values: Tensor) -> Tensor:
	"""Scene light, 0 to 1, of hybrid log-gamma values (ITU-R BT.2100)."""
	a, b, c = 0.17883277, 0.28466892, 0.55991073
	values = values.clamp(min=0)
	return torch.where(values <= 0.5, values**2 / 3, (torch.exp((values - c) / a) + b) / 12)


TO_LIGHT: Mapping[str, Callable[[Tensor], Tensor]] = {
	'sRGB': from_srgb,
	'HDR': from_hlg,
	'linear': lambda values: values,
}
"""Colour space by name → its transfer function."""
