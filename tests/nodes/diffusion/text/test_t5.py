"""T5 as a tower, and where its vocabulary is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import T5Config, T5EncoderModel

from engine.errors import ModelError
from nodes.diffusion.files import open_source
from nodes.diffusion.text.sentencepiece import read_vocabulary, unigram
from nodes.diffusion.text.t5 import T5Tower
from nodes.diffusion.text.t5_tokenizer import T5Tokenizer, for_source
from tests import tiny_texts

LEAST = 8


def tokenizer() -> T5Tokenizer:
	"""Of the tiny vocabulary."""
	return T5Tokenizer(unigram(read_vocabulary(tiny_texts.spiece_model(), Path('spiece.model'))))


def tower() -> T5Tower:
	"""A tiny T5 that hears eight tokens at least."""
	return T5Tower(tiny_texts.t5(), tokenizer(), LEAST)


def by_transformers(numbers: list[int]) -> Tensor:
	"""What transformers' model says of these numbers, with the same weights."""
	model = cast(Any, T5EncoderModel(T5Config(**tiny_texts.T5)))
	model.eval()
	model.load_state_dict(tiny_texts.tensors(tiny_texts.t5()), strict=False)
	with torch.inference_mode():
		said: Tensor = model(torch.tensor([numbers])).last_hidden_state
	return said


class TestEncode:
	def test_says_what_transformers_says(self) -> None:
		"""Of the pieces, the mark at the end and the filling, all of which are listened to."""
		numbers = [*tokenizer()('a red cat'), 1, 0, 0, 0, 0]

		assert len(numbers) == LEAST
		assert torch.equal(tower().encode('a red cat').embedding, by_transformers(numbers))

	@pytest.mark.parametrize(('padding', 'least', 'filling'), [(0, 0, 0), (2, 0, 2), (0, 6, 2), (5, 6, 5)])
	def test_filling_is_as_told(self, padding: int, least: int, filling: int) -> None:
		"""So much after each prompt, and then up to the least length, both weighted or not."""
		numbers = [*tokenizer()('a red cat'), 1, *[0] * filling]
		other = tower().padded(padding, least)

		assert torch.equal(other.encode('a red cat').embedding, by_transformers(numbers))
		assert other.encode('a (cat:1.5)').embedding.shape[1] == max(least, len(tokenizer()('a cat')) + 1 + padding)

	def test_long_prompts_are_as_long_as_they_are(self) -> None:
		"""Twenty cats and the mark at the end."""
		assert tower().encode('cat ' * 20).embedding.shape == (1, 21, 2 * tiny_texts.WIDTH)

	def test_a_weight_moves_its_words_away_from_the_empty_prompt(self) -> None:
		"""z₀ + (z − z₀) · w for the weighted token, the rest as it was."""
		empty, plain = tower().encode('').embedding, tower().encode('a cat').embedding
		wanted = plain.clone()
		wanted[0, 1] = empty[0, 1] + (plain[0, 1] - empty[0, 1]) * 1.5

		assert torch.allclose(tower().encode('a (cat:1.5)').embedding, wanted, atol=1e-6)

	def test_vectors_take_the_place_of_tokens(self) -> None:
		"""An embedding of two vectors is two tokens; here they are those of a and cat."""
		module = tiny_texts.t5()
		rows = module.shared.weight[tokenizer()('a cat')]
		given = tower().with_vectors(lambda name: rows if name == 'two' else None)

		assert torch.allclose(given.encode('embedding:two').embedding, tower().encode('a cat').embedding, atol=1e-6)

	def test_other_weights_say_something_else(self) -> None:
		"""The tower around another module; the first is as it was."""
		first = tower()
		second = first.on(tiny_texts.t5(seed=1))

		assert not torch.equal(first.encode('cat').embedding, second.encode('cat').embedding)
		assert first.at_layer(-2) is first
		assert first.chunks('cat ' * 500) == 1


class TestVocabulary:
	@pytest.fixture
	def weights(self, tmp_path: Path) -> Path:
		"""A file of weights in a folder of text encoders."""
		path = tmp_path / 'text_encoders' / 't5xxl_fp16.safetensors'
		path.parent.mkdir()
		save_file({'x': torch.zeros(1)}, path)
		return path

	def test_missing_says_which_file_to_put_where(self, weights: Path) -> None:
		"""Beside the weights, or in a folder of its own."""
		with pytest.raises(
			ModelError, match=r'T5 is missing.*tokenizer\.json or spiece\.model.*t5xxl_fp16.*encoders/t5'
		):
			for_source(open_source(weights))

	@pytest.mark.parametrize('folder', ['t5xxl_fp16', 't5'])
	def test_found_in_its_places(self, weights: Path, folder: str) -> None:
		"""A SentencePiece model in a folder beside the weights."""
		(weights.parent / folder).mkdir()
		(weights.parent / folder / 'spiece.model').write_bytes(tiny_texts.spiece_model())

		assert for_source(open_source(weights))('red cat') == [4, 5]

	def test_found_from_another_folder_of_models(self, weights: Path) -> None:
		"""A checkpoint finds it among the text encoders."""
		checkpoint = weights.parent.parent / 'checkpoints' / 'all.safetensors'
		checkpoint.parent.mkdir()
		save_file({'x': torch.zeros(1)}, checkpoint)
		(weights.parent / 't5').mkdir()
		(weights.parent / 't5' / 'spiece.model').write_bytes(tiny_texts.spiece_model())

		assert for_source(open_source(checkpoint))('red cat') == [4, 5]

	def test_a_tokenizer_of_the_library_does_as_well(self, weights: Path) -> None:
		"""One of another kind in the same place is passed over."""
		for folder, text in (
			('tokenizer', tiny_texts.qwen_tokenizer()),
			('tokenizer_2', tokenizer()._tokenizer.to_str()),
		):
			(weights.parent / folder).mkdir()
			(weights.parent / folder / 'tokenizer.json').write_text(text, encoding='utf-8')

		assert for_source(open_source(weights))('red cat') == [4, 5]

	def test_a_tensor_of_the_file_brings_it(self, tmp_path: Path) -> None:
		"""As some files have it."""
		path = tmp_path / 't5.safetensors'
		model = torch.tensor(list(tiny_texts.spiece_model()), dtype=torch.uint8)
		save_file({'spiece_model': model}, path)

		assert for_source(open_source(path))('red cat') == [4, 5]
