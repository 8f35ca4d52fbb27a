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
"""Of a value in float32. Where a network computes in halves of that, so are those that it has at a time."""

SPARE = 1.2
"""What libraries take besides, for sums and for other orders of the same values."""

ENLARGED = 2051
"""Values per pixel that enlarging a picture four times takes, of ESRGAN, which takes the most."""

SEEN = 120 * 2**20
"""Bytes that looking at one picture takes, of the largest vision encoders."""

UPSCALE_TILES = (512, 128)
"""Sides of the largest and the smallest tiles, in pixels, in which pictures are enlarged."""

TILE = 256
"""Side of a tile in pixels where there is no room for the whole picture."""

TILE_OVERLAP = 64
GUIDED = 2
"""Guidance computes with two prompts at once."""

HANDED_ON = 1640
"""Values per place of the latent that a control network for a UNet hands on to it."""

ADDED = 2300
"""Values per place by which such a network adds to the most that live at one time, by what it hands on."""

OTHER_CONTROL = 12_000
"""The same of control networks for transformers, which hand on as much as blocks say."""


def add_forecasters(compute: Compute) -> None:
	"""Tell the engine what working with the parts of a model takes, and where they come in."""
	compute.parts.update({'MODEL': 'denoiser', 'CLIP': 'text', 'VAE': 'vae', 'CONTROL_NET': 'controlnet'})
	compute.parts.update({'CLIP_VISION': 'clip_vision', 'STYLE_MODEL': 'style', 'IP_ADAPTER': 'ip_adapter'})
	compute.parts.update({'MODEL_PATCH': 'model_patch', 'UPSCALE_MODEL': 'upscaler', 'GLIGEN': 'gligen'})
	compute.carried['MODEL'] = ('IP_ADAPTER', 'MODEL_PATCH')
	compute.carried['CONDITIONING'] = ('CONDITIONING', 'CONTROL_NET', 'GLIGEN')
	compute.carried['GUIDER'] = ('MODEL', 'CONDITIONING')
	compute.beside.update({'CONTROL_NET': ('VAE',), 'MODEL_PATCH': ('VAE',), 'IP_ADAPTER': (), 'GLIGEN': ()})
	compute.steering.add('CONTROL_NET')
	compute.forecasters.update({'denoiser': _denoising, 'vae': _decoding})
	compute.forecasters.update({'upscaler': _enlarging, 'clip_vision': _seeing})


def denoising_bytes(
	shape: Sequence[int], family: str = '', *, prompts: int = GUIDED, controls: int = 0, each: int = BYTES
) -> int:
	"""What denoising a latent [batch, channels, h, w] takes: a pass for so many prompts, with so many control networks.

	`each` is how many bytes a value has that is computed with.
	"""
	places = shape[0] * shape[-2] * shape[-1]
	values = DENOISER.get(family, OTHER_DENOISER) + _controlling(family, controls)
	return int(values * places * prompts * each * SPARE)


def sampling_bytes(
	shape: Sequence[int],
	family: str = '',
	*,
	prompts: int = GUIDED,
	controls: int = 0,
	encodes: bool = False,
	each: int = BYTES,
) -> int:
	"""The same, or what encoding pictures of the latent's size for control networks takes before (in float32), if that is more."""
	denoising = denoising_bytes(shape, family, prompts=prompts, controls=controls, each=each)
	return max(denoising, encoding_bytes(shape[-1] * FACTOR, shape[-2] * FACTOR) if encodes else 0)


def _controlling(family: str, controls: int) -> int:
	"""Values per place that control networks add: what all say is kept until it is added up, while the next one computes."""
	if not controls:
		return 0
	if family not in DENOISER:
		return OTHER_CONTROL * controls
	return max(ADDED, HANDED_ON * (controls - 1))


def decoding_bytes(width: int, height: int, batch: int = 1, *, tile: int = 0, each: int = BYTES) -> int:
	"""What decoding pictures takes, in pixels: one at a time, or in tiles of that side; the result included."""
	area = min(width * height, tile * tile) if tile else width * height
	return int(DECODER * area * SPARE * each + RESULT * width * height * batch * BYTES)


def encoding_bytes(width: int, height: int, *, tile: int = 0, each: int = BYTES) -> int:
	"""What encoding pictures takes, in pixels: one at a time, or in tiles of that side."""
	area = min(width * height, tile * tile) if tile else width * height
	return int(ENCODER * area * SPARE * each)


def enlarging_bytes(width: int, height: int, *, tile: int) -> int:
	"""What enlarging pictures takes, in pixels before: one at a time, in tiles of that side."""
	return int(ENLARGED * min(width, tile) * min(height, tile) * BYTES * SPARE)


def seeing_bytes(batch: int) -> int:
	"""What it takes to encode so many pictures at once for models that hear them."""
	return int(SEEN * batch * SPARE)


def _denoising(picture: Picture) -> Working:
	shape = (picture.batch, 1, picture.height // FACTOR, picture.width // FACTOR)
	together, alone = (
		sampling_bytes(
			shape,
			picture.family,
			prompts=prompts,
			controls=picture.controls,
			encodes=picture.encodes,
			each=picture.each,
		)
		for prompts in (GUIDED, 1)
	)
	return Working(together, passes=alone)


def _enlarging(picture: Picture) -> Working:
	whole, least = (enlarging_bytes(picture.width, picture.height, tile=tile) for tile in UPSCALE_TILES)
	return Working(whole, tiled=least)


def _seeing(picture: Picture) -> Working:
	return Working(seeing_bytes(picture.batch))


def _decoding(picture: Picture) -> Working:
	size = (picture.width, picture.height, picture.batch)
	return Working(decoding_bytes(*size, each=picture.each), decoding_bytes(*size, tile=TILE, each=picture.each))
