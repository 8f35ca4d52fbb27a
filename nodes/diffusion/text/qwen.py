"""Qwen's language models, as Qwen-Image, Z-Image and Flux.2 Klein listen to them: a chat with the prompt in it.

Qwen 2.5-VL is told of pictures by its eyes (`eyes`). Sources: Bai et al. 2025, "Qwen2.5-VL Technical Report"; Qwen
team 2025, "Qwen3 Technical Report".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import Identity, Module
from transformers import LlamaConfig, LlamaModel, Qwen3Config, Qwen3Model
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLTextModel

from nodes.diffusion.text.qwen_tokenizer import PAD, PICTURE, START, QwenTokenizer
from nodes.diffusion.text.sights import positions
from nodes.diffusion.text.towers import Encoded
from nodes.diffusion.text.weighting import Vectors
from nodes.diffusion.whereabouts import place_of
from nodes.values import Seen

USER = 'user\n'
"""What begins a turn of the user, after the mark."""


class QwenModel(Module):
	"""A Qwen under the names of transformers' causal models, without the head that speaks.

	`config` is transformers' own, with `model_type` `qwen2` (2.5-VL), `qwen3` or `llama`, a relative with the same names,
	and `layers`: after which layers is listened, from 1 on. None is the last, after the final norm; then there is a norm,
	else only if it is `normed`.
	"""

	def __init__(self, config: Mapping[str, Any]) -> None:
		super().__init__()
		given = dict(config)
		kind, self.layers = given.pop('model_type'), given.pop('layers')
		normed = given.pop('normed', False)
		self.model: Any = _MAKERS[kind](given)
		if self.layers is not None and not normed:
			cast(Any, self.model).norm = Identity()

	def forward(self, numbers: Tensor, mask: Tensor, seen: Sequence[Seen] = (), starts: Sequence[int] = ()) -> Tensor:
		"""Token numbers [1, tokens] and where they count (1) → [1, tokens, layers × width], layer after layer.

		What is seen takes the place of as many tokens as it has, from its start on.
		"""
		given: dict[str, Any] = {'input_ids': numbers}
		if seen:
			heard = self.model.embed_tokens(numbers)
			for start, one in zip(starts, seen, strict=True):
				heard[0, start : start + len(one.tokens)] = one.tokens.to(heard)
			places = positions(numbers.shape[1], starts, [(one.rows, one.columns) for one in seen])
			given = {'inputs_embeds': heard, 'position_ids': places.to(heard.device)}
		said: Any = self.model(
			**given, attention_mask=mask, output_hidden_states=self.layers is not None, use_cache=False
		)
		if self.layers is None:
			return cast(Tensor, said.last_hidden_state)
		return torch.cat([said.hidden_states[layer] for layer in self.layers], dim=-1)


def _listener(config: dict[str, Any]) -> Module:
	"""The words' half of Qwen 2.5-VL. Of each head's frequencies a quarter tells time, the rest height and width alike."""
	half = config['hidden_size'] // config['num_attention_heads'] // 2
	time = half // 4
	along = (half - time) // 2
	rope = {
		'rope_type': 'default',
		'rope_theta': config.pop('rope_theta'),
		'mrope_section': [half - 2 * along, along, along],
	}
	return cast(Module, Qwen2_5_VLTextModel(Qwen2_5_VLTextConfig(**config, rope_parameters=rope)))


_MAKERS: Mapping[str, Callable[[dict[str, Any]], Module]] = {
	'qwen2': _listener,
	'qwen3': lambda config: Qwen3Model(Qwen3Config(**config)),
	'llama': lambda config: LlamaModel(LlamaConfig(**config)),
}


@dataclass(frozen=True, eq=False)
class QwenTower:
	"""A Qwen with its tokenizer: a `Tower`. Brackets in prompts are plain text for it.

	`template` is the chat, with `{}` where the prompt goes. `least` is how many tokens it has at least, filled up at the
	end; what is filled up is not seen by the words before. With `only_turn` what comes before the user's words is left out
	of the embedding, and a prompt that begins with a mark is a chat of its own.
	"""

	module: QwenModel
	tokenizer: QwenTokenizer
	template: str
	least: int = 0
	only_turn: bool = False

	def chunks(self, text: str) -> int:
		"""One: it takes any length at once."""
		return 1

	def encode(self, text: str, chunks: int = 1) -> Encoded:
		"""One prompt, [1, tokens, width]."""
		return self._said(list(self.tokenizer(self._chat(text))))

	def look(self, text: str, seen: Sequence[Seen]) -> Encoded:
		"""See `Seeing`."""
		waiting, numbers, shown, starts = [*seen], list[int](), list[Seen](), list[int]()
		for number in self.tokenizer(self._chat(text)):
			if number == self.tokenizer.mark(PICTURE) and waiting:
				shown.append(waiting.pop(0))
				starts.append(len(numbers))
				numbers += [number] * len(shown[-1].tokens)
			else:
				numbers.append(number)
		return self._said(numbers, shown, starts)

	def at_layer(self, layer: int) -> QwenTower:
		"""Itself: which layers are listened to belongs to the model."""
		return self

	def padded(self, padding: int, least: int) -> QwenTower:
		"""Itself: how prompts are filled up belongs to the model."""
		return self

	def with_vectors(self, vectors: Vectors) -> QwenTower:
		"""Itself: there are no such vectors for it."""
		return self

	def on(self, module: Module) -> QwenTower:
		"""See `Tower`."""
		return replace(self, module=cast(QwenModel, module))

	def _chat(self, text: str) -> str:
		"""The whole of what it hears."""
		plain = text.replace('\\(', '(').replace('\\)', ')')
		return plain if self.only_turn and text.startswith(START) else self.template.format(plain)

	def _said(self, numbers: Sequence[int], seen: Sequence[Seen] = (), starts: Sequence[int] = ()) -> Encoded:
		filling = max(0, self.least - len(numbers))
		mask = torch.tensor([[1] * len(numbers) + [0] * filling])
		padded = torch.tensor([[*numbers, *[self.tokenizer.mark(PAD)] * filling]])
		place = place_of(self.module)
		with torch.inference_mode():
			said = cast(Tensor, self.module(padded.to(place), mask.to(place), seen, starts)).float().cpu()
		return Encoded(said[:, self._turn(numbers) :] if self.only_turn else said)

	def _turn(self, numbers: Sequence[int]) -> int:
		"""Where the user's words begin: after the second turn's mark and the user's name."""
		start, name = self.tokenizer.mark(START), list(self.tokenizer(USER))
		turns = [place for place, number in enumerate(numbers) if number == start][:2]
		if not turns:
			return 0
		begin = turns[-1] + 1
		return begin + len(name) if list(numbers[begin : begin + len(name)]) == name else turns[-1]
