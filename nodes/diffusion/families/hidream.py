"""HiDream-I1 (HiDream.ai 2025): its four text encoders. Its denoiser is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nodes.diffusion.families.base import TextAlone, TextStack
from nodes.diffusion.families.parts import CLIP_G, CLIP_L, clip_tower
from nodes.diffusion.families.text_parts import WHOLE, llama_tower, optional, t5_tower
from nodes.values import Prompt

if TYPE_CHECKING:
	from nodes.diffusion.text.towers import Encoded

TOKENS = 128
L_WIDTH, G_WIDTH, T5_WIDTH = 768, 1280, 4096
LLAMA_LAYERS, LLAMA_WIDTH = 32, 4096


def join(said: Mapping[str, Encoded]) -> Prompt:
	"""What T5 says; Llama's layers beside it, and both CLIPs' vectors as the pooled one. Who is missing counts as zeros."""
	import torch

	long, deep = said.get('t5xxl'), said.get('llama')
	pooled = [
		torch.zeros(1, width) if one is None or one.pooled is None else one.pooled
		for one, width in ((said.get('clip_l'), L_WIDTH), (said.get('clip_g'), G_WIDTH))
	]
	if deep is None:
		layers = torch.zeros(1, LLAMA_LAYERS, 1, LLAMA_WIDTH)
	else:
		layers = deep.embedding.reshape(*deep.embedding.shape[:2], deep.layers, -1).movedim(2, 1)
	embedding = torch.zeros(1, TOKENS, T5_WIDTH) if long is None else long.embedding
	return Prompt(embedding, torch.cat(pooled, dim=-1), deep=layers)


HIDREAM = TextAlone(
	title='HiDream',
	text=TextStack(
		towers=(
			optional(clip_tower('clip_l', CLIP_L, WHOLE.format('clip_l'), projected=True)),
			optional(clip_tower('clip_g', CLIP_G, WHOLE.format('clip_g'), 'text_encoder_2', projected=True, pad=0)),
			t5_tower(least=TOKENS, required=False),
			optional(llama_tower('llama')),
		),
		types=('hidream',),
		join=join,
	),
)
