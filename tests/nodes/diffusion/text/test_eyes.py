"""The eyes of text encoders as a part of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import ModelError, UnknownFormat
from engine.models import Load
from nodes.diffusion.text.eyes import Eyes, load_eyes
from nodes.values import Images
from tests import tiny_texts

PICTURE = Images(torch.rand(1, 56, 84, 3, generator=torch.Generator().manual_seed(0)))


def saved(path: Path, start: str = '', prefix: str = '', *, eyes: bool = True) -> Path:
	"""A file of the tiny Qwen 2.5-VL, its eyes' names with `start` before them, all with `prefix`."""
	kept = tiny_texts.tensors(tiny_texts.qwen(2), prefix)
	if eyes:
		kept |= tiny_texts.tensors(tiny_texts.qwen_eyes(), prefix + start)
	file = path / 'qwen.safetensors'
	save_file(kept, file)
	return file


class TestLoading:
	@pytest.mark.parametrize('start', ['', 'model.'])
	@pytest.mark.parametrize('prefix', ['', 'text_encoders.qwen25_7b.transformer.'])
	def test_reads_nothing_but_the_eyes(self, start: str, prefix: str, tmp_path: Path) -> None:
		"""From a file of the encoder, or of a whole model; by either of their names."""
		eyes = load_eyes(Load((saved(tmp_path, start, prefix),), 'eyes'))
		own = tiny_texts.qwen_eyes()
		[seen], [wanted] = eyes.see([PICTURE]), Eyes(own).see([PICTURE])

		assert eyes.nbytes == sum(weight.nbytes for weight in own.parameters())
		assert torch.equal(seen.tokens, wanted.tokens)
		assert (seen.rows, seen.columns, len(seen.tokens)) == (2, 3, 6)

	def test_in_half_precision(self, tmp_path: Path) -> None:
		"""What is seen is near, and float32."""
		path = saved(tmp_path)
		[half], [whole] = (load_eyes(Load((path,), 'eyes', dtype)).see([PICTURE]) for dtype in ('bfloat16', 'float32'))

		assert half.tokens.dtype == torch.float32
		assert 0 < float((half.tokens - whole.tokens).norm() / whole.tokens.norm()) < 0.05

	def test_an_encoder_without_eyes(self, tmp_path: Path) -> None:
		"""The error names the file, and a tensor that is missing."""
		with pytest.raises(ModelError, match=r'qwen\.safetensors holds no eyes \(visual\.patch_embed'):
			load_eyes(Load((saved(tmp_path, eyes=False),), 'eyes'))

	def test_eyes_that_are_not_whole(self, tmp_path: Path) -> None:
		"""What is missing is told."""
		kept = tiny_texts.tensors(tiny_texts.qwen_eyes())
		del kept['visual.merger.mlp.0.bias']
		save_file(kept, tmp_path / 'half.safetensors')

		with pytest.raises(UnknownFormat, match=r'vision tower lacks 1 tensors: visual\.merger\.mlp\.0\.bias'):
			load_eyes(Load((tmp_path / 'half.safetensors',), 'eyes'))
