"""Where a part of a model was read, as far as it takes to save the part again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import torch

from nodes.diffusion.files import TensorSource
from nodes.diffusion.layout import Layout

PLAIN = {'F32': torch.float32, 'F16': torch.float16, 'BF16': torch.bfloat16}
"""The dtypes in which weights are kept as they are."""


@dataclass(frozen=True, eq=False)
class Origin:
	"""A part's file, and how whole checkpoints keep the part.

	`prefix` stands before its names in whole checkpoints, which keep its tensors in this `layout`; `there` stands before
	them in the file. `rest` are tensors of the file that belong to the part without being weights of the module: a
	vocabulary, layers that nobody listens to; `beside` those that stand elsewhere: what tells how it was trained. `described` are the entries of the file's metadata that tell of it.
	"""

	source: TensorSource
	there: str
	prefix: str
	layout: Layout = field(repr=False)
	rest: Sequence[str]
	beside: Sequence[str]
	described: Mapping[str, str] = field(repr=False)

	@property
	def dtype(self) -> torch.dtype | None:
		"""In which the file keeps most of the part; None if that is coded."""
		counts: dict[str, int] = {}
		for name, shape in self.source.shapes.items():
			if name.startswith(self.there):
				kind = self.source.dtypes[name]
				counts[kind] = counts.get(kind, 0) + prod(shape)
		return PLAIN.get(max(counts, key=lambda kind: counts[kind], default=''))
