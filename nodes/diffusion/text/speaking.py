"""Language models that speak: the towers of text encoders with their last layers and mouths, one token after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import Linear
from torch.nn.functional import linear

from engine.errors import NodeUsage
from engine.models import Load, Size, WeightPatch
from nodes.diffusion.patches.apply import patched, patched_size
from nodes.diffusion.patches.target import Coded, Target, text_prefixes
from nodes.diffusion.text.choosing import Choosing, chosen, likeliest
from nodes.diffusion.text.qwen import QwenModel
from nodes.diffusion.text.qwen_tokenizer import PICTURE, QwenTokenizer
from nodes.diffusion.text.sights import positions
from nodes.diffusion.whereabouts import place_of
from nodes.values import Seen

TITLE = 'language model'
OnToken = Callable[[int], None]
"""Called with how many tokens were said; may raise, to stop."""


class SpeakingModel(QwenModel):
	"""A language model under the names of transformers' causal models, with its mouth.

	`config` is that of `QwenModel` with all layers; with `speaks` it has a layer of its own for the next token (`lm_head`),
	else the table of tokens serves.
	"""

	def __init__(self, config: Mapping[str, Any]) -> None:
		given = dict(config)
		speaks = given.pop('speaks')
		super().__init__(given)
		self.spatial = given['model_type'] == 'qwen2'  # its places are in time, height and width
		self.lm_head = Linear(given['hidden_size'], given['vocab_size'], bias=False) if speaks else None

	def begin(self, numbers: Tensor, seen: Sequence[Seen] = (), starts: Sequence[int] = ()) -> Tensor:
		"""Token numbers [1, tokens] as vectors [1, tokens, width]; what is seen takes the place of its tokens."""
		heard: Tensor = self.model.embed_tokens(numbers)
		for start, one in zip(starts, seen, strict=True):
			heard[0, start : start + len(one.tokens)] = one.tokens.to(heard)
		return heard

	def go_on(self, heard: Tensor, places: Tensor, memory: Any) -> tuple[Tensor, Any]:
		"""The last layer [1, width] after more vectors, which stand at these places [3, 1, tokens], and what is to be remembered of them."""
		given = places if self.spatial else places[0]
		said: Any = self.model(inputs_embeds=heard, position_ids=given.to(heard.device), cache=memory, use_cache=True)
		return said.last_hidden_state[:, -1], said.cache

	def mouth(self) -> Tensor:
		"""The matrix [tokens, width] that tells the next token; a coded one as numbers."""
		layer = self.model.embed_tokens if self.lm_head is None else self.lm_head
		return layer.decoded(layer.compute) if isinstance(layer, Coded) else cast(Tensor, layer.weight)


@dataclass(frozen=True)
class Manners:
	"""How a kind of language model talks. `chat` has `{}` where the user's words go; `silent` follows if it is not to think
	first (empty if it cannot); `stops` are the marks that end its answer."""

	chat: str
	stops: tuple[str, ...]
	silent: str = ''
	picture: str = ''


@dataclass(frozen=True, eq=False)
class Speaker:
	"""A language model with its tokenizer: it answers."""

	module: SpeakingModel
	tokenizer: QwenTokenizer
	manners: Manners
	own: int | None = None
	unmatched: tuple[str, ...] = ()

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held, without those that are shared with the model it was patched from."""
		return sum(weight.nbytes for weight in self.module.parameters()) if self.own is None else self.own

	def targets(self) -> tuple[Target, ...]:
		"""What patches are for."""
		return (Target(TITLE, self.module, {}, text_prefixes('', 0, 1)),)

	def patched(self, patches: Sequence[WeightPatch], load: Load) -> Speaker:
		"""See `Patchable`."""
		(made,) = patched(self.targets(), patches, load)
		return replace(self, module=cast(SpeakingModel, made.module), own=made.nbytes, unmatched=made.unmatched)

	def patched_size(self, patches: Sequence[WeightPatch], load: Load) -> Size:
		"""See `PatchMeasure`."""
		return patched_size(self.targets(), patches, load)

	def answer(
		self,
		prompt: str,
		seen: Sequence[Seen] = (),
		*,
		length: int,
		by: Choosing | None = None,
		thinking: bool = False,
		templated: bool = True,
		on_token: OnToken = lambda count: None,
	) -> str:
		"""What it says to a prompt, and to what is seen before it, in at most so many tokens.

		`templated` puts the prompt into a chat; `thinking` lets it think first, if it can: the thoughts are in the answer.
		Raises `NodeUsage` for pictures if its kind has no eyes. For the rest see `tokens`.
		"""
		if seen and not self.manners.picture:
			raise NodeUsage('This language model cannot look at pictures; Qwen 2.5-VL can.')
		text = self._text(prompt, len(seen), thinking, templated)
		return self.tokenizer.text(self.tokens(text, seen, length=length, by=by, on_token=on_token))

	def tokens(
		self,
		text: str,
		seen: Sequence[Seen] = (),
		*,
		length: int,
		by: Choosing | None = None,
		on_token: OnToken = lambda count: None,
	) -> list[int]:
		"""The tokens with which it goes on from a text, up to a mark that ends answers.

		Without `by` each is the likeliest one. Raises `NodeUsage` for a text without any token.
		"""
		numbers, shown, starts = self._heard(text, seen)
		if not numbers:
			raise NodeUsage('There is nothing to answer: the prompt is empty.')
		stops = {self.tokenizer.mark(mark) for mark in self.manners.stops}
		said: list[int] = []
		generator = None if by is None else torch.Generator().manual_seed(by.seed)
		with torch.inference_mode():
			for logits in self._steps(numbers, shown, starts, said, length):
				if by is None or generator is None:
					token = likeliest(logits)
				else:
					token = chosen(logits, [*numbers, *said], by, generator)
				if token in stops:
					break
				said.append(token)
				on_token(len(said))
		return said

	def _steps(
		self, numbers: list[int], seen: Sequence[Seen], starts: Sequence[int], said: list[int], length: int
	) -> Any:
		"""The logits [tokens], float32 in main memory, of each token in turn; the one before must have been put into `said`."""
		place, mouth = place_of(self.module), self.module.mouth()
		heard = self.module.begin(torch.tensor([numbers]).to(place), seen, starts)
		places = positions(len(numbers), starts, [(one.rows, one.columns) for one in seen])
		after, memory = int(places.max()) + 1, None
		while True:
			last, memory = self.module.go_on(heard, places, memory)
			yield linear(last, mouth.to(last))[0].float().cpu()
			if len(said) >= length:
				return
			heard = self.module.begin(torch.tensor([said[-1:]]).to(place))
			places = torch.full((3, 1, 1), after)
			after += 1

	def _text(self, prompt: str, pictures: int, thinking: bool, templated: bool) -> str:
		shown = self.manners.picture * pictures + prompt
		if not templated:
			return shown
		return self.manners.chat.replace('{}', shown) + ('' if thinking else self.manners.silent)

	def _heard(self, text: str, seen: Sequence[Seen]) -> tuple[list[int], list[Seen], list[int]]:
		"""The numbers of a text's tokens, what is seen in it, and where."""
		waiting, numbers, shown, starts = [*seen], list[int](), list[Seen](), list[int]()
		for number in self.tokenizer(text):
			if number == self.tokenizer.mark(PICTURE) and waiting:
				shown.append(waiting.pop(0))
				starts.append(len(numbers))
				numbers += [number] * len(shown[-1].tokens)
			else:
				numbers.append(number)
		return numbers, shown, starts
