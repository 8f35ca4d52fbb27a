"""Between pixels and latents, for what is large or partly masked."""

from __future__ import annotations

from typing import Annotated

from engine.declaration import Agreement, FromInput, Number
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.known import width_of
from nodes.latent import check_encodable, encoding, single_frame
from nodes.values import AutoEncoder, Images, Latent, Mask

Frames = Annotated[int, Number(default=64, min=8, max=4096, step=4), 'Of a video: frames in a tile.']
FramesOverlap = Annotated[int, Number(default=8, min=4, max=4096, step=4), 'Of a video: frames that tiles share.']
Overlap = Annotated[int, Number(default=64, min=0, max=4096, step=32), 'Pixels that tiles share.']
AutoEncoderRef = Annotated[ModelRef[AutoEncoder], 'The VAE that belongs to the model.']


@node(
	kind='VAEDecodeTiled',
	title='VAE Decode (Tiled)',
	category='_for_testing',
	facts={'IMAGE': {'width': FromInput(input='samples'), 'height': FromInput(input='samples')}},
	agreements=(Agreement(fact='channels', inputs=('samples', 'vae')),),
)
def decode_tiled(
	context: Context,
	samples: Annotated[Latent, 'The latent to decode.'],
	vae: AutoEncoderRef,
	tile_size: Annotated[int, Number(default=512, min=64, max=4096, step=32), 'Side of a tile in pixels.'],
	overlap: Overlap,
	temporal_size: Frames,
	temporal_overlap: FramesOverlap,
) -> Images:
	"""Turn a latent picture into pixels, tile by tile: needs little memory, and more time. A still picture has no frames."""
	from nodes.diffusion import tiling
	from nodes.diffusion.working import FACTOR, decoding_bytes

	del temporal_size, temporal_overlap
	samples = single_frame(samples, 'samples')
	batch, _, height, width = samples.samples.shape
	size = decoding_bytes(width * FACTOR, height * FACTOR, batch, tile=tile_size, each=width_of(context, vae))
	with context.models.use(vae, working_bytes=size) as autoencoder:
		return tiling.decode_tiled(autoencoder, samples, tile_size, min(overlap, tile_size // 4), context.progress)


@node(
	kind='VAEEncodeTiled',
	title='VAE Encode (Tiled)',
	category='_for_testing',
	facts={
		'LATENT': {
			'channels': FromInput(input='vae'),
			'width': FromInput(input='pixels'),
			'height': FromInput(input='pixels'),
		}
	},
)
def encode_tiled(
	context: Context,
	pixels: Annotated[Images, 'The picture to encode.'],
	vae: AutoEncoderRef,
	tile_size: Annotated[int, Number(default=512, min=64, max=4096, step=64), 'Side of a tile in pixels.'],
	overlap: Overlap,
	temporal_size: Frames,
	temporal_overlap: FramesOverlap,
) -> Latent:
	"""Turn pixels into a latent picture, tile by tile: needs little memory, and more time. A still picture has no frames."""
	from nodes.diffusion import tiling
	from nodes.diffusion.working import encoding_bytes

	del temporal_size, temporal_overlap
	_, height, width, _ = pixels.pixels.shape
	size = encoding_bytes(width, height, tile=tile_size, each=width_of(context, vae))
	with context.models.use(vae, working_bytes=size) as autoencoder:
		check_encodable(autoencoder, width, height)
		return tiling.encode_tiled(autoencoder, pixels, tile_size, overlap, context.progress)


@node(
	kind='VAEEncodeForInpaint',
	title='VAE Encode (for Inpainting)',
	category='latent/inpaint',
	facts={
		'LATENT': {
			'channels': FromInput(input='vae'),
			'width': FromInput(input='pixels'),
			'height': FromInput(input='pixels'),
		}
	},
)
def encode_for_inpaint(
	context: Context,
	pixels: Annotated[Images, 'The picture to paint into.'],
	vae: AutoEncoderRef,
	mask: Annotated[Mask, 'Where to paint; stretched to the size of the picture.'],
	grow_mask_by: Annotated[
		int, Number(default=6, min=0, max=64, step=1), 'Pixels by which the noise reaches beyond the mask, for no seam.'
	],
) -> Latent:
	"""Turn pixels into a latent picture to be painted in: grey where the mask is, with noise let in there."""
	from nodes.pixels.masks import grown_for_inpainting
	from nodes.pixels.scale import resize_masks

	height, width = pixels.pixels.shape[1:3]
	masked = resize_masks(mask.values, width, height)
	with encoding(context, vae, width, height) as (autoencoder, encoded):
		factor = autoencoder.factor
		top, left = height % factor // 2, width % factor // 2
		rows = slice(top, top + height // factor * factor)
		columns = slice(left, left + width // factor * factor)
		masked, picture = masked[:, rows, columns], pixels.pixels[:, rows, columns, :3]
		kept = (1 - masked.round()).unsqueeze(-1)
		latent = encoded(Images((picture - 0.5) * kept + 0.5))
	return Latent(latent.samples, grown_for_inpainting(masked, grow_mask_by))
