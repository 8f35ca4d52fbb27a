"""Models into files, as merging and patching left them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, TypeVar

from engine.declaration import Agreement, Text
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.diffusion.families.parts import PREDICTION_MARKERS
from nodes.diffusion.patches.recipes import MergePatch
from nodes.merge import CATEGORY
from nodes.values import AutoEncoder, DiffusionModel, TextEncoder

if TYPE_CHECKING:
	from nodes.diffusion.saving import Section

T = TypeVar('T')

PREFIX_HELP = 'Start of the file name in the output folder; may hold a folder, and %date:yyyy-MM-dd%.'
SUFFIX = '.safetensors'
NOISE_ALONE = 4000.0
"""Only a schedule that ends in nothing but noise has sigmas beyond this."""

Model = Annotated[ModelRef[DiffusionModel], 'The model to save.']
Clip = Annotated[ModelRef[TextEncoder], 'The text encoders to save.']
Vae = Annotated[ModelRef[AutoEncoder], 'The VAE to save.']


@node(
	kind='CheckpointSave',
	title='Save Checkpoint',
	category=CATEGORY,
	sink=True,
	lane='disk',
	hidden=('prompt', 'extra_pnginfo'),
	agreements=(
		Agreement(fact='family', inputs=('model', 'clip')),
		Agreement(fact='channels', inputs=('model', 'vae')),
	),
)
def save_checkpoint(
	context: Context,
	model: Model,
	clip: Clip,
	vae: Vae,
	filename_prefix: Annotated[str, Text(default='checkpoints/Lumengraph'), PREFIX_HELP],
) -> None:
	"""Save a model, its text encoders and its VAE as one checkpoint, with the workflow inside.

	The weights are written as patches and merges left them, in the layout of the published checkpoints and the precision
	of the files that they come from; all in float16 if the model is.
	"""
	import torch

	from nodes.diffusion.saving import whole

	with _leased(context, model) as denoiser, _leased(context, clip) as encoders, _leased(context, vae) as autoencoder:
		sections = whole(denoiser)
		half = torch.float16 if sections[0].dtype == torch.float16 else None
		_write(
			context,
			[*sections, *whole(encoders, half), *whole(autoencoder, half)],
			filename_prefix,
			_markers(denoiser),
		)


@node(kind='ModelSave', category=CATEGORY, sink=True, lane='disk', hidden=('prompt', 'extra_pnginfo'))
def save_model(
	context: Context,
	model: Model,
	filename_prefix: Annotated[str, Text(default='diffusion_models/Lumengraph'), PREFIX_HELP],
) -> None:
	"""Save a diffusion model as a file of its own, with the workflow inside."""
	from nodes.diffusion.saving import whole

	with _leased(context, model) as denoiser:
		_write(context, whole(denoiser), filename_prefix, _markers(denoiser))


@node(kind='CLIPSave', category=CATEGORY, sink=True, lane='disk', hidden=('prompt', 'extra_pnginfo'))
def save_text_encoders(
	context: Context, clip: Clip, filename_prefix: Annotated[str, Text(default='clip/Lumengraph'), PREFIX_HELP]
) -> None:
	"""Save text encoders, each as a file of its own with its kind in the name, and the workflow inside."""
	from nodes.diffusion.saving import alone

	with _leased(context, clip) as encoders:
		for name, section in zip(encoders.towers, alone(encoders), strict=True):
			_write(context, [section], f'{filename_prefix}_{name}')


@node(kind='VAESave', category=CATEGORY, sink=True, lane='disk', hidden=('prompt', 'extra_pnginfo'))
def save_vae(
	context: Context, vae: Vae, filename_prefix: Annotated[str, Text(default='vae/Lumengraph_vae'), PREFIX_HELP]
) -> None:
	"""Save a VAE as a file of its own, with the workflow inside."""
	from nodes.diffusion.saving import alone

	with _leased(context, vae) as autoencoder:
		_write(context, alone(autoencoder), filename_prefix)


@contextmanager
def _leased(context: Context, ref: ModelRef[T]) -> Iterator[Any]:
	"""The weights, in no less than the precision that they are to be saved in."""
	from nodes.diffusion.saving import narrowed

	with context.models.use(ref) as weights:
		wanted = narrowed(weights)
		if wanted is None:
			yield weights
			return
	with context.models.use(_in_precision(ref, wanted)) as weights:
		yield weights


def _in_precision(ref: ModelRef[T], dtype: str) -> ModelRef[T]:
	"""The same weights in another precision, and so all that is merged into them."""
	patches = tuple(
		replace(patch, other=_in_precision(patch.other, dtype)) if isinstance(patch, MergePatch) else patch
		for patch in ref.patches
	)
	return replace(ref, dtype=dtype, patches=patches)


def _markers(denoiser: DiffusionModel) -> tuple[str, ...]:
	"""The empty tensors that tell of another training than the family's, as settings left it."""
	from nodes.diffusion.parametrisation import Discrete

	levels = denoiser.parametrisation
	if not isinstance(levels, Discrete) or levels.prediction != 'v_prediction':
		return ()
	return PREDICTION_MARKERS if float(levels.sigmas[-1]) > NOISE_ALONE else PREDICTION_MARKERS[:1]


def _write(context: Context, sections: list[Section], prefix: str, markers: tuple[str, ...] = ()) -> None:
	from nodes.diffusion.saving import write

	metadata = {name: json.dumps(value) for name, value in context.metadata.items()}

	def save(stream: BinaryIO) -> None:
		write(
			stream,
			sections,
			metadata,
			markers=markers,
			on_bytes=lambda done, total: context.progress(done, total, phase='saving'),
		)

	saved = context.files.save(save, prefix, SUFFIX)
	context.note(f'Saved {saved.subfolder}/{saved.filename}' if saved.subfolder else f'Saved {saved.filename}')
