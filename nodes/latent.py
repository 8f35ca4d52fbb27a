"""Latents: empty ones to begin with, and the way from and to pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

from engine.declaration import Agreement, FromInput, Number
from engine.errors import BadInput
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.known import MAX_RESOLUTION, empty_latent_facts, width_of
from nodes.values import AutoEncoder, Images, Latent

CHANNELS = 4
SD3_CHANNELS = 16
FLUX2_CHANNELS = 128
FLUX2_FACTOR = 16
FACTOR = 8
PIXEL_CHANNELS = 3
FACTORS = {FLUX2_CHANNELS: FLUX2_FACTOR, PIXEL_CHANNELS: 1}
"""Pixels per latent value along a side, by the channels of latents, where it is not 8."""


@node(
	kind='EmptyLatentImage',
	title='Empty Latent Image',
	category='latent',
	lane='cpu',
	facts=empty_latent_facts(CHANNELS),
)
def empty_latent(
	width: Annotated[int, Number(default=512, min=16, max=MAX_RESOLUTION, step=8), 'Width in pixels.'],
	height: Annotated[int, Number(default=512, min=16, max=MAX_RESOLUTION, step=8), 'Height in pixels.'],
	batch_size: Annotated[int, Number(default=1, min=1, max=4096), 'How many pictures to make at once.'],
) -> Latent:
	"""An empty latent picture to begin with, for the Stable Diffusion 1, 2 and XL families."""
	import torch

	return Latent(torch.zeros(batch_size, CHANNELS, height // FACTOR, width // FACTOR))


@node(
	kind='EmptySD3LatentImage',
	title='EmptySD3LatentImage',
	category='latent/sd3',
	lane='cpu',
	facts=empty_latent_facts(SD3_CHANNELS),
)
def empty_sd3_latent(
	width: Annotated[int, Number(default=1024, min=16, max=MAX_RESOLUTION, step=16), 'Width in pixels.'],
	height: Annotated[int, Number(default=1024, min=16, max=MAX_RESOLUTION, step=16), 'Height in pixels.'],
	batch_size: Annotated[int, Number(default=1, min=1, max=4096), 'How many pictures to make at once.'],
) -> Latent:
	"""An empty latent picture of 16 channels to begin with, for the Stable Diffusion 3 and Flux families."""
	import torch

	return Latent(torch.zeros(batch_size, SD3_CHANNELS, height // FACTOR, width // FACTOR))


@node(
	kind='EmptyFlux2LatentImage',
	title='Empty Flux 2 Latent',
	category='model/latent/flux',
	lane='cpu',
	facts=empty_latent_facts(FLUX2_CHANNELS),
)
def empty_flux2_latent(
	width: Annotated[int, Number(default=1024, min=16, max=MAX_RESOLUTION, step=16), 'Width in pixels.'],
	height: Annotated[int, Number(default=1024, min=16, max=MAX_RESOLUTION, step=16), 'Height in pixels.'],
	batch_size: Annotated[int, Number(default=1, min=1, max=4096), 'How many pictures to make at once.'],
) -> Latent:
	"""An empty latent picture of 128 channels, each for 16 × 16 pixels, to begin with, for the Flux 2 family."""
	import torch

	return Latent(torch.zeros(batch_size, FLUX2_CHANNELS, height // FLUX2_FACTOR, width // FLUX2_FACTOR))


@node(
	kind='VAEDecode',
	title='VAE Decode',
	category='latent',
	facts={'IMAGE': {'width': FromInput(input='samples'), 'height': FromInput(input='samples')}},
	agreements=(Agreement(fact='channels', inputs=('samples', 'vae')),),
)
def decode(
	context: Context,
	samples: Annotated[Latent, 'The latent to decode.'],
	vae: Annotated[ModelRef[AutoEncoder], 'The VAE that belongs to the model.'],
) -> Images:
	"""Turn a latent picture into pixels; tile by tile, if there is not enough memory for all of it."""
	from nodes.diffusion.working import TILE, TILE_OVERLAP, decoding_bytes

	samples = single_frame(samples, 'samples')
	batch, channels, height, width = samples.samples.shape
	factor = FACTORS.get(channels, FACTOR)
	size, each = (width * factor, height * factor, batch), width_of(context, vae)
	if context.models.has_room(vae, decoding_bytes(*size, each=each)):
		with context.models.use(vae, working_bytes=decoding_bytes(*size, each=each)) as autoencoder:
			return autoencoder.decode(samples)
	from nodes.diffusion.tiling import decode_tiled

	with context.models.use(vae, working_bytes=decoding_bytes(*size, tile=TILE, each=each)) as autoencoder:
		return decode_tiled(autoencoder, samples, TILE, TILE_OVERLAP, context.progress)


@node(
	kind='VAEEncode',
	title='VAE Encode',
	category='latent',
	facts={
		'LATENT': {
			'channels': FromInput(input='vae'),
			'width': FromInput(input='pixels'),
			'height': FromInput(input='pixels'),
		}
	},
)
def encode(
	context: Context,
	pixels: Annotated[Images, 'The picture to encode.'],
	vae: Annotated[ModelRef[AutoEncoder], 'The VAE that belongs to the model.'],
) -> Latent:
	"""Turn pixels into a latent picture, to go on from an existing one; tile by tile, if there is not enough memory."""
	_, height, width, _ = pixels.pixels.shape
	with encoding(context, vae, width, height) as (_, encoded):
		return encoded(pixels)


def single_frame(latent: Latent, name: str) -> Latent:
	"""Latents of pictures that are kept as videos of one frame, [batch, channels, 1, h, w], without that dimension.

	ComfyUI keeps those of Qwen-Image so. Others come back as they are. Raises `BadInput` for more frames, and for what has no
	height and width.
	"""
	shape = tuple(latent.samples.shape)
	if len(shape) == 5 and shape[2] == 1:
		return latent.with_samples(latent.samples.squeeze(2))
	if len(shape) != 4:
		raise BadInput(name, 'latents of pictures, [batch, channels, height, width]', f'the shape {list(shape)}')
	return latent


def check_encodable(autoencoder: AutoEncoder, width: int, height: int) -> None:
	"""Raises `BadInput` for pictures that are smaller than one value of a latent."""
	factor = autoencoder.factor
	if min(width, height) < factor:
		raise BadInput('pixels', f'pictures of at least {factor} × {factor} pixels', f'{width} × {height}')


@contextmanager
def encoding(
	context: Context, vae: ModelRef[AutoEncoder], width: int, height: int
) -> Iterator[tuple[AutoEncoder, Callable[[Images], Latent]]]:
	"""A VAE, and how it encodes pictures of so many pixels: whole, or tile by tile if there is not room for that.

	Raises `BadInput` for pictures that are too small.
	"""
	from nodes.diffusion.tiling import encode_tiled
	from nodes.diffusion.working import TILE, TILE_OVERLAP, encoding_bytes

	each = width_of(context, vae)
	if context.models.has_room(vae, encoding_bytes(width, height, each=each)):
		with context.models.use(vae, working_bytes=encoding_bytes(width, height, each=each)) as autoencoder:
			check_encodable(autoencoder, width, height)
			yield autoencoder, autoencoder.encode
		return
	with context.models.use(vae, working_bytes=encoding_bytes(width, height, tile=TILE, each=each)) as autoencoder:
		check_encodable(autoencoder, width, height)
		yield autoencoder, lambda pixels: encode_tiled(autoencoder, pixels, TILE, TILE_OVERLAP, context.progress)
