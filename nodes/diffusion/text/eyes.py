"""The eyes of text encoders: vision towers whose tokens stand among the words of a prompt.

They are a part of their own, though in the same file: who encodes words alone does without them. Source: Bai et al. 2025,
"Qwen2.5-VL Technical Report".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import Module
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLVisionConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VisionTransformerPretrainedModel

from engine.errors import ModelError
from engine.models import Load
from nodes.diffusion.checkpoint import read_part
from nodes.diffusion.families.text_parts import QWEN_EYES
from nodes.diffusion.folder import open_encoders
from nodes.diffusion.text.sights import Sight, sight
from nodes.diffusion.whereabouts import place_of
from nodes.values import Images, Seen


class QwenEyes(Module):
	"""The vision tower of Qwen 2.5-VL, under the names of its files; `config` is transformers' own."""

	def __init__(self, config: Mapping[str, Any]) -> None:
		super().__init__()
		self.visual: Any = cast(Any, Qwen2_5_VisionTransformerPretrainedModel(Qwen2_5_VLVisionConfig(**config)))

	@property
	def patch(self) -> int:
		"""The side of a patch in pixels."""
		return int(self.visual.config.patch_size)

	def forward(self, one: Sight) -> Tensor:
		"""Its tokens [tokens, width]."""
		place = place_of(self)
		grid = torch.tensor([[1, one.rows, one.columns]], device=place)
		patches = one.patches.to(place, next(self.visual.parameters()).dtype)
		return cast(Tensor, self.visual(patches, grid_thw=grid).pooler_output)


@dataclass(frozen=True, eq=False)
class Eyes:
	"""A vision tower: a `TextEyes`."""

	module: QwenEyes

	@property
	def nbytes(self) -> int:
		"""Bytes of its weights."""
		return sum(weight.nbytes for weight in self.module.parameters())

	def see(self, pictures: Sequence[Images]) -> tuple[Seen, ...]:
		"""See `TextEyes`."""
		sights = [sight(picture.pixels[0], self.module.patch) for picture in pictures]
		with torch.inference_mode():
			return tuple(Seen(self.module(one).float().cpu(), *one.grid) for one in sights)


def load_eyes(load: Load) -> Eyes:
	"""The eyes of a text encoder: a `Loader` of `TextEyes`. Raises `ModelError` if it has none."""
	for path in load.paths:
		for source in open_encoders(path):
			found = QWEN_EYES.find(source.shapes)
			if found is not None:
				part = read_part(source, QWEN_EYES, found, load)
				return Eyes(cast(QwenEyes, part.module))
	raise ModelError(
		f'This text encoder cannot look at pictures: {load.path.name} holds no eyes (visual.patch_embed.proj.weight …). '
		'Take one of Qwen 2.5-VL with its vision tower.'
	)
