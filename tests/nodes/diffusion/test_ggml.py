"""GGML's blocks, against gguf-py."""

from __future__ import annotations

import gguf
import numpy as np
import pytest
import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from engine.ggufheader import TYPES
from nodes.diffusion.ggml import DECODERS, decoder

BLOCKED = [name for name, values, _ in TYPES.values() if values > 1]


class TestDecoder:
	@pytest.mark.parametrize('kind', BLOCKED)
	def test_every_type_gives_what_gguf_gives(self, kind: str) -> None:
		"""Bit for bit, whatever bytes stand in the blocks; not-a-number, where a scale is one, counts as equal."""
		size = GGML_QUANT_SIZES[GGMLQuantizationType[kind]][1]
		blocks = np.random.default_rng(0).integers(0, 256, (64, size), dtype=np.uint8)
		with np.errstate(all='ignore'):
			expected = gguf.dequantize(blocks, GGMLQuantizationType[kind])

		assert np.array_equal(decoder(kind)(torch.from_numpy(blocks)).numpy(), expected, equal_nan=True)

	def test_the_common_types_need_no_detour(self) -> None:
		"""Those in which diffusion models and text encoders are shared."""
		assert {'Q4_0', 'Q5_0', 'Q8_0', 'Q2_K', 'Q3_K', 'Q4_K', 'Q5_K', 'Q6_K', 'IQ4_NL', 'IQ4_XS'} <= set(DECODERS)
