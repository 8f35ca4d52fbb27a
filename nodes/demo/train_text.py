"""Second lesson: the text encoder learns to say what a caption tells in a fixed code, before any picture is seen.

All positions after the caption, most of the 77, carry it: by turns the backdrop, the first thing and the other one. So cross
attention has the whole caption from its first step on, whether it looks at all positions alike or picks the one it needs, and
the denoiser never meets a wording it does not know: synonyms, order and openings are gone from the code.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nodes.demo.captions import ASPECT_WORDS, OTHER, THING_WORDS, Caption, caption
from nodes.demo.dataset import training_scene
from nodes.demo.parts import TEXT_GAIN, TEXT_LENGTH, TEXT_WIDTH
from nodes.demo.run import Run
from nodes.demo.words import Words

BATCH = 48
RATE = 2e-3
TURNS = 3
"""Positions after the caption tell of the backdrop, of the first thing, of the other one, and so on from the start."""

_EMPTY_SHARE = 0.03


class TextLesson:
	"""Loss and judge of the text encoder."""

	def __init__(self, words: Words) -> None:
		self.words = words

	def loss(self, run: Run) -> Tensor:
		captions = self._captions(run, BATCH)
		hidden, after = self._hear(run.models['text'], captions)
		wrong = F.mse_loss(hidden, caption_codes(captions), reduction='none').mean(2)
		return (wrong * after).sum() / after.sum()

	@torch.no_grad()
	def judge(self, run: Run) -> dict[str, float]:
		"""Share of the positions after fresh captions that name each aspect rightly; unsaid counts as an answer."""
		captions = self._captions(run, 4 * BATCH)
		hidden, after = self._hear(run.average['text'], captions)
		codes = caption_codes(captions)
		verdict = {}
		for aspect, turn, start, count in _fields():
			mine = after[:, turn::TURNS] > 0
			said, wanted = (x[:, turn::TURNS, start : start + count].argmax(2) for x in (hidden, codes))
			verdict[aspect] = float((said == wanted)[mine].float().mean())
		return verdict | {'score': sum(verdict.values()) / len(verdict)}

	def _captions(self, run: Run, count: int) -> list[Caption]:
		silent = Caption('', {})
		told = (caption(training_scene(run.random), run.random) for _ in range(count))
		return [silent if run.random.random() < _EMPTY_SHARE else one for one in told]

	def _hear(self, text: torch.nn.Module, captions: Sequence[Caption]) -> tuple[Tensor, Tensor]:
		"""What the encoder says at each position, and 1 for those that come after the caption."""
		tokens = self.words.tokens([one.text for one in captions])
		after = (tokens == self.words.count - 1).float()
		return text(tokens).last_hidden_state, after


def caption_codes(captions: Sequence[Caption]) -> Tensor:
	"""What each position after each caption is to say, (n, 77, 128): ones for what is told, as the last layer norm scales it."""
	codes = np.zeros((len(captions), TURNS, TEXT_WIDTH), dtype=np.float32)
	for row, one in zip(codes, captions, strict=True):
		for aspect, turn, start, _ in _fields():
			row[turn, start + _answer(one.told, aspect)] = 1
	scaled = TEXT_GAIN * F.layer_norm(torch.from_numpy(codes), (TEXT_WIDTH,))
	return scaled.repeat(1, TEXT_LENGTH // TURNS + 1, 1)[:, :TEXT_LENGTH]


def _answer(told: Mapping[str, str], aspect: str) -> int:
	"""The index of the word that is told, or one past the last."""
	words = ASPECT_WORDS[aspect]
	return words.index(told[aspect]) if aspect in told else len(words)


@cache
def _fields() -> tuple[tuple[str, int, int, int], ...]:
	"""Aspect, turn, first number and how many: the backdrop, numbers that both things use, and each one's own."""
	return tuple(_lay_out())


def _lay_out() -> Iterator[tuple[str, int, int, int]]:
	start = len(ASPECT_WORDS['back']) + 1
	yield 'back', 0, 0, start
	for turns in ((1, 2), (1,), (2,)):
		for aspect, words in THING_WORDS.items():
			count = len(words) + 1
			for turn in turns:
				yield (aspect if turn == 1 else OTHER + aspect), turn, start, count
			start += count
