"""Several pictures into one: batches, blends, composites, stitches, alpha."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, NamedTuple

from engine.declaration import Choice, Number, Toggle
from engine.dynamic import Grow
from engine.spec import node
from nodes.known import MAX_RESOLUTION, as_input
from nodes.values import Images, Mask

if TYPE_CHECKING:
	from torch import Tensor

Offset = Annotated[int, Number(default=0, min=0, max=MAX_RESOLUTION, step=1), 'In pixels.']
MODES = ('normal', 'multiply', 'screen', 'overlay', 'soft_light', 'difference')
OPERATORS = (
	'ADD',
	'CLEAR',
	'DARKEN',
	'DST',
	'DST_ATOP',
	'DST_IN',
	'DST_OUT',
	'DST_OVER',
	'LIGHTEN',
	'MULTIPLY',
	'OVERLAY',
	'SCREEN',
	'SRC',
	'SRC_ATOP',
	'SRC_IN',
	'SRC_OUT',
	'SRC_OVER',
	'XOR',
)
SPACINGS = {
	'white': (1.0, 1.0, 1.0),
	'black': (0.0, 0.0, 0.0),
	'red': (1.0, 0.0, 0.0),
	'green': (0.0, 1.0, 0.0),
	'blue': (0.0, 0.0, 1.0),
}


class Cut(NamedTuple):
	"""Colours, and what is transparent."""

	IMAGE: Images
	MASK: Mask


@node(kind='ImageBatch', title='Batch Images', category='image', lane='cpu', facts=as_input('IMAGE', 'image1'))
def batch(
	image1: Annotated[Images, 'The first pictures.'], image2: Annotated[Images, 'The second pictures.']
) -> Images:
	"""Two batches as one. The second is cut and scaled to the first one's size."""
	from nodes.pixels.batch import joined

	return Images(joined((image1.pixels, image2.pixels)))


@node(kind='BatchImagesNode', title='Batch Images', category='image/batch', lane='cpu')
def batch_all(
	images: Annotated[
		Mapping[str, Images],
		Grow(prefix='image', min=1, max=50),
		'The pictures; there is room for more with each that is linked.',
	],
) -> Images:
	"""Any number of batches as one. All are cut and scaled to the first one's size."""
	from nodes.pixels.batch import joined

	return Images(joined([image.pixels for image in images.values()]))


@node(kind='ImageBlend', category='image/postprocessing', lane='cpu', facts=as_input('IMAGE', 'image1'))
def blend(
	image1: Annotated[Images, 'The first pictures.'],
	image2: Annotated[Images, 'The second pictures.'],
	blend_factor: Annotated[float, Number(default=0.5, min=0.0, max=1.0, step=0.01), 'How much of the blend shows.'],
	blend_mode: Annotated[str, Choice(options=MODES), 'How the colours of both are joined.'],
) -> Images:
	"""Blend a picture with another one, which is cut and scaled to its size."""
	from nodes.pixels import blend as blending
	from nodes.pixels.batch import with_channels

	one = image1.pixels
	other = with_channels(image2.pixels, one.shape[-1])
	return Images(blending.blend(one, _covering(other, one), blend_factor, blend_mode))


@node(kind='ImageCompositeMasked', category='image', lane='cpu', facts=as_input('IMAGE', 'destination'))
def composite_masked(
	destination: Annotated[Images, 'What something is laid onto.'],
	source: Annotated[Images, 'What is laid onto it.'],
	x: Offset,
	y: Offset,
	resize_source: Annotated[bool, Toggle(default=False), 'Stretch the source over all of the destination.'],
	mask: Annotated[Mask | None, 'Where the source shows; stretched over it.'] = None,
) -> Images:
	"""Paste a picture on another one."""
	from nodes.pixels.batch import with_channels
	from nodes.pixels.compose import composite

	pasted = with_channels(source.pixels, destination.pixels.shape[-1])
	made = composite(
		destination.pixels.movedim(-1, 1),
		pasted.movedim(-1, 1),
		x,
		y,
		None if mask is None else mask.values,
		fit=resize_source,
	)
	return Images(made.movedim(1, -1))


@node(kind='PorterDuffImageComposite', title='Porter-Duff Image Composite', category='mask/compositing', lane='cpu')
def porter_duff(
	source: Annotated[Images, 'What is laid onto it.'],
	source_alpha: Annotated[Mask, 'What of the source is transparent.'],
	destination: Annotated[Images, 'What something is laid onto.'],
	destination_alpha: Annotated[Mask, 'What of the destination is transparent.'],
	mode: Annotated[str, Choice(options=OPERATORS, default='DST'), 'The operator.'],
) -> Cut:
	"""Compose pictures by the operators of Porter and Duff. The source is cut and scaled to the destination's size."""
	from nodes.pixels.compose import porter_duff
	from nodes.pixels.scale import resize

	count = min(map(len, (source.pixels, source_alpha.values, destination.pixels, destination_alpha.values)))
	under = destination.pixels[:count].movedim(-1, 1)
	height, width = under.shape[-2:]

	def fitting(samples: Tensor) -> Tensor:
		return samples if samples.shape[-2:] == (height, width) else resize(samples, width, height, 'bicubic', 'center')

	colour, alpha = porter_duff(
		fitting(source.pixels[:count].movedim(-1, 1)),
		1 - fitting(source_alpha.values[:count].unsqueeze(1)),
		under,
		1 - fitting(destination_alpha.values[:count].unsqueeze(1)),
		mode,
	)
	return Cut(Images(colour.movedim(1, -1)), Mask(1 - alpha.squeeze(1)))


