"""Qwen's tokenizer: the installed vocabulary, and others."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import UnknownFormat
from nodes.diffusion.families.qwen_image import TEMPLATE
from nodes.diffusion.files import open_source
from nodes.diffusion.text.qwen_tokenizer import QwenTokenizer, for_source
from tests import tiny_texts


@pytest.fixture
def weights(tmp_path: Path) -> Path:
	"""A file of weights that brings no vocabulary."""
	path = tmp_path / 'text_encoders' / 'qwen_3_4b.safetensors'
	path.parent.mkdir()
	save_file({'x': torch.zeros(1)}, path)
	return path


@pytest.fixture
def released(weights: Path) -> QwenTokenizer:
	"""The vocabulary that is installed."""
	return for_source(open_source(weights))


class TestReleased:
	@pytest.mark.parametrize(
		('text', 'numbers'),
		[
			('Hello world', [9707, 1879]),
			('You are a helpful assistant', [2610, 525, 264, 10950, 17847]),
			('<|im_start|>user\n', [151644, 872, 198]),
			('<think>\n\n</think>\n\n', [151667, 271, 151668, 271]),
			('<|vision_start|><|image_pad|><|vision_end|>', [151652, 151655, 151653]),
		],
	)
	def test_numbers_are_those_of_the_released_models(
		self, released: QwenTokenizer, text: str, numbers: list[int]
	) -> None:
		"""As their configs and documentation tell them."""
		assert released(text) == numbers

	def test_the_head_of_a_chat_is_as_long_as_qwen_image_says(self, released: QwenTokenizer) -> None:
		"""34 tokens stand before the prompt."""
		assert len(released(TEMPLATE.partition('{}')[0])) == 34

	def test_marks_have_numbers(self, released: QwenTokenizer) -> None:
		"""And what is no mark has none."""
		assert released.mark('<|endoftext|>') == 151643
		assert released.mark('<|no such mark|>') == -1


class TestPlaces:
	def test_a_file_beside_counts_first(self, weights: Path) -> None:
		"""In a folder called after the file."""
		weights.with_suffix('').mkdir()
		(weights.with_suffix('') / 'tokenizer.json').write_text(tiny_texts.qwen_tokenizer(), encoding='utf-8')

		assert for_source(open_source(weights))('cat') == [259]

	def test_a_file_that_is_no_tokenizer_is_refused(self, weights: Path) -> None:
		"""With its path."""
		(weights.parent / 'qwen').mkdir()
		(weights.parent / 'qwen' / 'tokenizer.json').write_text('{}', encoding='utf-8')

		with pytest.raises(UnknownFormat, match=r'tokenizer\.json'):
			for_source(open_source(weights))

	def test_metadata_count_before_all(self, tmp_path: Path) -> None:
		"""A file may bring its own."""
		path = tmp_path / 'own.safetensors'
		save_file({'x': torch.zeros(1)}, path, metadata={'qwen_tokenizer': tiny_texts.qwen_tokenizer()})

		assert for_source(open_source(path))('cat red') == [259, 32, 257]
