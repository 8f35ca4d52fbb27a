"""What nodes tell of their outputs before anything runs, for declarations: sizes in pixels, channels of latents."""

from __future__ import annotations

from engine.declaration import Fixed, FromConstant, FromInput, Source

MAX_RESOLUTION = 16384
Facts = dict[str, dict[str, Source]]


def as_given(output: str) -> Facts:
	"""An output as wide and high as the constants `width` and `height` say."""
	return {output: {side: FromConstant(input=side) for side in ('width', 'height')}}


def as_input(output: str, name: str, *facts: str) -> Facts:
	"""An output of which the facts (its size, if none are named) are those of what comes in at an input."""
	return {output: {fact: FromInput(input=name) for fact in facts or ('width', 'height')}}


def empty_latent_facts(channels: int) -> Facts:
	"""A latent of the size that the constants `width` and `height` say, with so many channels."""
	return {'LATENT': {'channels': Fixed(value=channels), **as_given('LATENT')['LATENT']}}
