"""Text from language models: the text encoders of some families can speak as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

from engine.declaration import Number, Text, Toggle
from engine.dynamic import Vary
from engine.errors import NodeUsage
from engine.models import Load, Loaders, ModelRef, Weights
from engine.sockets import socket
from engine.spec import Context, node
from nodes.computing import measure
from nodes.load import eyes_of
from nodes.values import Images, Seen, TextEncoder

if TYPE_CHECKING:
	from nodes.diffusion.text.choosing import Choosing

SPEAKER = 'speaker'
SEEDS = 2**64 - 1


@socket('AUDIO')
class Audio(Protocol):
	"""Sound, as packs have it."""


class Speaking(Protocol):
	"""A language model that answers: see `nodes.diffusion.text.speaking.Speaker`."""

	@property
	def nbytes(self) -> int: ...

	def answer(
		self,
		prompt: str,
		seen: Sequence[Seen] = ...,
		*,
		length: int,
		by: Choosing | None = ...,
		thinking: bool = ...,
		templated: bool = ...,
		on_token: Callable[[int], None] = ...,
	) -> str: ...


@dataclass(frozen=True)
class Sampled:
	"""Each token is drawn by its likelihood."""

	temperature: Annotated[
		float,
		Number(default=0.7, min=0.01, max=2.0, step=0.000001),
		'Below 1 it says what is likely, above 1 it rambles.',
	]
	top_k: Annotated[int, Number(default=64, min=0, max=1000), 'So many of the likeliest tokens count; 0 is all.']
	top_p: Annotated[
		float, Number(default=0.95, min=0.0, max=1.0, step=0.01), 'The likeliest tokens count that have this together.'
	]
	min_p: Annotated[
		float, Number(default=0.05, min=0.0, max=1.0, step=0.01), 'Tokens count from this part of the likeliest on.'
	]
	repetition_penalty: Annotated[
		float, Number(default=1.05, min=0.0, max=5.0, step=0.01), 'Above 1, what was said is less likely to come again.'
	]
	seed: Annotated[int, Number(default=0, min=0, max=SEEDS), 'Another number, another answer.']
	presence_penalty: Annotated[
		float, Number(default=0.0, min=0.0, max=5.0, step=0.01), 'Taken from the logit of what was said already.'
	] = 0.0


@dataclass(frozen=True)
class Likeliest:
	"""Each token is the likeliest one."""


@node(kind='TextGenerate', title='Generate Text', category='text', outputs=('generated_text',))
def generate(
	context: Context,
	clip: Annotated[ModelRef[TextEncoder], 'A text encoder that is a language model: Qwen 2.5 or 3, or Llama 3.'],
	prompt: Annotated[str, Text(multiline=True, dynamic_prompts=True), 'What to answer.'],
	max_length: Annotated[int, Number(default=512, min=1, max=32768), 'At most so many tokens.'],
	sampling_mode: Annotated[
		Sampled | Likeliest, Vary({'on': Sampled, 'off': Likeliest}), 'Whether tokens are drawn by lot.'
	],
	image: Annotated[Images | None, 'Pictures to look at, for Qwen 2.5-VL with its eyes.'] = None,
	video: Annotated[Images | None, 'Frames to look at, one after the other.'] = None,
	audio: Annotated[Audio | None, 'Sound; no language model that is there can hear.'] = None,
	thinking: Annotated[
		bool, Toggle(default=False), 'Let Qwen 3 think first; its thoughts come before the answer.'
	] = False,
	use_default_template: Annotated[
		bool,
		Toggle(default=True),
		'Put the prompt into the chat that the model knows; else it goes on from the prompt.',
	] = True,
) -> str:
	"""Have a language model write a text, such as a longer prompt. Equal inputs and seeds give equal texts."""
	from nodes.diffusion.text.choosing import Choosing

	if audio is not None:
		raise NodeUsage('TextGenerate: no language model that is there can hear; leave the input audio unlinked.')
	by = None
	if isinstance(sampling_mode, Sampled):
		mode = sampling_mode
		if mode.repetition_penalty == 0:
			raise NodeUsage('TextGenerate: repetition_penalty divides, and may not be 0; 1 changes nothing.')
		by = Choosing(
			temperature=mode.temperature,
			top_k=mode.top_k,
			top_p=mode.top_p,
			min_p=mode.min_p,
			repetition=mode.repetition_penalty,
			presence=mode.presence_penalty,
			seed=mode.seed,
		)
	pictures = [Images(one[None]) for shown in (image, video) if shown is not None for one in shown.pixels]
	context.progress(0, max_length)
	seen: Sequence[Seen] = ()
	if pictures:
		# Before the words, and gone by then if room is short: they need not be there together.
		with context.models.use(eyes_of(clip)) as eyes:
			seen = eyes.see(pictures)
	with context.models.use(_speaking(clip)) as speaker:
		return speaker.answer(
			prompt,
			seen,
			length=max_length,
			by=by,
			thinking=thinking,
			templated=use_default_template,
			on_token=lambda count: context.progress(count, max_length),
		)


def _speaking(clip: ModelRef[TextEncoder]) -> ModelRef[Speaking]:
	"""The same files with what speaks of them, and with the same changes of weights."""
	return ModelRef(clip.file, SPEAKER, clip.dtype, clip.more, clip.option, clip.weight_patches)


def add_loaders(loaders: Loaders) -> None:
	"""Register the reader of language models that speak."""
	loaders.add(SPEAKER, _load, measure)


def _load(load: Load) -> Weights:
	from nodes.diffusion.text.speakers import load_speaker

	return load_speaker(load)