@node(kind='SplitImageWithAlpha', title='Split Image with Alpha', category='mask/compositing', lane='cpu')
def split_alpha(image: Annotated[Images, 'The pictures.']) -> Cut:
	"""The colours of pictures, and the mask of what is transparent in them."""
	import torch

	pixels = image.pixels
	alpha = pixels[..., 3] if pixels.shape[-1] > 3 else torch.ones_like(pixels[..., 0])
	return Cut(Images(pixels[..., :3]), Mask(1 - alpha))


@node(
	kind='JoinImageWithAlpha',
	title='Join Image with Alpha',
	category='mask/compositing',
	lane='cpu',
	facts=as_input('IMAGE', 'image'),
)
def join_alpha(
	image: Annotated[Images, 'The pictures.'],
	alpha: Annotated[Mask, 'What is to be transparent; stretched to the size of the picture.'],
) -> Images:
	"""Make pictures transparent by a mask. What is shorter of the two batches is repeated."""
	import torch

	from nodes.pixels.batch import repeated_to
	from nodes.pixels.scale import resize_masks

	height, width = image.pixels.shape[1:3]
	count = max(len(image.pixels), len(alpha.values))
	opaque = 1 - resize_masks(alpha.values, width, height)
	pixels = repeated_to(image.pixels, count)[..., :3]
	return Images(torch.cat((pixels, repeated_to(opaque, count).unsqueeze(-1).to(pixels)), dim=-1))


@node(kind='ImageStitch', title='Image Stitch', category='image/transform', lane='cpu')
def stitch(
	image1: Annotated[Images, 'The first pictures.'],
	direction: Annotated[
		str, Choice(options=('right', 'down', 'left', 'up'), default='right'), 'Where the second goes.'
	],
	match_image_size: Annotated[bool, Toggle(default=True), 'Scale the second to the side that they share.'],
	spacing_width: Annotated[int, Number(default=0, min=0, max=1024, step=2), 'Pixels between them.'],
	spacing_color: Annotated[str, Choice(options=tuple(SPACINGS), default='white'), 'What is between them.'],
	image2: Annotated[Images | None, 'The second pictures.'] = None,
) -> Images:
	"""Put a picture beside another one. Of unequal sizes, the smaller one is centred; the shorter batch stays at its last."""
	import torch

	from nodes.pixels.batch import with_channels
	from nodes.pixels.scale import resize_pictures

	if image2 is None:
		return image1
	one, other = _as_long(image1.pixels, image2.pixels)
	along = 2 if direction in ('left', 'right') else 1
	if match_image_size:
		aspect = other.shape[2] / other.shape[1]
		height, width = one.shape[1:3]
		size = (int(height * aspect), height) if along == 2 else (width, int(width / aspect))
		other = resize_pictures(other, max(1, size[0]), max(1, size[1]), 'lanczos')
	else:
		# A coloured spacing leaves black around the smaller picture.
		level = 1.0 if spacing_color == 'white' else 0.0
		one, other = (
			_centred(each, max(one.shape[3 - along], other.shape[3 - along]), 3 - along, level) for each in (one, other)
		)
	channels = max(one.shape[-1], other.shape[-1])
	parts = [with_channels(one, channels), with_channels(other, channels)]
	if direction in ('left', 'up'):
		parts.reverse()
	if spacing_width:
		shape = list(parts[0].shape)
		shape[along] = spacing_width + spacing_width % 2
		colour = torch.tensor((*SPACINGS[spacing_color], 1.0)[:channels]).to(one)
		parts.insert(1, colour.expand(shape))
	return Images(torch.cat(parts, dim=along))


def _covering(pixels: Tensor, like: Tensor) -> Tensor:
	"""Pictures cut and scaled to the size of others."""
	from nodes.pixels.scale import resize_pictures

	height, width = like.shape[1:3]
	return (
		pixels if pixels.shape[1:3] == (height, width) else resize_pictures(pixels, width, height, 'bicubic', 'center')
	)


def _as_long(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
	"""Two batches of equal length: the shorter one's last picture is repeated."""
	import torch

	count = max(len(one), len(other))
	made = [torch.cat((each, each[-1:].expand(count - len(each), -1, -1, -1))) for each in (one, other)]
	return made[0], made[1]


def _centred(pixels: Tensor, size: int, dimension: int, level: float) -> Tensor:
	"""Pictures in the middle of a dimension that is filled up to a size."""
	shape = list(pixels.shape)
	missing = size - shape[dimension]
	shape[dimension] = size
	made = pixels.new_full(shape, level)
	made.narrow(dimension, missing // 2, size - missing).copy_(pixels)
	return made
