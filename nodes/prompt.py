"""Prompts: from text to what the diffusion model listens to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from engine.declaration import Choice, FromInput, Number, Source, Text
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.embeddings import embeddings_digest, with_embeddings
from nodes.known import MAX_RESOLUTION
from nodes.text_settings import LastLayer, TextPadding
from nodes.values import Conditioning, Sizes, TextEncoder

FACTS: Mapping[str, Mapping[str, Source]] = {'CONDITIONING': {'family': FromInput(input='clip')}}
PROMPT = Text(multiline=True, dynamic_prompts=True)
SIZE = Number(default=1024, min=0, max=MAX_RESOLUTION)
CROP = Number(default=0, min=0, max=MAX_RESOLUTION)


@node(
	kind='CLIPTextEncode',
	title='CLIP Text Encode (Prompt)',
	category='conditioning',
	facts=FACTS,
	fingerprint=embeddings_digest,
)
def encode_prompt(
	context: Context,
	text: Annotated[str, PROMPT, 'What to draw. (word:1.2) gives a word more weight.'],
	clip: Annotated[ModelRef[TextEncoder], 'The text encoder.'],
) -> Conditioning:
	"""Encode a prompt with a text encoder, to steer a sampler with it."""
	with context.models.use(clip) as encoder:
		return with_embeddings(context, encoder).encode(text)


@node(
	kind='CLIPSetLastLayer',
	title='CLIP Set Last Layer',
	category='conditioning',
	facts={'CLIP': {'family': FromInput(input='clip')}},
)
def set_last_layer(
	clip: Annotated[ModelRef[TextEncoder], 'The text encoder.'],
	stop_at_clip_layer: Annotated[
		int, Number(default=-1, min=-24, max=-1), 'The layer to listen to, from the end; many models like −2.'
	],
) -> ModelRef[TextEncoder]:
	"""Listen to an earlier layer of CLIP's text encoders (clip skip)."""
	return clip.patched(LastLayer(stop_at_clip_layer))


@node(kind='CLIPTextEncodeSDXL', category='advanced/conditioning', facts=FACTS, fingerprint=embeddings_digest)
def encode_prompt_sdxl(
	context: Context,
	clip: Annotated[ModelRef[TextEncoder], 'The text encoders of Stable Diffusion XL.'],
	width: Annotated[int, SIZE, 'Width of the picture as if it were a photograph of this size, in pixels.'],
	height: Annotated[int, SIZE, 'Its height.'],
	crop_w: Annotated[int, CROP, 'How many pixels are cut off at its left.'],
	crop_h: Annotated[int, CROP, 'How many are cut off at its top.'],
	target_width: Annotated[int, SIZE, 'Width of what is made of it.'],
	target_height: Annotated[int, SIZE, 'Height of what is made of it.'],
	text_g: Annotated[str, PROMPT, 'What the larger encoder (bigG) hears.'],
	text_l: Annotated[str, PROMPT, 'What the smaller encoder (L) hears.'],
) -> Conditioning:
	"""Encode a prompt for Stable Diffusion XL, with a text for each encoder, and sizes."""
	with context.models.use(clip) as encoder:
		said = with_embeddings(context, encoder).encode(text_g, {'clip_l': text_l})
	return _sized(said, Sizes(width, height, crop_w, crop_h, target_width, target_height))


@node(kind='CLIPTextEncodeSDXLRefiner', category='advanced/conditioning', facts=FACTS, fingerprint=embeddings_digest)
def encode_prompt_refiner(
	context: Context,
	ascore: Annotated[
		float, Number(default=6.0, min=0.0, max=1000.0, step=0.01), 'How good the picture should look; 10 is best.'
	],
	width: Annotated[int, SIZE, 'Width of the picture, in pixels.'],
	height: Annotated[int, SIZE, 'Height of the picture.'],
	text: Annotated[str, PROMPT, 'What to draw.'],
	clip: Annotated[ModelRef[TextEncoder], 'The text encoder of the refiner.'],
) -> Conditioning:
	"""Encode a prompt for the refiner of Stable Diffusion XL, with sizes and an aesthetic score."""
	with context.models.use(clip) as encoder:
		said = with_embeddings(context, encoder).encode(text)
	return _sized(said, Sizes(width, height, aesthetic=ascore))


@node(kind='CLIPTextEncodeFlux', category='advanced/conditioning/flux', facts=FACTS, fingerprint=embeddings_digest)
def encode_prompt_flux(
	context: Context,
	clip: Annotated[ModelRef[TextEncoder], 'The text encoders of Flux.'],
	clip_l: Annotated[str, PROMPT, 'What CLIP hears: a few words on the whole.'],
	t5xxl: Annotated[str, PROMPT, 'What T5 hears: all of it.'],
	guidance: Annotated[float, Number(default=3.5, min=0.0, max=100.0, step=0.1), 'How strictly to follow the prompt.'],
) -> Conditioning:
	"""Encode a prompt for Flux, with a text for each encoder, and the guidance that is built into its dev models."""
	with context.models.use(clip) as encoder:
		said = with_embeddings(context, encoder).encode(t5xxl, {'clip_l': clip_l})
	return Conditioning(tuple(replace(prompt, guidance=guidance) for prompt in said.prompts))


@node(kind='CLIPTextEncodeSD3', category='advanced/conditioning', facts=FACTS, fingerprint=embeddings_digest)
def encode_prompt_sd3(
	context: Context,
	clip: Annotated[ModelRef[TextEncoder], 'The text encoders of Stable Diffusion 3.'],
	clip_l: Annotated[str, PROMPT, 'What the smaller CLIP (L) hears.'],
	clip_g: Annotated[str, PROMPT, 'What the larger CLIP (bigG) hears.'],
	t5xxl: Annotated[str, PROMPT, 'What T5 hears.'],
	empty_padding: Annotated[
		str, Choice(options=('none', 'empty_prompt')), 'Whether an empty text is an empty prompt, or nothing at all.'
	],
) -> Conditioning:
	"""Encode a prompt for Stable Diffusion 3, with a text for each encoder."""
	nothing = empty_padding == 'none'
	texts: dict[str, str | None] = {'clip_l': clip_l, 'clip_g': clip_g, 't5xxl': t5xxl}
	if nothing and not clip_l and not clip_g:
		# The two stand side by side: what one of them hears, the other must fill up.
		texts |= {'clip_l': None, 'clip_g': None}
	with context.models.use(clip) as encoder:
		if nothing and not t5xxl:
			encoder = encoder.padded(0, 0)
		return with_embeddings(context, encoder).encode(clip_g, texts)


@node(
	kind='T5TokenizerOptions',
	experimental=True,
	category='_for_testing/conditioning',
	lane='cpu',
	facts={'CLIP': {'family': FromInput(input='clip')}},
)
def t5_tokenizer_options(
	clip: Annotated[ModelRef[TextEncoder], 'The text encoders, of which one is T5.'],
	min_padding: Annotated[int, Number(default=0, min=0, max=10000, step=1), 'Filling that follows each prompt.'],
	min_length: Annotated[
		int, Number(default=0, min=0, max=10000, step=1), 'To how many tokens a prompt is filled up.'
	],
) -> ModelRef[TextEncoder]:
	"""Say how prompts are filled up for T5, which listens to the filling too."""
	return clip.patched(TextPadding(min_padding, min_length))


def _sized(said: Conditioning, sizes: Sizes) -> Conditioning:
	return Conditioning(tuple(replace(prompt, sizes=sizes) for prompt in said.prompts))
