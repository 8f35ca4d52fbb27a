"""Latents: empty ones to begin with, and the way from and to pixels."""

from __future__ import annotations

from typing import Annotated

from engine.declaration import Number
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.values import AutoEncoder, Images, Latent

MAX_RESOLUTION = 16384
CHANNELS = 4
FACTOR = 8


@node(kind='EmptyLatentImage', title='Empty Latent Image', category='latent', lane='cpu')
def empty_latent(
	width: Annotated[int, Number(default=512, min=16, max=MAX_RESOLUTION, step=8), 'Width in pixels.'],
	height: Annotated[int, Number(default=512, min=16, max=MAX_RESOLUTION, step=8), 'Height in pixels.'],
	batch_size: Annotated[int, Number(default=1, min=1, max=4096), 'How many pictures to make at once.'],
) -> Latent:
	"""An empty latent picture to begin with, for the Stable Diffusion 1, 2 and XL families."""
	import torch

	return Latent(torch.zeros(batch_size, CHANNELS, height // FACTOR, width // FACTOR))


@node(kind='VAEDecode', title='VAE Decode', category='latent')
def decode(
	context: Context,
	samples: Annotated[Latent, 'The latent to decode.'],
	vae: Annotated[ModelRef[AutoEncoder], 'The VAE that belongs to the model.'],
) -> Images:
	"""Turn a latent picture into pixels."""
	with context.models.use(vae) as autoencoder:
		return autoencoder.decode(samples)


@node(kind='VAEEncode', title='VAE Encode', category='latent')
def encode(
	context: Context,
	pixels: Annotated[Images, 'The picture to encode.'],
	vae: Annotated[ModelRef[AutoEncoder], 'The VAE that belongs to the model.'],
) -> Latent:
	"""Turn pixels into a latent picture, to go on from an existing one."""
	with context.models.use(vae) as autoencoder:
		return autoencoder.encode(pixels)
