"""Second lesson: the text encoder learns to name what a caption tells, before any picture is seen.

Cross attention starts flat over 77 positions, most of them padding, which thins one word's signal out. So throw-away heads ask
for every aspect from the mean of all positions, from the last one and from some padding in between: afterwards each padding
position carries the whole caption.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nodes.demo.captions import ASPECT_WORDS, Caption, caption
from nodes.demo.dataset import training_scene
from nodes.demo.parts import TEXT_LENGTH, make_text_encoder
from nodes.demo.run import Run
from nodes.demo.words import Words

BATCH = 64
RATE = 1e-3
_LONGEST = 24
"""No caption has more tokens; positions from here on are padding."""


class TextLesson:
	"""Loss and judge of the text encoder with its heads."""

	def __init__(self, words: Words) -> None:
		self.words = words

	def loss(self, run: Run) -> Tensor:
		captions = self._captions(run)
		hidden = run.models['text'](self.words.tokens([one.text for one in captions])).last_hidden_state
		padding = torch.randint(_LONGEST, TEXT_LENGTH, (BATCH,), generator=run.noise)
		views = (hidden.mean(1), hidden[:, -1], hidden[torch.arange(BATCH), padding])
		heads = cast(nn.ModuleDict, run.models['heads'])
		losses = [
			F.cross_entropy(heads[aspect](view), answers)
			for aspect, answers in _answers(captions).items()
			for view in views
		]
		return torch.stack(losses).sum()

	@torch.no_grad()
	def judge(self, run: Run) -> dict[str, float]:
		"""Share of fresh captions of which the mean position names each aspect rightly; unsaid counts as an answer."""
		captions = self._captions(run)
		mean = run.average['text'](self.words.tokens([one.text for one in captions])).last_hidden_state.mean(1)
		heads = cast(nn.ModuleDict, run.average['heads'])
		verdict = {
			aspect: float((heads[aspect](mean).argmax(1) == answers).float().mean())
			for aspect, answers in _answers(captions).items()
		}
		return verdict | {'score': sum(verdict.values()) / len(verdict)}

	def _captions(self, run: Run) -> list[Caption]:
		return [caption(training_scene(run.random), run.random) for _ in range(BATCH)]


def make_text_models(vocabulary: int) -> dict[str, nn.Module]:
	"""The text encoder and its heads, one for each aspect, with one answer more for "unsaid"."""
	encoder = make_text_encoder(vocabulary)
	width = encoder.config.hidden_size
	heads = {aspect: nn.Linear(width, len(words) + 1) for aspect, words in ASPECT_WORDS.items()}
	return {'text': encoder, 'heads': nn.ModuleDict(heads)}


def _answers(captions: list[Caption]) -> dict[str, Tensor]:
	"""For each aspect the index of the word told, or one past the last where it is not told."""
	answers = {}
	for aspect, words in ASPECT_WORDS.items():
		told = [one.told.get(aspect) for one in captions]
		answers[aspect] = torch.tensor([len(words) if word is None else words.index(word) for word in told])
	return answers
