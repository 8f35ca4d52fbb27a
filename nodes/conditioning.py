"""Conditioning: prompts joined, mixed, and told where, when and how much they count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from engine.declaration import Agreement, Choice, FromInput, Number, Source, Toggle
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.known import MAX_RESOLUTION
from nodes.latent import encoding
from nodes.values import Area, AutoEncoder, Conditioning, Images, Latent, Mask, Prompt

if TYPE_CHECKING:
	from torch import Tensor

FACTOR = 8
"""Pixels per latent value along a side, as the areas of ComfyUI's nodes count them."""


def same_family(name: str) -> dict[str, dict[str, Source]]:
	"""The family of an input's prompts is the output's."""
	return {'CONDITIONING': {'family': FromInput(input=name)}}


Steer = Annotated[Conditioning, 'The prompts.']
Strength = Annotated[float, Number(default=1.0, min=0.0, max=10.0, step=0.01), 'Its weight beside other prompts.']
Side = Annotated[int, Number(default=64, min=64, max=MAX_RESOLUTION, step=8), 'In pixels.']
Offset = Annotated[int, Number(default=0, min=0, max=MAX_RESOLUTION, step=8), 'In pixels, from the top left.']
Part = Annotated[float, Number(default=1.0, min=0, max=1.0, step=0.01), 'In parts of the picture.']
PartOffset = Annotated[float, Number(default=0, min=0, max=1.0, step=0.01), 'In parts of the picture.']


@node(
	kind='ConditioningCombine',
	title='Conditioning (Combine)',
	category='conditioning',
	lane='cpu',
	facts=same_family('conditioning_1'),
	agreements=(Agreement(fact='family', inputs=('conditioning_1', 'conditioning_2')),),
)
def combine(conditioning_1: Steer, conditioning_2: Steer) -> Conditioning:
	"""Steer by two prompts at once: each is looked at, and the guesses are averaged."""
	return Conditioning(conditioning_1.prompts + conditioning_2.prompts)


@node(
	kind='ConditioningConcat',
	title='Conditioning (Concat)',
	category='conditioning',
	lane='cpu',
	facts=same_family('conditioning_to'),
	agreements=(Agreement(fact='family', inputs=('conditioning_to', 'conditioning_from')),),
)
def concat(conditioning_to: Steer, conditioning_from: Steer) -> Conditioning:
	"""Put the tokens of one prompt behind those of each of the others, as if it were one long prompt."""
	import torch

	from nodes.diffusion.biases import joined

	added = conditioning_from.prompts[0]

	def longer(prompt: Prompt) -> Prompt:
		mask = None
		if prompt.token_mask is not None or added.token_mask is not None:
			mask = torch.cat([_mask(prompt), _mask(added)], dim=1)
		both = torch.cat([prompt.embedding, added.embedding], dim=1)
		return replace(prompt, embedding=both, token_mask=mask, bias=joined(prompt, added))

	return conditioning_to.each(longer)


@node(
	kind='ConditioningAverage',
	category='conditioning',
	lane='cpu',
	facts=same_family('conditioning_to'),
	agreements=(Agreement(fact='family', inputs=('conditioning_to', 'conditioning_from')),),
)
def average(
	conditioning_to: Steer,
	conditioning_from: Steer,
	conditioning_to_strength: Annotated[
		float, Number(default=1.0, min=0.0, max=1.0, step=0.01), '1 is the first alone, 0 the second alone.'
	],
) -> Conditioning:
	"""Mix two prompts token by token; the second is cut or filled with zeros to the first one's length."""
	import torch

	share = conditioning_to_strength
	added = conditioning_from.prompts[0]

	def mixed(prompt: Prompt) -> Prompt:
		length = prompt.embedding.shape[1]
		other = added.embedding[:, :length]
		if other.shape[1] < length:
			other = torch.nn.functional.pad(other, (0, 0, 0, length - other.shape[1]))
		pooled = added.pooled if prompt.pooled is None else prompt.pooled
		if prompt.pooled is not None and added.pooled is not None:
			pooled = prompt.pooled * share + added.pooled * (1 - share)
		return replace(prompt, embedding=prompt.embedding * share + other * (1 - share), pooled=pooled)

	return conditioning_to.each(mixed)


