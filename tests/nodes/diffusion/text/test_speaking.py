"""Language models that speak, against transformers' own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import save_file
from transformers import LlamaForCausalLM, Qwen2_5_VLForConditionalGeneration, Qwen3ForCausalLM
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig

from engine.errors import ModelError, NodeUsage, UnknownFormat
from engine.models import Load
from nodes.diffusion.text.choosing import Choosing
from nodes.diffusion.text.eyes import load_eyes
from nodes.diffusion.text.qwen_tokenizer import PICTURE
from nodes.diffusion.text.sights import sight
from nodes.diffusion.text.speakers import QWEN_CHAT, load_speaker
from nodes.diffusion.text.speaking import Speaker, SpeakingModel
from nodes.values import Images, Seen
from tests import tiny_texts

LENGTH = 12
KINDS = ('qwen2', 'qwen3', 'llama')


def write(path: Path, module: SpeakingModel, kind: str, *, tokenizer: bool = True, eyes: bool = False) -> Path:
	"""Its file, with its vocabulary."""
	llama = kind == 'llama'
	text = tiny_texts.llama_tokenizer() if llama else tiny_texts.qwen_tokenizer()
	metadata = {'llama_tokenizer' if llama else 'qwen_tokenizer': text} if tokenizer else None
	sees = tiny_texts.tensors(tiny_texts.qwen_eyes()) if eyes else {}
	save_file({**tiny_texts.tensors(module), **sees}, path, metadata=metadata)
	return path


def loaded(path: Path, kind: str, *, eyes: bool = False, mouth: bool = True) -> tuple[Speaker, SpeakingModel]:
	"""A speaker from a file, and what was written."""
	module = tiny_texts.speaking(kind, mouth=mouth)
	return load_speaker(Load((write(path, module, kind, eyes=eyes),), 'speaker')), module


def theirs(module: SpeakingModel, kind: str) -> Any:
	"""transformers' causal model with the same weights."""
	cls: Any = LlamaForCausalLM if kind == 'llama' else Qwen3ForCausalLM
	config = module.model.config
	config.tie_word_embeddings = module.lm_head is None
	made: Any = cls(config).eval()
	made.load_state_dict(module.state_dict(), strict=module.lm_head is not None)
	return made


def greedy(model: Any, numbers: list[int], length: int = LENGTH, **more: Any) -> list[int]:
	"""What it says if each token is the likeliest one, seen anew each time."""
	said: list[int] = []
	for _ in range(length):
		logits = model(input_ids=torch.tensor([[*numbers, *said]]), use_cache=False, **more).logits
		said.append(int(logits[0, -1].argmax()))
	return said


