"""Pictures enlarged by networks."""

from __future__ import annotations

from typing import Annotated

from engine.declaration import Choice
from engine.models import Load, Loaders, ModelRef, Weights
from engine.spec import Context, node
from nodes.computing import measure_whole
from nodes.load import digest_of
from nodes.values import Images, Upscaling

UPSCALER = 'upscaler'


@node(
	kind='UpscaleModelLoader',
	title='Load Upscale Model',
	category='loaders',
	lane='disk',
	fingerprint=digest_of('upscale_models', 'model_name'),
)
def load_upscaler(
	context: Context,
	model_name: Annotated[str, Choice(files_from='models:upscale_models'), 'The file of the upscaler.'],
) -> ModelRef[Upscaling]:
	"""Choose a network that enlarges pictures, such as ESRGAN."""
	return ModelRef[Upscaling](context.catalogue.digest(context.catalogue.path('upscale_models', model_name)), UPSCALER)


@node(kind='ImageUpscaleWithModel', title='Upscale Image (using Model)', category='image/upscaling')
def upscale_image(
	context: Context,
	upscale_model: Annotated[ModelRef[Upscaling], 'The network that enlarges.'],
	image: Annotated[Images, 'The pictures to enlarge.'],
) -> Images:
	"""Enlarge pictures by a network, in tiles where they are large; in smaller ones, if there is not enough memory."""
	from nodes.diffusion.working import UPSCALE_TILES, enlarging_bytes

	_, height, width, _ = image.pixels.shape
	largest, smallest = UPSCALE_TILES
	tile = largest
	while tile > smallest and not context.models.has_room(upscale_model, enlarging_bytes(width, height, tile=tile)):
		tile //= 2
	with context.models.use(upscale_model, working_bytes=enlarging_bytes(width, height, tile=tile)) as upscaler:
		return upscaler.upscale(
			image, tile=tile, on_tile=lambda done, total: context.progress(done, total, phase='tile')
		)


def add_loaders(loaders: Loaders) -> None:
	"""Register the reader of upscalers."""
	loaders.add(UPSCALER, _load, measure_whole)


def _load(load: Load) -> Weights:
	from nodes.diffusion.upscalers import load_upscaler

	return load_upscaler(load)