@node(
	kind='ConditioningSetArea',
	title='Conditioning (Set Area)',
	category='conditioning',
	lane='cpu',
	facts=same_family('conditioning'),
)
def set_area(conditioning: Steer, width: Side, height: Side, x: Offset, y: Offset, strength: Strength) -> Conditioning:
	"""Let prompts count in a rectangle of the picture only."""
	area = Area(height // FACTOR, width // FACTOR, y // FACTOR, x // FACTOR)
	return _scoped(conditioning, area=area, strength=strength, mask_bounds=False)


@node(
	kind='ConditioningSetAreaPercentage',
	title='Conditioning (Set Area with Percentage)',
	category='conditioning',
	lane='cpu',
	facts=same_family('conditioning'),
)
def set_area_in_parts(
	conditioning: Steer, width: Part, height: Part, x: PartOffset, y: PartOffset, strength: Strength
) -> Conditioning:
	"""Let prompts count in a rectangle of the picture only, given in parts of its sides."""
	area = Area(height, width, y, x, relative=True)
	return _scoped(conditioning, area=area, strength=strength, mask_bounds=False)


@node(kind='ConditioningSetAreaStrength', category='conditioning', lane='cpu', facts=same_family('conditioning'))
def set_strength(conditioning: Steer, strength: Strength) -> Conditioning:
	"""Give prompts another weight beside others."""
	return _scoped(conditioning, strength=strength)


@node(
	kind='ConditioningSetMask',
	title='Conditioning (Set Mask)',
	category='conditioning',
	lane='cpu',
	facts=same_family('conditioning'),
)
def set_mask(
	conditioning: Steer,
	mask: Annotated[Mask, 'How much the prompts count at each place.'],
	strength: Strength,
	set_cond_area: Annotated[
		str, Choice(options=('default', 'mask bounds')), 'Whether only what the mask covers is looked at.'
	],
) -> Conditioning:
	"""Let prompts count by a mask."""
	bounds = set_cond_area == 'mask bounds'
	return _scoped(conditioning, mask=mask.values, mask_strength=strength, mask_bounds=bounds)


@node(
	kind='ConditioningSetTimestepRange',
	category='advanced/conditioning',
	lane='cpu',
	facts=same_family('conditioning'),
)
def set_range(
	conditioning: Steer,
	start: Annotated[float, Number(default=0.0, min=0.0, max=1.0, step=0.001), 'From this part of the way.'],
	end: Annotated[float, Number(default=1.0, min=0.0, max=1.0, step=0.001), 'To this part of the way.'],
) -> Conditioning:
	"""Let prompts count during a part of the way from noise to picture only."""
	return _scoped(conditioning, start=start, end=end)


@node(kind='ConditioningZeroOut', category='advanced/conditioning', lane='cpu', facts=same_family('conditioning'))
def zero_out(conditioning: Steer) -> Conditioning:
	"""Prompts that say nothing: all their numbers are 0."""

	def silent(prompt: Prompt) -> Prompt:
		pooled = None if prompt.pooled is None else prompt.pooled * 0
		return replace(prompt, embedding=prompt.embedding * 0, pooled=pooled)

	return conditioning.each(silent)


@node(kind='FluxGuidance', category='advanced/conditioning/flux', lane='cpu', facts=same_family('conditioning'))
def flux_guidance(
	conditioning: Steer,
	guidance: Annotated[float, Number(default=3.5, min=0.0, max=100.0, step=0.1), 'How strictly to follow the prompt.'],
) -> Conditioning:
	"""The guidance that is built into Flux's dev models."""
	return conditioning.each(lambda prompt: replace(prompt, guidance=guidance))


@node(
	kind='ReferenceLatent',
	category='advanced/conditioning/edit_models',
	lane='cpu',
	facts=same_family('conditioning'),
)
def add_reference(
	conditioning: Steer, latent: Annotated[Latent | None, 'The picture to look at.'] = None
) -> Conditioning:
	"""Show an editing model a picture; several can be added, one after the other."""
	if latent is None:
		return conditioning
	samples = latent.samples
	return conditioning.each(lambda prompt: replace(prompt, references=(*prompt.references, samples)))


@node(
	kind='FluxKontextMultiReferenceLatentMethod',
	experimental=True,
	category='advanced/conditioning/flux',
	lane='cpu',
	facts=same_family('conditioning'),
)
def set_reference_method(
	conditioning: Steer,
	reference_latents_method: Annotated[
		str, Choice(options=('offset', 'index', 'uxo/uno')), 'How several pictures are told apart.'
	],
) -> Conditioning:
	"""Choose how an editing model is told where each of several pictures to look at lies."""
	method = 'uxo' if 'uxo' in reference_latents_method or 'uso' in reference_latents_method else ''
	chosen = method or reference_latents_method
	return conditioning.each(lambda prompt: replace(prompt, reference_method=chosen))


class Inpainting(NamedTuple):
	"""Both sides, and the latent to begin with."""

	positive: Conditioning
	negative: Conditioning
	latent: Latent


@node(
	kind='InpaintModelConditioning',
	category='conditioning/inpaint',
	facts={
		'positive': {'family': FromInput(input='positive')},
		'negative': {'family': FromInput(input='negative')},
		'latent': {'channels': FromInput(input='vae')},
	},
)
def inpaint(
	context: Context,
	positive: Annotated[Conditioning, 'What the picture should show.'],
	negative: Annotated[Conditioning, 'What it should not show.'],
	vae: Annotated[ModelRef[AutoEncoder], 'The VAE that belongs to the model.'],
	pixels: Annotated[Images, 'The picture to paint in.'],
	mask: Annotated[Mask, 'Where to paint.'],
	noise_mask: Annotated[
		bool, Toggle(default=True), 'Whether noise acts under the mask only, so that the rest surely stays.'
	],
) -> Inpainting:
	"""Show an inpainting model the picture with a hole where it is to paint."""
	import torch

	height, width = (side // FACTOR * FACTOR for side in pixels.pixels.shape[1:3])
	top, left = ((side % FACTOR) // 2 for side in pixels.pixels.shape[1:3])
	area = mask.values.reshape(-1, 1, *mask.values.shape[-2:])
	area = torch.nn.functional.interpolate(area, pixels.pixels.shape[1:3], mode='bilinear')
	area = area[..., top : top + height, left : left + width]
	whole = pixels.pixels[:, top : top + height, left : left + width, :3]
	kept = (1 - area.round())[:, 0, :, :, None]
	holed = (whole - 0.5) * kept + 0.5
	with encoding(context, vae, width, height) as (_, encoded):
		shown = encoded(Images(holed)).samples
		latent = encoded(Images(whole))
	if noise_mask:
		latent = replace(latent, noise_mask=area[:, 0])

	def told(prompt: Prompt) -> Prompt:
		return replace(prompt, concat=shown, concat_mask=area)

	return Inpainting(positive.each(told), negative.each(told), latent)


@node(
	kind='InstructPixToPixConditioning',
	category='conditioning/instructpix2pix',
	facts={
		'positive': {'family': FromInput(input='positive')},
		'negative': {'family': FromInput(input='negative')},
		'latent': {'channels': FromInput(input='vae')},
	},
)
def instruct(
	context: Context,
	positive: Annotated[Conditioning, 'What to change.'],
	negative: Annotated[Conditioning, 'What the picture should not show.'],
	vae: Annotated[ModelRef[AutoEncoder], 'The VAE that belongs to the model.'],
	pixels: Annotated[Images, 'The picture to change.'],
) -> Inpainting:
	"""Show a model that follows instructions (InstructPix2Pix) the picture to change."""
	import torch

	height, width = (side // FACTOR * FACTOR for side in pixels.pixels.shape[1:3])
	top, left = ((side % FACTOR) // 2 for side in pixels.pixels.shape[1:3])
	with encoding(context, vae, width, height) as (_, encoded):
		shown = encoded(Images(pixels.pixels[:, top : top + height, left : left + width])).samples

	def told(prompt: Prompt) -> Prompt:
		return replace(prompt, concat=shown)

	return Inpainting(positive.each(told), negative.each(told), Latent(torch.zeros_like(shown)))


def _scoped(conditioning: Conditioning, **changes: Any) -> Conditioning:
	"""The same with changes of every prompt's scope."""
	return conditioning.each(lambda prompt: replace(prompt, scope=replace(prompt.scope, **changes)))


def _mask(prompt: Prompt) -> Tensor:
	"""Which tokens count: all, if nothing is said."""
	import torch

	return torch.ones(prompt.embedding.shape[:2]) if prompt.token_mask is None else prompt.token_mask
