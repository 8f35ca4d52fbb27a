"""What nodes tell of their outputs before anything runs, for declarations: sizes in pixels, channels of latents."""

from __future__ import annotations

from typing import Any

from engine.declaration import Fixed, FromConstant, FromInput, Source
from engine.errors import ModelNotFound
from engine.models import ModelRef
from engine.spec import Context

MAX_RESOLUTION = 16384
Facts = dict[str, dict[str, Source]]


def as_given(output: str) -> Facts:
	"""An output as wide and high as the constants `width` and `height` say."""
	return {output: {side: FromConstant(input=side) for side in ('width', 'height')}}


def as_input(output: str, name: str, *facts: str) -> Facts:
	"""An output of which the facts (its size, if none are named) are those of what comes in at an input."""
	return {output: {fact: FromInput(input=name) for fact in facts or ('width', 'height')}}


def empty_latent_facts(channels: int) -> Facts:
	"""An empty latent of the size that the constants `width`, `height` and `batch_size` say, with so many channels."""
	size = as_given('LATENT')['LATENT']
	batch = FromConstant(input='batch_size')
	return {'LATENT': {'channels': Fixed(value=channels), 'empty': Fixed(value=1), 'batch': batch, **size}}


def family_of(context: Context, model: ModelRef[Any]) -> str:
	"""The family of a model as its file's tensors tell it; empty if they do not."""
	try:
		return str(context.catalogue.facts(context.catalogue.find(model.file)).get('family', ''))
	except ModelNotFound:
		return ''


def width_of(context: Context, model: ModelRef[Any]) -> int:
	"""The bytes of a value that a model computes with here; those of float32 if its files do not tell."""
	from nodes.diffusion.sizes import known_width
	from nodes.diffusion.working import BYTES

	try:
		return known_width(context.models.load_of(model)) or BYTES
	except ModelNotFound:
		return BYTES
