"""Pictures for a Qwen that sees."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import Qwen2VLImageProcessorPil
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel

from nodes.diffusion.text.eyes import Eyes
from nodes.diffusion.text.qwen import QwenTower
from nodes.diffusion.text.qwen_tokenizer import PICTURE, QwenTokenizer
from nodes.diffusion.text.sights import LEAST, MOST, positions, sight, whole_sides
from nodes.values import Images, Seen
from tests import tiny_texts

CHAT = '<|im_start|>system\nred<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n'
SEEN = f'<|vision_start|>{PICTURE}<|vision_end|>'


def tokenizer() -> QwenTokenizer:
	"""Of the tiny vocabulary."""
	return QwenTokenizer(Tokenizer.from_str(tiny_texts.qwen_tokenizer()))


def tower() -> QwenTower:
	"""The tiny Qwen 2.5-VL."""
	return QwenTower(tiny_texts.qwen(2), tokenizer(), CHAT, only_turn=True)


def seen(*pictures: Tensor) -> tuple[Seen, ...]:
	"""What its eyes see of them."""
	return Eyes(tiny_texts.qwen_eyes()).see([Images(one[None]) for one in pictures])


def picture(height: int, width: int, seed: int = 0) -> Tensor:
	"""Noise in whole levels of 8 bits."""
	levels = torch.randint(0, 256, (height, width, 3), generator=torch.Generator().manual_seed(seed))
	return levels.float() / 255


def by_transformers(numbers: list[int], pictures: list[Tensor]) -> Tensor:
	"""What transformers' own model says of the same numbers and pictures, as its own processor cuts them."""
	ours, eyes = tiny_texts.qwen(2), tiny_texts.qwen_eyes()
	rope = {'rope_type': 'default', 'rope_theta': 1_000_000.0, 'mrope_section': [2, 3, 3]}
	words = {
		**tiny_texts.QWEN,
		'num_attention_heads': 1,
		'num_key_value_heads': 1,
		'vocab_size': tiny_texts.qwen_size(),
	}
	words.pop('rope_theta')
	mark = tokenizer().mark(PICTURE)
	config = Qwen2_5_VLConfig(
		text_config={**words, 'rope_parameters': rope}, vision_config=tiny_texts.QWEN_EYES, image_token_id=mark
	)
	model = cast(Any, Qwen2_5_VLModel(config)).eval()
	model.visual.load_state_dict(eyes.visual.state_dict())
	model.language_model.load_state_dict(ours.model.state_dict())
	cut = processed(pictures)
	ids = torch.tensor([numbers])
	with torch.inference_mode():
		said: Tensor = model(
			input_ids=ids,
			attention_mask=torch.ones_like(ids),
			pixel_values=cut['pixel_values'],
			image_grid_thw=cut['image_grid_thw'],
			mm_token_type_ids=(ids == mark).int(),
		).last_hidden_state
	return said


def processed(pictures: list[Tensor]) -> Any:
	"""Pictures as transformers' processor cuts them."""
	processor = cast(Any, Qwen2VLImageProcessorPil(min_pixels=56 * 56, max_pixels=3584 * 3584))
	levels = [(one * 255).round().to(torch.uint8).numpy() for one in pictures]
	return processor(images=levels, return_tensors='pt')


class TestSight:
	@pytest.mark.parametrize(('height', 'width'), [(56, 56), (84, 140)])
	def test_patches_are_those_of_transformers(self, height: int, width: int) -> None:
		"""For sides that are whole tokens, where nothing is scaled."""
		made, told = sight(picture(height, width), 14), processed([picture(height, width)])

		assert [[1, made.rows, made.columns]] == told['image_grid_thw'].tolist()
		assert torch.allclose(made.patches, told['pixel_values'], atol=1e-5)

	def test_other_sides_are_scaled_to_whole_tokens(self) -> None:
		"""A flat picture stays flat; a fourth channel is not seen."""
		made = sight(torch.full((75, 100, 4), 0.5), 14)

		assert made.grid == (3, 4)
		assert made.tokens == 12
		assert made.patches.shape == (48, 3 * 2 * 14 * 14)
		assert len(set(made.patches.round(decimals=4).flatten().tolist())) == 3

	@pytest.mark.parametrize(
		('height', 'width', 'wanted'),
		[(100, 75, (112, 84)), (10, 200, (28, 252)), (20000, 14, (2128, 28)), (6000, 3000, (5068, 2520))],
	)
	def test_small_and_large_pictures(self, height: int, width: int, wanted: tuple[int, int]) -> None:
		"""No fewer pixels than 56², no more than 3584², in sides of at least a token."""
		found = whole_sides(height, width, 28)

		assert found == wanted
		assert LEAST <= found[0] * found[1] <= MOST


class TestPositions:
	def test_words_alone_go_on_by_one(self) -> None:
		"""On all axes."""
		assert positions(3, [], []).tolist() == [[[0, 1, 2]]] * 3

	def test_words_behind_a_picture_go_on_after_its_longer_side(self) -> None:
		"""The picture stands still in time."""
		time, height, width = positions(8, [1], [(2, 3)])[:, 0].tolist()

		assert time == [0, *[1] * 6, 4]
		assert height == [0, 1, 1, 1, 2, 2, 2, 4]
		assert width == [0, 1, 2, 3, 1, 2, 3, 4]


class TestLook:
	def test_says_what_transformers_own_model_says(self) -> None:
		"""Of two pictures of different shapes, one of them larger than a window; the system's turn is left out."""
		pictures = [picture(84, 140), picture(280, 84, seed=1)]
		said = tower().look(f'{SEEN}red {SEEN}cat', seen(*pictures)).embedding
		marks = [tokenizer().mark(PICTURE)]
		parts = [list(tokenizer()(part)) for part in CHAT.format(f'{SEEN}red {SEEN}cat').split(PICTURE)]
		numbers = parts[0] + marks * 15 + parts[1] + marks * 30 + parts[2]
		head = len(tokenizer()(CHAT.partition('{}')[0]))
		expected = by_transformers(numbers, pictures)[:, head:]

		assert said.shape == expected.shape
		assert torch.allclose(said, expected, atol=1e-5)

	def test_without_pictures_it_is_as_ever(self) -> None:
		"""Nothing was seen."""
		assert torch.equal(tower().look('cat', []).embedding, tower().encode('cat').embedding)

	def test_another_picture_says_something_else(self) -> None:
		"""In the tokens from the picture on, not in those before."""
		first = tower().look(f'red{SEEN}', seen(picture(56, 56))).embedding
		second = tower().look(f'red{SEEN}', seen(picture(56, 56, seed=1))).embedding
		before = len(tokenizer()('red<|vision_start|>'))

		assert torch.equal(first[:, :before], second[:, :before])
		assert not torch.allclose(first[:, before:], second[:, before:], atol=1e-3)

	def test_a_mark_without_a_picture_is_a_word(self) -> None:
		"""One token."""
		one = tower().look(SEEN, seen(picture(56, 56))).embedding
		two = tower().look(SEEN + PICTURE, seen(picture(56, 56))).embedding

		assert two.shape[1] == one.shape[1] + 1
