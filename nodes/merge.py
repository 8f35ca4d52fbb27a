"""Merging: models of one kind added up, as recipes."""

from __future__ import annotations

from typing import Annotated, TypeVar

from engine.declaration import Agreement, FromInput, Number, Source
from engine.models import ModelRef
from engine.spec import node
from nodes.diffusion.patches.recipes import MergePatch
from nodes.values import DiffusionModel, TextEncoder

T = TypeVar('T')

CATEGORY = 'advanced/model_merging'
MODEL_FACTS: dict[str, dict[str, Source]] = {
	'MODEL': {fact: FromInput(input='model1') for fact in ('family', 'channels')}
}
CLIP_FACTS: dict[str, dict[str, Source]] = {'CLIP': {'family': FromInput(input='clip1')}}
SAME_MODEL = (Agreement(fact='family', inputs=('model1', 'model2')),)
SAME_CLIP = (Agreement(fact='family', inputs=('clip1', 'clip2')),)

FirstModel = Annotated[
	ModelRef[DiffusionModel], 'The first model; noise schedule and all else that is no weight are its.'
]
SecondModel = Annotated[ModelRef[DiffusionModel], 'The second model, of the same family.']
FirstClip = Annotated[ModelRef[TextEncoder], 'The first text encoder.']
SecondClip = Annotated[ModelRef[TextEncoder], 'The second text encoder, of the same kind.']
Ratio = Number(default=1.0, min=0.0, max=1.0, step=0.01)
Multiplier = Number(default=1.0, min=-10.0, max=10.0, step=0.01)


@node(kind='ModelMergeSimple', category=CATEGORY, lane='cpu', facts=MODEL_FACTS, agreements=SAME_MODEL)
def merge_models(
	model1: FirstModel, model2: SecondModel, ratio: Annotated[float, Ratio, 'The share of the first model.']
) -> ModelRef[DiffusionModel]:
	"""Mix two models."""
	return _mixed(model1, model2, ratio, 1 - ratio)


@node(kind='ModelMergeBlocks', category=CATEGORY, lane='cpu', facts=MODEL_FACTS, agreements=SAME_MODEL)
def merge_blocks(
	model1: FirstModel,
	model2: SecondModel,
	input: Annotated[float, Ratio, 'The share of the first model on the way down, and in what is in no block.'],
	middle: Annotated[float, Ratio, 'The share of the first model in the middle.'],
	out: Annotated[float, Ratio, 'The share of the first model on the way up.'],
) -> ModelRef[DiffusionModel]:
	"""Mix two models, with shares of their own for the blocks of a UNet on its way down, in the middle and up."""
	blocks = tuple((start, share, 1 - share) for start, share in (('middle', middle), ('out', out)))
	return model1.patched(MergePatch(model2.identity, input, 1 - input, blocks))


@node(kind='ModelMergeAdd', category=CATEGORY, lane='cpu', facts=MODEL_FACTS, agreements=SAME_MODEL)
def add_models(model1: FirstModel, model2: SecondModel) -> ModelRef[DiffusionModel]:
	"""Add the weights of two models."""
	return _mixed(model1, model2, 1.0, 1.0)


@node(kind='ModelMergeSubtract', category=CATEGORY, lane='cpu', facts=MODEL_FACTS, agreements=SAME_MODEL)
def subtract_models(
	model1: FirstModel,
	model2: SecondModel,
	multiplier: Annotated[float, Multiplier, 'How often to take the difference.'],
) -> ModelRef[DiffusionModel]:
	"""The difference of two models: what the first has learned beyond the second."""
	return _mixed(model1, model2, multiplier, -multiplier)


@node(kind='CLIPMergeSimple', category=CATEGORY, lane='cpu', facts=CLIP_FACTS, agreements=SAME_CLIP)
def merge_text_encoders(
	clip1: FirstClip, clip2: SecondClip, ratio: Annotated[float, Ratio, 'The share of the first text encoder.']
) -> ModelRef[TextEncoder]:
	"""Mix two text encoders."""
	return _mixed(clip1, clip2, ratio, 1 - ratio)


@node(kind='CLIPMergeAdd', category=CATEGORY, lane='cpu', facts=CLIP_FACTS, agreements=SAME_CLIP)
def add_text_encoders(clip1: FirstClip, clip2: SecondClip) -> ModelRef[TextEncoder]:
	"""Add the weights of two text encoders."""
	return _mixed(clip1, clip2, 1.0, 1.0)


@node(kind='CLIPMergeSubtract', category=CATEGORY, lane='cpu', facts=CLIP_FACTS, agreements=SAME_CLIP)
def subtract_text_encoders(
	clip1: FirstClip, clip2: SecondClip, multiplier: Annotated[float, Multiplier, 'How often to take the difference.']
) -> ModelRef[TextEncoder]:
	"""The difference of two text encoders."""
	return _mixed(clip1, clip2, multiplier, -multiplier)


def _mixed(first: ModelRef[T], second: ModelRef[T], mine: float, theirs: float) -> ModelRef[T]:
	return first.patched(MergePatch(second.identity, mine, theirs))
