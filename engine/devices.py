"""The devices that this process can compute on. The only module of the engine that imports torch."""

from __future__ import annotations

import torch

from engine.models import Place
from engine.runner import physical_memory
from engine.wire import Device


def find_devices() -> tuple[Device, ...]:
	"""The devices, the one that is used first."""
	if torch.cuda.is_available():
		return tuple(_cuda(index) for index in range(torch.cuda.device_count()))
	total = physical_memory()
	if torch.backends.mps.is_available():
		return (Device(name='mps', type='mps', index=0, total=total, free=total),)
	return (Device(name='cpu', type='cpu', total=total, free=total),)


def used_devices(*, cpu: bool = False) -> tuple[str, ...]:
	"""Those that nodes compute on, by torch's names; each gets workers of its own: all GPUs by CUDA's or ROCm's count.

	The CPU if there is none, or if it is asked for; Apple's devices are not computed on in this version.
	"""
	if not cpu and torch.cuda.is_available():
		return tuple(f'cuda:{index}' for index in range(torch.cuda.device_count()))
	return ('cpu',)


def memory_of(place: Place) -> int:
	"""The bytes of memory of a device, by torch's name of it."""
	device = torch.device(place)
	if device.type == 'cuda':
		return torch.cuda.mem_get_info(device)[1]
	return physical_memory()


def name_of(place: Place) -> str:
	"""The name that a device's maker gave it, by torch's name of it; for others than GPUs, torch's name."""
	device = torch.device(place)
	return torch.cuda.get_device_name(device) if device.type == 'cuda' else device.type


def _cuda(index: int) -> Device:
	free, total = torch.cuda.mem_get_info(index)
	name = f'cuda:{index} {torch.cuda.get_device_name(index)}'
	return Device(name=name, type='cuda', index=index, total=total, free=free)
