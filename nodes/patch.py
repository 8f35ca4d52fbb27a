"""LoRA and its relatives: they change a model's recipe, and weights only where and when these are used."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from engine.declaration import Choice, FromInput, Number, Source
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.load import digest_of
from nodes.values import DiffusionModel, TextEncoder

LoraName = Annotated[str, Choice(files_from='models:loras'), 'The LoRA file, of any common kind.']
Strength = Number(default=1.0, min=-100.0, max=100.0, step=0.01)
MODEL_FACTS: dict[str, Source] = {fact: FromInput(input='model') for fact in ('family', 'channels')}


class Changed(NamedTuple):
	"""A diffusion model and its text encoder."""

	MODEL: ModelRef[DiffusionModel]
	CLIP: ModelRef[TextEncoder]


@node(
	kind='LoraLoader',
	title='Load LoRA',
	category='loaders',
	lane='disk',
	facts={'MODEL': MODEL_FACTS, 'CLIP': {'family': FromInput(input='clip')}},
	fingerprint=digest_of('loras', 'lora_name'),
)
def load_lora(
	context: Context,
	model: Annotated[ModelRef[DiffusionModel], 'The model to change.'],
	clip: Annotated[ModelRef[TextEncoder], 'The text encoder to change.'],
	lora_name: LoraName,
	strength_model: Annotated[float, Strength, 'How strongly to change the model; may be negative.'],
	strength_clip: Annotated[float, Strength, 'How strongly to change the text encoder; may be negative.'],
) -> Changed:
	"""Change a model and its text encoder by a LoRA. Several can be chained."""
	from nodes.diffusion.patches.lora import for_text

	path = context.catalogue.path('loras', lora_name)
	digest = context.catalogue.digest(path)
	if strength_model:
		model = model.patched(LoraPatch(digest, strength_model))
	# A text encoder that the file does not know stays the same, and so do the prompts that it has encoded.
	if strength_clip and for_text(path):
		clip = clip.patched(LoraPatch(digest, strength_clip))
	return Changed(model, clip)


@node(
	kind='LoraLoaderModelOnly',
	title='LoraLoaderModelOnly',
	category='loaders',
	lane='disk',
	facts={'MODEL': MODEL_FACTS},
	fingerprint=digest_of('loras', 'lora_name'),
)
def load_lora_for_model(
	context: Context,
	model: Annotated[ModelRef[DiffusionModel], 'The model to change.'],
	lora_name: LoraName,
	strength_model: Annotated[float, Strength, 'How strongly to change the model; may be negative.'],
) -> ModelRef[DiffusionModel]:
	"""Change a model by a LoRA, and leave its text encoder as it is."""
	digest = context.catalogue.digest(context.catalogue.path('loras', lora_name))
	return model.patched(LoraPatch(digest, strength_model)) if strength_model else model
