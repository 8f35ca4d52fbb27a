"""Prompts with pictures in them, for models that edit: the text encoder sees what is to be changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from engine.declaration import FromInput, Source, Text
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.load import eyes_of
from nodes.values import AutoEncoder, Conditioning, Images, Seen, TextEncoder

CATEGORY = 'advanced/conditioning'
FACTS: dict[str, dict[str, Source]] = {'CONDITIONING': {'family': FromInput(input='clip')}}

START = '<|im_start|>'
"""What a prompt begins with that is a chat of its own."""
EDIT = (
	'<|im_start|>system\nDescribe the key features of the input image (color, shape, size, texture, objects, background), '
	"then explain how the user's text instruction should alter or modify the image. Generate a new image that meets the "
	"user's requirements while maintaining consistency with the original input where appropriate.<|im_end|>\n"
	'<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n'
)
"""The chat that Qwen-Image-Edit was trained with. Source: Qwen team 2025, "Qwen-Image Technical Report", section 2.4."""
PICTURE = '<|vision_start|><|image_pad|><|vision_end|>'
"""Where a picture stands in a chat."""

LARGE, SMALL = 1024 * 1024, 384 * 384
"""Pixels that pictures are brought to: as references, and for what only the text encoder sees."""
FACTOR = 8

Encoder = Annotated[ModelRef[TextEncoder], 'The text encoder: Qwen 2.5-VL with its eyes.']
Instruction = Annotated[str, Text(multiline=True, dynamic_prompts=True), 'What to change.']
Vae = Annotated[ModelRef[AutoEncoder] | None, 'Shows the model itself the pictures too, as reference latents.']
Picture = Annotated[Images | None, 'A picture to look at.']


@node(kind='TextEncodeQwenImageEdit', category=CATEGORY, facts=FACTS)
def encode_edit(
	context: Context, clip: Encoder, prompt: Instruction, vae: Vae = None, image: Picture = None
) -> Conditioning:
	"""Encode an instruction for Qwen-Image-Edit together with the picture that it is about."""
	if image is None:
		with context.models.use(clip) as encoder:
			return encoder.encode(prompt)
	shown = _sized(image, LARGE)
	return _encoded(context, clip, _chat(prompt, PICTURE), [shown], vae, [shown])


@node(kind='TextEncodeQwenImageEditPlus', category=CATEGORY, facts=FACTS)
def encode_edit_plus(
	context: Context,
	clip: Encoder,
	prompt: Instruction,
	vae: Vae = None,
	image1: Picture = None,
	image2: Picture = None,
	image3: Picture = None,
) -> Conditioning:
	"""Encode an instruction for Qwen-Image-Edit 2509 and later, which may speak of "Picture 1" to "Picture 3"."""
	given = [(number, image) for number, image in enumerate((image1, image2, image3), start=1) if image is not None]
	pictures = ''.join(f'Picture {number}: {PICTURE}' for number, _ in given)
	return _encoded(
		context,
		clip,
		_chat(pictures + prompt),
		[_sized(image, SMALL) for _, image in given],
		vae,
		[] if vae is None else [_sized(image, LARGE, FACTOR) for _, image in given],
	)


def _chat(prompt: str, pictures: str = '') -> str:
	"""The whole chat; a prompt that begins as one is taken as it is."""
	return prompt if prompt.startswith(START) else EDIT.replace('{}', pictures + prompt)


def _encoded(
	context: Context,
	clip: ModelRef[TextEncoder],
	chat: str,
	pictures: Sequence[Images],
	vae: ModelRef[AutoEncoder] | None,
	references: Sequence[Images],
) -> Conditioning:
	"""The chat with its pictures, and the references as latents."""
	seen: Sequence[Seen] = ()
	if pictures:
		# Before the words, and gone by then if room is short: they need not be there together.
		with context.models.use(eyes_of(clip)) as eyes:
			seen = eyes.see(pictures)
	with context.models.use(clip) as encoder:
		said = encoder.look(chat, seen) if seen else encoder.encode(chat)
	if vae is None or not references:
		return said
	with context.models.use(vae) as autoencoder:
		latents = tuple(autoencoder.encode(reference).samples for reference in references)
	return said.each(lambda prompt: replace(prompt, references=(*prompt.references, *latents)))


def _sized(image: Images, pixels: int, multiple: int = 1) -> Images:
	"""Pictures in their own aspect with about so many pixels, in sides that are multiples of a number; no alpha."""
	from nodes.pixels.scale import resize_pictures

	height, width = image.pixels.shape[1:3]
	factor = math.sqrt(pixels / (width * height))
	new_width, new_height = (max(1, round(side * factor / multiple)) * multiple for side in (width, height))
	return Images(resize_pictures(image.pixels[..., :3], new_width, new_height, 'area'))
