"""What is known of released files: how many weights each part has, and a digest of its tensors' names and shapes.

The digests are of the lists that the files' headers hold, without the prefixes of whole checkpoints, and without what is
no weight (position numbers, the scale of CLIP's training).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch


class Released(NamedTuple):
	"""A part of a released checkpoint in the original layout."""

	tensors: int
	weights: int
	digest: str


SD15_UNET = Released(686, 859_520_964, 'bd2e575566f94cce')
SDXL_UNET = Released(1680, 2_567_463_684, '00e89275803898cb')
VAE = Released(248, 83_653_863, 'c768a3a4428c6c27')
CLIP_L = Released(196, 123_060_480, 'f97717c05095cb6c')
OPEN_CLIP_G = Released(389, 694_659_840, '085be7545c30edea')


def digest(shapes: Mapping[str, tuple[int, ...]]) -> str:
	"""Sixteen digits that stand for names and shapes."""
	listed = sorted((name, list(shape)) for name, shape in shapes.items())
	return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]


def empty(build: Callable[..., Any], config: Mapping[str, Any]) -> Any:
	"""A module without memory for its weights; the constructors have no annotations, hence Any."""
	with torch.device('meta'):
		return build(**config)


def shapes_of(tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
	"""Their shapes by name."""
	return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
