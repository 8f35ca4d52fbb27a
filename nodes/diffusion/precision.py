"""Which precision `auto` stands for: by device, part and family. Imports torch only to ask a GPU what it can."""

from __future__ import annotations

from engine.models import Place

AUTO = 'auto'
OVERFLOWS = frozenset({('vae', 'sdxl'), ('vae', 'sdxl-refiner')})
"""Parts of families whose activations leave the range of float16."""
HALF = ('sd1', 'sd2', 'sdxl')
"""Families whose networks were trained, and are published, in float16. Later ones were trained in bfloat16."""
TOWERS_IN_FULL = 'text'
"""Encoders such as T5 overflow in float16, and run once per prompt only."""


def auto(place: Place, part: str, family: str) -> str:
	"""The precision that a part of a model is computed in on a device, unless the user says otherwise.

	On the CPU float32. On a GPU bfloat16 where it has it (compute capability 8.0), for families that were made for float16
	that; but never float16 where values would overflow it. On Apple's devices float16, or float32 where that overflows.
	"""
	kind = place.partition(':')[0]
	if kind == 'cpu':
		return 'float32'
	has_bfloat16 = kind == 'cuda' and _capability(place) >= (8, 0)
	fits_half = (part, family) not in OVERFLOWS and part != TOWERS_IN_FULL and family.startswith(HALF)
	if fits_half and (kind == 'mps' or _capability(place) >= (7, 0)):
		return 'float16'
	return 'bfloat16' if has_bfloat16 else 'float32'


def resolved(dtype: str, place: Place, part: str, family: str) -> str:
	"""The precision that is asked for, with `auto` decided."""
	return auto(place, part, family) if dtype == AUTO else dtype


def profile(place: Place) -> str:
	"""What the results of a device depend on: the precisions that `auto` stands for there."""
	return (
		auto(place, 'denoiser', 'sd1')
		if place == 'cpu'
		else '-'.join(dict.fromkeys((auto(place, 'denoiser', 'sd1'), auto(place, 'denoiser', 'flux'))))
	)


def _capability(place: Place) -> tuple[int, int]:
	"""The compute capability of a GPU."""
	import torch

	return torch.cuda.get_device_capability(torch.device(place))
