"""The text encoders that transformers listen to besides CLIP: T5, Qwen and Llama; the language models among them can speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from nodes.diffusion.families.base import ANY, Config, Form, Mark, Part, Shapes, TowerPart
from nodes.diffusion.layouts import text

if TYPE_CHECKING:
	from torch.nn import Module

	from nodes.diffusion.files import TensorSource
	from nodes.diffusion.text.towers import Tower

WHOLE = 'text_encoders.{}.transformer.'
"""Where a text encoder stands in whole checkpoints of these families."""

QWEN_25_PLACES = ('qwen25_7b', 'qwen_2.5_vl_7b')
"""What Qwen 2.5-VL is called there."""

OTHER_BIASES = 'encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight'
"""What the multilingual relative of T5 has in every block."""

Layers = Callable[[int], tuple[int, ...]]
"""After which layers is listened, from 1 on, by how many there are."""


def _build_t5(config: Config) -> Module:
	from nodes.diffusion.text.t5 import T5Model

	return T5Model(config)


def _build_eyes(config: Config) -> Module:
	from nodes.diffusion.text.eyes import QwenEyes

	return QwenEyes(config)


def _build_qwen(config: Config) -> Module:
	from nodes.diffusion.text.qwen import QwenModel

	return QwenModel(config)


T5 = Part(
	title='text encoder',
	prefixes=(WHOLE.format('t5xxl'), 'text_encoder_2.', 'text_encoder_3.', ''),
	forms=(
		Form(
			marks=(
				Mark(
					{
						'encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight': None,
						'encoder.block.0.layer.1.DenseReluDense.wi_0.weight': None,
					},
					without=(OTHER_BIASES,),
				),
			),
			config=text.t5,
			spellings=text.t5_spellings,
			ignored=text.t5_ignored,
		),
	),
	build=_build_t5,
)
"""The encoder of T5 1.1 (Raffel et al. 2020)."""


def t5_tower(*, least: int, required: bool) -> TowerPart:
	"""T5 that hears at least so many tokens."""

	def tower(module: Module, config: Config, source: TensorSource) -> Tower:
		from nodes.diffusion.text.t5 import T5Model, T5Tower
		from nodes.diffusion.text.t5_tokenizer import for_source

		return T5Tower(cast(T5Model, module), for_source(source), least)

	return TowerPart('t5xxl', T5, tower, required)


def qwen_tower(
	name: str,
	places: tuple[str, ...],
	template: str,
	*,
	generation: int,
	layers: Layers | None = None,
	least: int = 0,
	only_turn: bool = False,
) -> TowerPart:
	"""A Qwen 2.5 or 3 that stands in one of these places of whole checkpoints; the rest are settings of `QwenTower`.

	Layers after the last that is listened to are not loaded.
	"""

	def config(shapes: Shapes) -> Config:
		whole = text.qwen(shapes, generation=generation)
		if layers is None:
			return whole
		heard = layers(whole['num_hidden_layers'])
		return {**whole, 'layers': heard, 'num_hidden_layers': max(heard)}

	def tower(module: Module, config: Config, source: TensorSource) -> Tower:
		from nodes.diffusion.text.qwen import QwenModel, QwenTower
		from nodes.diffusion.text.qwen_tokenizer import for_source

		return QwenTower(cast(QwenModel, module), for_source(source), template, least, only_turn)

	return TowerPart(
		name,
		Part(
			title='text encoder',
			prefixes=(*(WHOLE.format(place) for place in places), 'text_encoder.', ''),
			forms=(
				Form(
					marks=tuple(_qwen_mark(start, generation) for start in STARTS),
					config=config,
					spellings=text.qwen_spellings,
					ignored=text.qwen_ignored,
				),
			),
			build=_build_qwen,
		),
		tower,
	)


QWEN_EYES = Part(
	title='vision tower',
	prefixes=(*(WHOLE.format(place) for place in QWEN_25_PLACES), 'text_encoder.', ''),
	forms=(
		Form(
			marks=tuple(
				Mark({f'{start}{text.EYES}patch_embed.proj.weight': (ANY, ANY, ANY, ANY, ANY)})
				for start in ('', 'model.')
			),
			config=text.eyes,
			spellings=text.qwen_spellings,
			ignored=lambda name: not text.is_eye(name),
		),
	),
	build=_build_eyes,
)
"""The eyes of Qwen 2.5-VL, in the file of its language model."""


STARTS = ('model.', 'model.language_model.', 'language_model.model.', '')


def _qwen_mark(start: str, generation: int) -> Mark:
	"""The second generation has biases where the third has norms."""
	table, attention = f'{start}embed_tokens.weight', f'{start}layers.0.self_attn'
	norm, bias = f'{attention}.q_norm.weight', f'{attention}.q_proj.bias'
	here, not_here = (norm, bias) if generation == 3 else (bias, norm)
	return Mark({table: None, here: None}, without=(not_here,))


def _llama_mark(start: str) -> Mark:
	attention = f'{start}layers.0.self_attn'
	return Mark(
		{f'{start}embed_tokens.weight': (text.LLAMA_SIZE, ANY), f'{attention}.q_proj.weight': None},
		without=(f'{attention}.q_norm.weight', f'{attention}.q_proj.bias'),
	)


LLAMA_MARKS = tuple(_llama_mark(start) for start in STARTS)


def llama_tower(name: str) -> TowerPart:
	"""A Llama 3, heard after each of its layers, the last one after the final norm."""

	def config(shapes: Shapes) -> Config:
		whole = text.llama(shapes)
		return {**whole, 'layers': tuple(range(1, whole['num_hidden_layers'] + 1)), 'normed': True}

	def tower(module: Module, config: Config, source: TensorSource) -> Tower:
		from nodes.diffusion.text.llama import LlamaTower, for_source
		from nodes.diffusion.text.qwen import QwenModel

		return LlamaTower(cast(QwenModel, module), for_source(source))

	return TowerPart(
		name,
		Part(
			title='text encoder',
			prefixes=(WHOLE.format(name), 'text_encoder_4.', ''),
			forms=(Form(LLAMA_MARKS, config, spellings=text.qwen_spellings, ignored=text.MOUTH.__eq__),),
			build=_build_qwen,
		),
		tower,
	)


SPEAKING_PLACES = ('qwen25_7b', 'qwen_2.5_vl_7b', 'qwen3_4b', 'qwen3_8b', 'llama')


def _speaker(marks: tuple[Mark, ...], config: Callable[[Shapes], Config]) -> Part:
	return Part(
		title='language model',
		prefixes=(*(WHOLE.format(place) for place in SPEAKING_PLACES), 'text_encoder.', 'text_encoder_4.', ''),
		forms=(
			Form(
				marks,
				lambda shapes: text.speaking(config(shapes), shapes),
				spellings=text.qwen_spellings,
				ignored=text.is_eye,
			),
		),
		build=_build_speaker,
	)


def _build_speaker(config: Config) -> Module:
	from nodes.diffusion.text.speaking import SpeakingModel

	return SpeakingModel(config)


SPEAKERS: Mapping[str, Part] = {
	'qwen3': _speaker(tuple(_qwen_mark(start, 3) for start in STARTS), lambda shapes: text.qwen(shapes, generation=3)),
	'qwen2': _speaker(tuple(_qwen_mark(start, 2) for start in STARTS), lambda shapes: text.qwen(shapes, generation=2)),
	'llama': _speaker(LLAMA_MARKS, text.llama),
}
"""The language models that can speak, by their kind."""


def optional(tower: TowerPart) -> TowerPart:
	"""The same where the family does without it."""
	return replace(tower, required=False)
