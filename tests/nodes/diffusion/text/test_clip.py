"""CLIP's text encoders: layers, pooled vectors, filling, vectors instead of words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from nodes.diffusion.text.clip import ClipModel, ClipTower
from nodes.diffusion.text.towers import Encoded, Towers
from nodes.diffusion.tokenizer import ClipTokenizer
from nodes.values import Prompt
from tests import tiny

CONFIG = tiny.text_config() | {'num_hidden_layers': 3, 'with_projection': True}


@pytest.fixture(scope='module')
def tower() -> ClipTower:
	"""Three layers with a projection."""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(1)
		model = ClipModel(CONFIG)
		model.train(False)
		model.requires_grad_(False)
		for weight in model.parameters():
			weight.add_(torch.randn_like(weight) * 0.1)
	return ClipTower(model, ClipTokenizer(tiny.vocabulary(), tiny.MERGES))


def reference(tower: ClipTower, *words: str) -> Any:
	"""What transformers' own module says of some words."""
	model = CLIPTextModelWithProjection(CLIPTextConfig(**tiny.text_config() | {'num_hidden_layers': 3}))
	model.train(False)
	model.load_state_dict(tower.module.state_dict())
	end = tower.tokenizer.end
	numbers = [tower.tokenizer.start, *(n for word in words for n in tower.tokenizer(word)), end]
	padding = [end if tower.pad is None else tower.pad] * (tower.length - len(numbers))
	with torch.inference_mode():
		return model(input_ids=torch.tensor([numbers + padding]), output_hidden_states=True)


class TestLayers:
	def test_the_last_is_taken_after_the_final_norm(self, tower: ClipTower) -> None:
		"""As Stable Diffusion 1 does."""
		assert torch.allclose(tower.encode('red cat').embedding, reference(tower, 'red', 'cat').last_hidden_state)

	@pytest.mark.parametrize('layer', [-1, -2, -3])
	def test_another_one_is_counted_from_the_end(self, tower: ClipTower, layer: int) -> None:
		"""Without the final norm, as XL does."""
		wanted = reference(tower, 'red').hidden_states[layer]

		assert torch.allclose(replace(tower, normed=False).at_layer(layer).encode('red').embedding, wanted, atol=1e-6)

	def test_another_one_is_normed_where_the_family_does_so(self, tower: ClipTower) -> None:
		"""As Stable Diffusion 2 does, and 1 with clip skip; of the last that is the same as ever."""
		wanted = tower.module.normed(reference(tower, 'red').hidden_states[-2])

		assert torch.allclose(tower.at_layer(-2).encode('red').embedding, wanted, atol=1e-6)
		assert torch.allclose(tower.at_layer(-1).encode('red').embedding, tower.encode('red').embedding, atol=1e-6)

	@pytest.mark.parametrize('layer', [-4, -24, 0])
	def test_a_layer_that_is_not_there_is_the_last(self, tower: ClipTower, layer: int) -> None:
		"""Settings for deeper towers do no harm."""
		assert torch.equal(tower.at_layer(layer).encode('red').embedding, tower.encode('red').embedding)


class TestPooled:
	def test_it_is_the_last_layer_at_the_end_mark(self, tower: ClipTower) -> None:
		"""Projected where the family does so, whatever layer is listened to."""
		said = reference(tower, 'red', 'cat')
		projected = replace(tower, projected=True, layer=-2).encode('red cat').pooled

		assert projected is not None
		assert torch.allclose(projected, said.text_embeds, atol=1e-6)
		assert torch.allclose(pooled(tower, 'red cat'), said.last_hidden_state[:, 3], atol=1e-6)

	def test_weights_do_not_change_it(self, tower: ClipTower) -> None:
		"""Only the embedding is weighted."""
		assert torch.allclose(pooled(tower, '(red:1.5) cat'), pooled(tower, 'red cat'), atol=1e-6)

	def test_it_is_of_the_first_chunk(self, tower: ClipTower) -> None:
		"""A long prompt has one vector."""
		assert torch.allclose(pooled(tower, 'red ' * 80), pooled(tower, 'red ' * 75), atol=1e-6)


class TestFilling:
	def test_chunks_are_filled_with_the_given_number(self, tower: ClipTower) -> None:
		"""OpenCLIP's towers are filled with zeros, and the pooled vector still is that of the end mark."""
		filled = replace(tower, pad=0)
		said = reference(filled, 'red')

		assert torch.allclose(filled.encode('red').embedding, said.last_hidden_state, atol=1e-6)
		assert torch.allclose(pooled(filled, 'red'), said.last_hidden_state[:, 2], atol=1e-6)


class TestVectors:
	def test_vectors_stand_in_the_place_of_words(self, tower: ClipTower) -> None:
		"""The vectors of the words themselves give what the words give; the table of words is left alone."""
		table = tower.module.get_submodule('text_model.embeddings.token_embedding')
		assert isinstance(table, torch.nn.Embedding)
		rows = table.weight[torch.tensor([n for word in ('red', 'cat') for n in tower.tokenizer(word)])].clone()
		before = table.weight.clone()
		trained = tower.with_vectors({'mine': rows}.get)

		assert torch.allclose(trained.encode('embedding:mine dog').embedding, tower.encode('red cat dog').embedding)
		assert torch.equal(table.weight, before)

	def test_they_are_weighted_like_words(self, tower: ClipTower) -> None:
		"""A bracket counts for each of them."""
		table = tower.module.get_submodule('text_model.embeddings.token_embedding')
		assert isinstance(table, torch.nn.Embedding)
		rows = table.weight[torch.tensor(tower.tokenizer('red'))].clone()
		trained = tower.with_vectors({'mine': rows}.get)

		weighed = trained.encode('(embedding:mine:1.4) cat').embedding

		assert torch.allclose(weighed, tower.encode('(red:1.4) cat').embedding, atol=1e-6)


class TestTogether:
	def join(self, said: Any) -> Prompt:
		parts: list[Encoded] = list(said.values())
		return Prompt(torch.cat([part.embedding for part in parts], dim=-1))

	def test_towers_have_equally_many_chunks(self, tower: ClipTower) -> None:
		"""The one with less to hear is filled up with an empty prompt."""
		both = Towers({'a': tower, 'b': replace(tower, pad=0)}, self.join)
		(prompt,) = both.encode('red', {'b': 'red ' * 80}).prompts

		assert prompt.embedding.shape == (1, 2 * tower.length, 2 * tiny.WIDTH)
		empty = tower.encode('').embedding
		assert torch.allclose(prompt.embedding[:, tower.length :, : tiny.WIDTH], empty, atol=1e-6)

	def test_a_layer_is_chosen_for_all(self, tower: ClipTower) -> None:
		"""Clip skip; the towers themselves stay as they are."""
		both = Towers({'a': tower}, self.join)

		skipped = both.at_layer(-2).encode('red').prompts[0].embedding

		assert torch.equal(skipped, tower.at_layer(-2).encode('red').embedding)
		assert torch.equal(both.encode('red').prompts[0].embedding, tower.encode('red').embedding)


def pooled(tower: ClipTower, text: str) -> torch.Tensor:
	vector = tower.encode(text).pooled
	assert vector is not None
	return vector
