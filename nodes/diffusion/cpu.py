"""What this machine's processor has for networks. Imports torch only where the system does not tell."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

MULTIPLIES = frozenset({'amx_bf16', 'avx512_bf16'})
"""Instructions that multiply bfloat16 and add up in float32, as Linux names them. Others convert each value first."""


@cache
def has_bfloat16() -> bool:
	"""Whether the processor computes with bfloat16 natively, so that networks run faster in it than in float32."""
	if platform.system() == 'Linux':
		return not MULTIPLIES.isdisjoint(features())
	import torch

	return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def features(told: Path = Path('/proc/cpuinfo')) -> frozenset[str]:
	"""What Linux says that the first processor has; nothing if it does not say."""
	try:
		lines = told.read_text().splitlines()
	except OSError:
		return frozenset()
	flags = next((line for line in lines if line.startswith('flags')), '')
	return frozenset(flags.partition(':')[2].split())
