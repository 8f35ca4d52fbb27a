"""HiDream's four text encoders, against transformers' own."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import save_file
from transformers import LlamaModel

from engine.errors import ModelError, UnknownFormat
from engine.models import Load
from nodes.diffusion.checkpoint import load_text_encoder
from nodes.diffusion.text.llama import LEAST, LlamaTower
from nodes.diffusion.text.towers import Towers
from nodes.values import Prompt
from tests import tiny, tiny_texts

TEXT = 'a red cat'


def save_four(folder: Path, *, tokenizer: bool = True) -> list[Path]:
	"""CLIP-L, bigG, T5 and Llama as a file each, in no order."""
	vocabulary = {name: text for name, text in tiny.metadata().items() if name.startswith('tokenizer_')}
	for name, layers in (('clip_l', 2), ('clip_g', 32)):
		module = tiny_texts.clip(layers, projected=True)
		save_file(tiny_texts.tensors(module), folder / f'{name}.safetensors', metadata=vocabulary)
	spiece = torch.tensor(list(tiny_texts.spiece_model()), dtype=torch.uint8)
	save_file({**tiny_texts.tensors(tiny_texts.t5()), 'spiece_model': spiece}, folder / 't5xxl.safetensors')
	llama = {'llama_tokenizer': tiny_texts.llama_tokenizer()} if tokenizer else None
	save_file(tiny_texts.tensors(tiny_texts.speaking('llama')), folder / 'llama.safetensors', metadata=llama)
	files = [folder / f'{name}.safetensors' for name in ('clip_l', 'clip_g', 't5xxl', 'llama')]
	random.Random(1).shuffle(files)
	return files


def loaded(files: list[Path]) -> Towers:
	"""The encoders of some files."""
	return load_text_encoder(Load(tuple(files), 'text', option='hidream'))


def said(towers: Towers, each: dict[str, str | None] | None = None) -> Prompt:
	"""What they say of the text."""
	return towers.encode(TEXT, each).prompts[0]


class TestPrompts:
	def test_all_four_are_heard(self, tmp_path: Path) -> None:
		"""T5 by its tokens, Llama by its layers, both CLIPs by one projected vector each."""
		towers = loaded(save_four(tmp_path))
		prompt = said(towers)
		small, large = (cast(Any, towers.towers[name]).encode(TEXT).pooled for name in ('clip_l', 'clip_g'))

		assert set(towers.towers) == {'clip_l', 'clip_g', 't5xxl', 'llama'}
		assert torch.equal(prompt.embedding, towers.towers['t5xxl'].encode(TEXT).embedding)
		assert prompt.embedding.shape[1] == 128
		assert prompt.pooled is not None
		assert torch.equal(prompt.pooled, torch.cat([small, large], dim=1))

	def test_layers_are_those_of_transformers(self, tmp_path: Path) -> None:
		"""After each of them; the last one after the final norm. What is filled up is not heard."""
		towers = loaded(save_four(tmp_path))
		llama = towers.towers['llama']
		assert isinstance(llama, LlamaTower)
		deep = said(towers).deep
		whole: Any = cast(Any, LlamaModel)(llama.module.model.config).eval()
		written = tiny_texts.tensors(tiny_texts.speaking('llama').model)
		whole.load_state_dict(written)
		numbers = [llama.tokenizer.mark('<|begin_of_text|>'), *llama.tokenizer(TEXT)]
		with torch.inference_mode():
			states = whole(torch.tensor([numbers]), output_hidden_states=True).hidden_states[1:]

		assert deep is not None
		assert deep.shape == (1, tiny_texts.LAYERS, LEAST, tiny_texts.WIDTH)
		assert torch.allclose(deep[:, :, : len(numbers)], torch.stack(states, dim=1), atol=1e-5)

	def test_texts_of_their_own(self, tmp_path: Path) -> None:
		"""Each hears what it is given; one that is left out counts as zeros."""
		towers = loaded(save_four(tmp_path))
		one, other, none = (said(towers, {'llama': text}) for text in (TEXT, 'a dog', None))

		assert one.deep is not None
		assert other.deep is not None
		assert none.deep is not None
		assert not torch.equal(one.deep, other.deep)
		assert torch.equal(one.embedding, other.embedding)
		assert none.deep.shape == (1, 32, 1, 4096)
		assert not none.deep.any()


class TestFiles:
	def test_the_tokenizer_of_llama_has_to_be_placed(self, tmp_path: Path) -> None:
		"""The error says where."""
		with pytest.raises(ModelError, match=r'tokenizer of Llama 3 is missing.*text_encoders/llama'):
			loaded(save_four(tmp_path, tokenizer=False))

	def test_others_do_not_belong(self, tmp_path: Path) -> None:
		"""The file is told, and which are wanted."""
		files = save_four(tmp_path)
		strange = tmp_path / 'qwen.safetensors'
		save_file(tiny_texts.tensors(tiny_texts.qwen(3)), strange)

		with pytest.raises(UnknownFormat, match=r'qwen\.safetensors.*no text encoder of HiDream \(clip_l, .*llama\)'):
			loaded([*files[:3], strange])
