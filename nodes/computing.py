"""What torch says of devices, for the engine, which knows no torch; nothing here imports it."""

from __future__ import annotations

import gc
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from engine.models import Load, Size

if TYPE_CHECKING:
	from engine.compute import Compute

FULL = ('out of memory', "can't allocate memory", 'not enough memory')
"""What torch's allocators say, in messages of plain `RuntimeError`s: those of the CPU, of Apple's devices, of others."""


def add_computing(compute: Compute) -> None:
	"""Tell the engine of torch's devices."""
	from nodes.diffusion.precision import profile
	from nodes.diffusion.working import add_forecasters

	compute.full.append(is_full)
	compute.trims.append(trim)
	compute.profiles.append(profile)
	add_forecasters(compute)


def is_full(error: BaseException) -> bool:
	"""Whether an error is torch's, and says that a device's memory, or the machine's, has run out."""
	torch = _torch()
	if torch is None or not isinstance(error, RuntimeError):
		return False
	return isinstance(error, torch.OutOfMemoryError) or any(words in str(error).lower() for words in FULL)


def trim() -> None:
	"""Give back to the system what was let go of: networks with hooks are in cycles, and GPUs have caches."""
	torch = _torch()
	if torch is None:
		return
	gc.collect()
	if torch.cuda.is_initialized():
		torch.cuda.empty_cache()


def measure(load: Load) -> Size | None:
	"""The size of a part of a model, from its file's header."""
	from nodes.diffusion.sizes import measure

	return measure(load)


def measure_whole(load: Load) -> Size | None:
	"""The same of what cannot be streamed."""
	from nodes.diffusion.sizes import measure_whole

	return measure_whole(load)


def measure_control(load: Load) -> Size | None:
	"""The same of a control network, of which some can be streamed."""
	from nodes.diffusion.sizes import measure_control

	return measure_control(load)


def _torch() -> ModuleType | None:
	return sys.modules.get('torch')
