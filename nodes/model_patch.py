"""Networks that are put into a denoiser, beside its own blocks."""

from __future__ import annotations

from typing import Annotated

from engine.declaration import Choice, FromInput, Number, Source
from engine.models import Load, Loaders, ModelRef, Weights
from engine.spec import Context, node
from nodes.computing import measure_whole
from nodes.diffusion.control.settings import BlockwisePatch
from nodes.load import digest_of
from nodes.values import AutoEncoder, DiffusionModel, Images, Mask, ModelPatch

MODEL_PATCH = 'model_patch'
FOLDER = 'model_patches'
FACTS: dict[str, dict[str, Source]] = {'MODEL': {fact: FromInput(input='model') for fact in ('family', 'channels')}}


@node(
	kind='ModelPatchLoader',
	experimental=True,
	category='advanced/loaders',
	lane='disk',
	fingerprint=digest_of(FOLDER, 'name'),
)
def load_model_patch(
	context: Context,
	name: Annotated[str, Choice(files_from=f'models:{FOLDER}'), 'The file of the network.'],
) -> ModelRef[ModelPatch]:
	"""Choose a network that is put into a diffusion model, such as a blockwise ControlNet of Qwen-Image."""
	return ModelRef[ModelPatch](context.catalogue.digest(context.catalogue.path(FOLDER, name)), MODEL_PATCH)


@node(kind='QwenImageDiffsynthControlnet', experimental=True, category='advanced/loaders/qwen', lane='cpu', facts=FACTS)
def control_qwen_image(
	model: Annotated[ModelRef[DiffusionModel], 'Qwen-Image.'],
	model_patch: Annotated[ModelRef[ModelPatch], 'The blockwise ControlNet.'],
	vae: Annotated[ModelRef[AutoEncoder], 'Encodes the picture.'],
	image: Annotated[Images, 'What to steer by, as the network was trained to read it; any size.'],
	strength: Annotated[float, Number(default=1.0, min=-10.0, max=10.0, step=0.01), 'How strongly to steer.'],
	mask: Annotated[Mask | None, 'Where to fill in, for networks that do.'] = None,
) -> ModelRef[DiffusionModel]:
	"""Steer Qwen-Image by a picture: edges, depths, or one to be filled in (DiffSynth)."""
	if strength == 0:
		return model
	return model.patched(
		BlockwisePatch(model_patch, vae, image.pixels, None if mask is None else mask.values, strength)
	)


def add_loaders(loaders: Loaders) -> None:
	"""Register the reader of such networks."""
	loaders.add(MODEL_PATCH, _load, measure_whole)


def _load(load: Load) -> Weights:
	from nodes.diffusion.control.blockwise import load_patch

	return load_patch(load)
