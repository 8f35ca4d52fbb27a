"""Prompts: from text to what the diffusion model listens to."""

from __future__ import annotations

from typing import Annotated

from engine.declaration import FromInput, Text
from engine.models import ModelRef
from engine.spec import Context, node
from nodes.values import Conditioning, TextEncoder


@node(
	kind='CLIPTextEncode',
	title='CLIP Text Encode (Prompt)',
	category='conditioning',
	facts={'CONDITIONING': {'family': FromInput(input='clip')}},
)
def encode_prompt(
	context: Context,
	text: Annotated[
		str, Text(multiline=True, dynamic_prompts=True), 'What to draw. (word:1.2) gives a word more weight.'
	],
	clip: Annotated[ModelRef[TextEncoder], 'The text encoder.'],
) -> Conditioning:
	"""Encode a prompt with a text encoder, to steer a sampler with it."""
	with context.models.use(clip) as encoder:
		return encoder.encode(text)
