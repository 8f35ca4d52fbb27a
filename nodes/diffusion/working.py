"""How much memory it takes to work with a model, beside its weights: by the size of the picture. Imports no torch.

The numbers of values were found by tracing the released networks on the meta device: the most that live at one time, per
latent value's place or per pixel. They grow with the area, since attention is computed without its matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.compute import Compute, Picture, Working

DENOISER: Mapping[str, int] = {'sd1': 8320, 'sd2': 8320, 'sdxl': 5040, 'sdxl-refiner': 6300}
"""Values per place of the latent that a pass of the network takes, by family."""

OTHER_DENOISER = 12_000
DECODER = 770
"""Values per pixel that decoding one picture takes."""

ENCODER = 640
RESULT = 3
FACTOR = 8
BYTES = 4
SPARE = 1.2
"""What libraries take besides, for sums and for other orders of the same values."""

TILE = 256
"""Side of a tile in pixels where there is no room for the whole picture."""

TILE_OVERLAP = 64
GUIDED = 2
"""Guidance computes with two prompts at once."""


def add_forecasters(compute: Compute) -> None:
	"""Tell the engine what working with the parts of a model takes, and where they come in."""
	compute.parts.update({'MODEL': 'denoiser', 'CLIP': 'text', 'VAE': 'vae'})
	compute.forecasters.update({'denoiser': _denoising, 'vae': _decoding})


def denoising_bytes(shape: Sequence[int], family: str = '') -> int:
	"""What denoising a latent [batch, channels, h, w] takes, with guidance."""
	places = shape[0] * shape[-2] * shape[-1]
	return int(DENOISER.get(family, OTHER_DENOISER) * places * GUIDED * BYTES * SPARE)


def decoding_bytes(width: int, height: int, batch: int = 1, *, tile: int = 0) -> int:
	"""What decoding pictures takes, in pixels: one at a time, or in tiles of that side; the result included."""
	area = min(width * height, tile * tile) if tile else width * height
	return int((DECODER * area * SPARE + RESULT * width * height * batch) * BYTES)


def encoding_bytes(width: int, height: int, *, tile: int = 0) -> int:
	"""What encoding pictures takes, in pixels: one at a time, or in tiles of that side."""
	area = min(width * height, tile * tile) if tile else width * height
	return int(ENCODER * area * SPARE * BYTES)


def _denoising(picture: Picture) -> Working:
	shape = (picture.batch, 1, picture.height // FACTOR, picture.width // FACTOR)
	return Working(denoising_bytes(shape, picture.family))


def _decoding(picture: Picture) -> Working:
	size = (picture.width, picture.height, picture.batch)
	return Working(decoding_bytes(*size), decoding_bytes(*size, tile=TILE))
