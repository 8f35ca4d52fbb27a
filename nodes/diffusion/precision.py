"""Which precision `auto` stands for: by device, part and family. Imports torch only to ask a device what it can."""

from __future__ import annotations

from collections.abc import Mapping

from engine.models import AUTO, Load, Place
from nodes.diffusion.cpu import has_bfloat16

QUANTISED: Mapping[str, int] = {'int8_weight_only': 5, 'int8_dynamic_activation': 5, 'float8_weight_only': 4}
"""Methods by which torchao quantises the weights of linear layers to one byte a value, and the bytes that each row takes
beside. Its int4 needs kernels for GPUs that do not come with it."""
LIBRARY, PURPOSE, ADVICE = 'torchao', 'Quantising a model', "pip install 'lumengraph[quantise]'"
"""What is said where it is missing."""
OVERFLOWS = frozenset({('vae', 'sdxl'), ('vae', 'sdxl-refiner')})
"""Parts of families whose activations leave the range of float16."""
HALF = ('sd1', 'sd2', 'sdxl')
"""Families whose networks were trained, and are published, in float16. Later ones were trained in bfloat16."""
TOWERS_IN_FULL = 'text'
"""Encoders such as T5 overflow in float16, and run once per prompt only."""

LARGE: Mapping[str, int] = {
	'denoiser': 50_000_000,
	'controlnet': 50_000_000,
	'gligen': 50_000_000,
	'vae': 50_000_000,
	'text': 1_000_000_000,
	'speaker': 1_000_000_000,
	'eyes': 500_000_000,
}
"""Numbers of weights from which a part gains more from bfloat16 on the CPU than its results lose. Control networks run with
the denoiser at each step. Text encoders run once per prompt: only those gain that hardly fit in memory, and the
eyes of such."""


def auto(place: Place, part: str, family: str, *, weights: int = 0, exact: bool = False) -> str:
	"""The precision that a part of a model is computed in on a device, unless the user says otherwise.

	Exact is float32. On the CPU bfloat16 if the processor computes with it natively, for parts with so many weights that
	they gain from it. On a GPU bfloat16 where it has it (compute capability 8.0), for families that were made for float16
	that; but never float16 where values would overflow it. On Apple's devices float16, or float32 where that overflows.
	"""
	if exact:
		return 'float32'
	kind = place.partition(':')[0]
	if kind == 'cpu':
		return 'bfloat16' if part in LARGE and weights >= LARGE[part] and has_bfloat16() else 'float32'
	is_new = kind == 'cuda' and _capability(place) >= (8, 0)
	fits_half = (part, family) not in OVERFLOWS and part != TOWERS_IN_FULL and family.startswith(HALF)
	if fits_half and (kind == 'mps' or _capability(place) >= (7, 0)):
		return 'float16'
	return 'bfloat16' if is_new else 'float32'


def resolved(load: Load, family: str, weights: int) -> str:
	"""The precision that a load asks for, with `auto` decided for a part with so many weights."""
	if load.dtype != AUTO:
		return load.dtype
	return auto(load.place, load.part, family, weights=weights, exact=load.exact)


def profile(place: Place, exact: bool) -> str:
	"""What the results of a device depend on: the precisions that `auto` stands for there."""
	found = (auto(place, 'denoiser', family, weights=LARGE['denoiser'], exact=exact) for family in ('sd1', 'flux'))
	return '-'.join(dict.fromkeys(found))


def _capability(place: Place) -> tuple[int, int]:
	"""The compute capability of a GPU."""
	import torch

	return torch.cuda.get_device_capability(torch.device(place))
