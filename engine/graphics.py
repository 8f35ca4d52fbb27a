"""Whether this machine may have a GPU that torch can use: told by its driver, since asking torch takes seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

DRIVERS = tuple(map(Path, ('/dev/nvidiactl', '/dev/nvidia0', '/dev/dxg', '/dev/kfd', 'C:/Windows/System32/nvcuda.dll')))
"""What drivers of NVIDIA's and AMD's leave: on Linux, within WSL, on Windows."""


def may_have_gpu(drivers: Sequence[Path] = DRIVERS) -> bool:
	"""Whether any of the drivers is installed; then it is for torch to say."""
	return any(driver.exists() for driver in drivers)