class TestAnswers:
	@pytest.mark.parametrize('mouth', [True, False])
	@pytest.mark.parametrize('kind', ['qwen3', 'llama'])
	def test_is_what_transformers_says(self, kind: str, mouth: bool, tmp_path: Path) -> None:
		"""With what was said remembered as if it was heard anew; the table of tokens serves where there is no mouth."""
		speaker, module = loaded(tmp_path / 'net.safetensors', kind, mouth=mouth)
		numbers = list(speaker.tokenizer('a red cat'))
		with torch.inference_mode():
			expected = greedy(theirs(module, kind), numbers)

		assert speaker.tokens('a red cat', length=LENGTH) == expected
		assert len(set(expected)) > 1 or not mouth
		assert (speaker.module.lm_head is not None) == mouth

	def test_pictures_are_seen_as_transformers_sees_them(self, tmp_path: Path) -> None:
		"""Words go on behind the picture's places; another picture is another answer."""
		speaker, module = loaded(tmp_path / 'net.safetensors', 'qwen2', eyes=True)
		sees = load_eyes(Load((tmp_path / 'net.safetensors',), 'eyes'))
		pictures = [torch.rand(56, 84, 3, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
		answers = [self.said(speaker, sees.see([Images(picture[None])])) for picture in pictures]
		mark = speaker.tokenizer.mark(PICTURE)
		config = Qwen2_5_VLConfig(
			text_config=module.model.config.to_dict(),
			vision_config=sees.module.visual.config.to_dict(),
			image_token_id=mark,
			vision_start_token_id=speaker.tokenizer.mark('<|vision_start|>'),
			tie_word_embeddings=False,
		)
		whole: Any = cast(Any, Qwen2_5_VLForConditionalGeneration)(config).eval()
		state = {**module.state_dict(), **sees.module.state_dict()}
		whole.load_state_dict(
			{
				name
				if name == 'lm_head.weight'
				else f'model.{name}'
				if name.startswith('visual.')
				else name.replace('model.', 'model.language_model.', 1): tensor
				for name, tensor in state.items()
			}
		)
		numbers: list[int] = []
		seen = sight(pictures[0], 14)
		for number in speaker.tokenizer(f'<|vision_start|>{PICTURE}<|vision_end|>what is it'):
			numbers += [number] * (seen.tokens if number == mark else 1)
		with torch.inference_mode():
			said: list[int] = []
			for _ in range(LENGTH):
				given = torch.tensor([[*numbers, *said]])
				logits = whole(
					input_ids=given,
					pixel_values=seen.patches,
					image_grid_thw=torch.tensor([[1, seen.rows, seen.columns]]),
					mm_token_type_ids=(given == mark).int(),
					use_cache=False,
				).logits
				said.append(int(logits[0, -1].argmax()))

		assert answers[0] == speaker.tokenizer.text(said)
		assert answers[0] != answers[1]

	def said(self, speaker: Speaker, seen: Sequence[Seen]) -> str:
		"""Of a picture and a question, without a chat around."""
		return speaker.answer('what is it', seen, length=LENGTH, templated=False)

	@pytest.mark.parametrize('kind', KINDS)
	def test_seeds(self, kind: str, tmp_path: Path) -> None:
		"""The same seed, the same answer; another, another."""
		speaker, _ = loaded(tmp_path / 'net.safetensors', kind)
		first, again, other = (
			speaker.tokens('a red cat', length=LENGTH, by=Choosing(temperature=2.0, seed=seed)) for seed in (1, 1, 2)
		)

		assert first == again != other

	def test_the_chat_around(self, tmp_path: Path) -> None:
		"""The prompt in the user's turn; one that is not to think has thought already."""
		speaker, _ = loaded(tmp_path / 'net.safetensors', 'qwen3')
		chat = QWEN_CHAT.format('a red cat')

		def said(prompt: str, *, thinking: bool = False, templated: bool = True) -> str:
			return speaker.answer(prompt, length=LENGTH, thinking=thinking, templated=templated)

		assert said('a red cat', thinking=True) == said(chat, templated=False)
		assert said('a red cat') == said(f'{chat}<think>\n\n</think>\n\n', templated=False)

	def test_ends_with_a_mark(self, tmp_path: Path) -> None:
		"""Which is not in the answer; the length is an end too, and each token is told."""
		speaker, _ = loaded(tmp_path / 'net.safetensors', 'qwen3')
		told: list[int] = []
		speaker.answer('a red cat', length=5, on_token=told.append)
		mouth = speaker.module.lm_head
		assert mouth is not None
		with torch.inference_mode():
			mouth.weight.zero_()
			mouth.weight[speaker.tokenizer.mark('<|im_end|>')] = 1
		hook = speaker.module.model.norm.register_forward_hook(lambda layer, given, out: torch.ones_like(out))
		answer = speaker.answer('a red cat', length=5, on_token=told.append)
		hook.remove()

		assert told == [1, 2, 3, 4, 5]
		assert answer == ''

	def test_what_is_told_can_stop_it(self, tmp_path: Path) -> None:
		"""After the token that it is told of."""
		speaker, _ = loaded(tmp_path / 'net.safetensors', 'qwen3')
		told: list[int] = []

		def stop(count: int) -> None:
			told.append(count)
			if count == 2:
				raise KeyboardInterrupt

		with pytest.raises(KeyboardInterrupt):
			speaker.answer('a red cat', length=LENGTH, on_token=stop)
		assert told == [1, 2]


class TestFiles:
	@pytest.mark.parametrize('kind', KINDS)
	def test_all_weights_are_read(self, kind: str, tmp_path: Path) -> None:
		"""Each kind is known by its tensors; all of its layers, the norm and the mouth."""
		speaker, module = loaded(tmp_path / 'net.safetensors', kind)
		own = speaker.module.state_dict()

		assert all(torch.equal(tensor, own[name]) for name, tensor in module.state_dict().items())
		assert speaker.nbytes == sum(weight.nbytes for weight in module.parameters())

	def test_the_tokenizer_of_llama_is_the_users_to_bring(self, tmp_path: Path) -> None:
		"""The error says where to; found there, it serves."""
		path = write(tmp_path / 'llama.safetensors', tiny_texts.speaking('llama'), 'llama', tokenizer=False)

		with pytest.raises(ModelError, match=r'tokenizer of Llama 3 is missing.*tokenizer\.json into .*llama'):
			load_speaker(Load((path,), 'speaker'))
		(tmp_path / 'llama').mkdir()
		(tmp_path / 'llama' / 'tokenizer.json').write_text(tiny_texts.llama_tokenizer())

		assert load_speaker(Load((path,), 'speaker')).tokens('a', length=1)

	def test_others_cannot_speak(self, tmp_path: Path) -> None:
		"""Which can is told."""
		path = tmp_path / 't5.safetensors'
		save_file(tiny_texts.tensors(tiny_texts.t5()), path)

		with pytest.raises(UnknownFormat, match=r'no language model is in t5\.safetensors.*Qwen 3'):
			load_speaker(Load((path,), 'speaker'))


class TestMistakes:
	def test_no_eyes(self, tmp_path: Path) -> None:
		"""What is missing is named."""
		speaker, _ = loaded(tmp_path / 'net.safetensors', 'qwen3')

		with pytest.raises(NodeUsage, match='cannot look at pictures'):
			speaker.answer('a', [Seen(torch.zeros(4, tiny_texts.WIDTH), 2, 2)], length=1)

	def test_nothing_to_answer(self, tmp_path: Path) -> None:
		"""Without a chat around, an empty prompt is nothing."""
		speaker, _ = loaded(tmp_path / 'net.safetensors', 'qwen3')

		with pytest.raises(NodeUsage, match='nothing to answer'):
			speaker.answer('', length=1, templated=False)
