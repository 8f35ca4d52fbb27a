"""What torch says of devices, for the engine, which knows no torch; nothing here imports it."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pydantic import JsonValue

from engine.models import Load, Size, Touch

if TYPE_CHECKING:
	from engine.compute import Compute

WAITING = 'OMP_WAIT_POLICY'

FULL = ('out of memory', "can't allocate memory", 'not enough memory')
"""What torch's allocators say, in messages of plain `RuntimeError`s: those of the CPU, of Apple's devices, of others."""


def add_computing(compute: Compute) -> None:
	"""Tell the engine of torch's devices."""
	# diffusers imports torchao where it is installed, which then tells of each of its libraries for GPUs that is missing.
	logging.getLogger('torchao').setLevel(logging.ERROR)
	from nodes.diffusion.precision import profile
	from nodes.diffusion.sizes import known_width
	from nodes.diffusion.working import add_forecasters
	from nodes.load import PRECISIONS

	sleep_while_waiting()
	compute.full.append(is_full)
	compute.trims.append(trim)
	compute.profiles.append(profile)
	compute.precisions['weight_dtype'] = PRECISIONS
	compute.widths.append(known_width)
	compute.changes['loras'] = _lora
	compute.changes['hypernetworks'] = _hypernetwork
	add_forecasters(compute)


def sleep_while_waiting() -> None:
	"""Have OpenMP's threads sleep while they wait for each other, unless the user has said otherwise in the environment.

	By themselves they spin, which gains little on an idle machine and costs several times the work on a busy one: the one
	that is waited for may be without a core. It is read when torch is imported.
	"""
	os.environ.setdefault(WAITING, 'passive')


def _lora(path: Path, constants: Mapping[str, JsonValue], load: Load) -> Touch:
	"""What a LoRA changes at a node that gives the strength for each part, or for one alone: nothing where that is 0."""
	from nodes.diffusion.patches.lora_size import TEXT, touch

	strength = constants.get('strength_clip' if load.part == TEXT else 'strength_model', 1.0)
	return touch(path, load) if strength else Touch({})


def _hypernetwork(path: Path, constants: Mapping[str, JsonValue], load: Load) -> Touch:
	"""A hypernetwork changes nothing, and takes what it holds."""
	from nodes.diffusion.sizes import measure

	size = measure(Load((path,), 'hypernetwork', place=load.place, exact=load.exact))
	return Touch({path.name: size.nbytes if size is not None and constants.get('strength', 1.0) else 0})


def is_full(error: BaseException) -> bool:
	"""Whether an error is torch's, and says that a device's memory, or the machine's, has run out."""
	torch = _torch()
	if torch is None or not isinstance(error, RuntimeError):
		return False
	return isinstance(error, torch.OutOfMemoryError) or any(words in str(error).lower() for words in FULL)


def trim() -> None:
	"""Give back to the system what was let go of: networks with hooks are in cycles, C's library and GPUs have caches."""
	torch = _torch()
	if torch is None:
		return
	gc.collect()
	_trim_heap()
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


def _trim_heap() -> None:
	"""Have glibc give back freed memory: it keeps that of all tensors but the largest. Other systems do so by themselves."""
	call = getattr(ctypes.CDLL(None), 'malloc_trim', None) if sys.platform == 'linux' else None
	if call is not None:
		call(ctypes.c_size_t(0))


def _torch() -> ModuleType | None:
	return sys.modules.get('torch')
