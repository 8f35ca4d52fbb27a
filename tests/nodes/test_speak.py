"""Text from language models, through the node."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.events import AnyEvent, NodeFinished, NodeProgress
from engine.graph import Graph, Link
from engine.settings import Settings
from tests import tiny, tiny_texts
from tests.nodes.conftest import Bench, link, make_graph
from tests.nodes.diffusion.families.test_hidream import save_four

Inputs = Mapping[str, Link | str | int | float]
SAMPLED: Inputs = {
	'sampling_mode.seed': 1,
	'sampling_mode': 'on',
	'sampling_mode.temperature': 1.0,
	'sampling_mode.top_k': 0,
	'sampling_mode.top_p': 1.0,
	'sampling_mode.min_p': 0.0,
	'sampling_mode.repetition_penalty': 1.05,
}


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A models folder with a Qwen 3, a Qwen 2.5-VL, a T5, and a LoRA."""
	folder = tmp_path_factory.mktemp('models')
	for kind in ('checkpoints', 'text_encoders', 'loras'):
		(folder / kind).mkdir()
	tiny.save_checkpoint(folder / 'checkpoints' / 'tiny.safetensors')
	metadata = {'qwen_tokenizer': tiny_texts.qwen_tokenizer()}
	encoders = folder / 'text_encoders'
	for name, modules in (
		('qwen3', [tiny_texts.speaking('qwen3')]),
		('seeing', [tiny_texts.speaking('qwen2'), tiny_texts.qwen_eyes()]),
		('t5', [tiny_texts.t5()]),
	):
		tensors = {key: one for module in modules for key, one in tiny_texts.tensors(module).items()}
		if 'lm_head.weight' in tensors:
			tensors['lm_head.weight'] *= 8  # it is to have opinions
		save_file(tensors, encoders / f'{name}.safetensors', metadata=metadata)
	layer = 'lora_te1_model_layers_0_mlp_down_proj'
	lora = {f'{layer}.lora_up.weight': torch.ones(16, 1) * 3, f'{layer}.lora_down.weight': torch.ones(1, 32)}
	save_file(lora, folder / 'loras' / 'lora.safetensors')
	return folder


@pytest.fixture
def bench(tmp_path: Path, models: Path) -> Bench:
	"""A runner with them."""
	return Bench(Settings(base=tmp_path, models=models))


def graph(file: str = 'qwen3', more: Inputs | None = None, *, length: int = 8, lora: float = 0.0) -> Graph:
	"""A text of a language model, shown."""
	kind = {'seeing': 'qwen_image', 't5': 'sd3'}.get(file, 'flux2')
	return make_graph(
		model=('CheckpointLoaderSimple', {'ckpt_name': 'tiny.safetensors'}),
		clip=('CLIPLoader', {'clip_name': f'{file}.safetensors', 'type': kind}),
		lora=(
			'LoraLoader',
			{
				'model': link('model'),
				'clip': link('clip'),
				'lora_name': 'lora.safetensors',
				'strength_model': 0.0,
				'strength_clip': lora,
			},
		),
		red=('EmptyImage', {'width': 84, 'height': 56, 'batch_size': 1, 'color': 0xFF2000}),
		blue=('EmptyImage', {'width': 84, 'height': 56, 'batch_size': 2, 'color': 0x0020FF}),
		speak=(
			'TextGenerate',
			{
				'clip': link('lora', 1),
				'prompt': 'a red cat',
				'max_length': length,
				'sampling_mode': 'off',
				'use_default_template': True,
				**(more or {}),
			},
		),
		show=('PreviewAny', {'source': link('speak')}),
	)


def text(bench: Bench, wanted: Graph) -> str:
	"""What is shown."""
	outcome = bench.run(wanted)
	assert outcome.failure is None, outcome.failure.message
	(shown,) = (
		event.ui.root['text'] for event in bench.events if isinstance(event, NodeFinished) and event.ui is not None
	)
	return str(shown[0])


def fault(bench: Bench, wanted: Graph) -> str:
	"""What is said instead."""
	outcome = bench.run(wanted)
	assert outcome.failure is not None
	return outcome.failure.message


class TestGenerate:
	def test_progress_is_told_by_token(self, bench: Bench) -> None:
		"""From none on, of as many as there may be."""
		text(bench, graph(length=5))
		told = [event for event in bench.events if isinstance(event, NodeProgress) and event.node == 'speak']

		assert [event.done for event in told] == list(range(6))
		assert {event.total for event in told} == {5}

	def test_each_setting_counts(self, bench: Bench) -> None:
		"""Another seed, another way of drawing, another prompt, a LoRA: other texts. All else equal, the same."""
		changes: list[Inputs] = [
			{},
			{'sampling_mode.seed': 2},
			{'sampling_mode.temperature': 0.5},
			{'sampling_mode.top_k': 2},
			{'sampling_mode.top_p': 0.6},
			{'sampling_mode.min_p': 0.4},
			{'sampling_mode.repetition_penalty': 5.0},
			{'sampling_mode.presence_penalty': 5.0},
			{'prompt': 'a dog'},
			{'thinking': True},
			{'use_default_template': False},
		]
		wanted = [graph('qwen3', {**SAMPLED, **change}, length=40) for change in changes]
		wanted += [graph('qwen3', SAMPLED, length=40, lora=1.0), graph('qwen3', length=40)]
		texts = [text(bench, one) for one in wanted]

		assert [texts.index(one) for one in texts] == list(range(len(texts)))
		assert texts == [text(bench, one) for one in wanted]

	def test_pictures_and_frames_are_seen(self, bench: Bench) -> None:
		"""Another picture is another text; frames of a video are pictures."""
		red, blue, both = (
			text(bench, graph('seeing', {**SAMPLED, **shown}))
			for shown in (
				{'image': link('red')},
				{'image': link('blue')},
				{'image': link('red'), 'video': link('blue')},
			)
		)

		assert len({red, blue, both}) == 3

	def test_stops_within_a_token(self, bench: Bench) -> None:
		"""A job that is cancelled says no more, and the next one runs."""
		cancel = CancelToken()
		checked = bench.runner.check(graph(length=100))

		def stop(event: AnyEvent) -> None:
			if isinstance(event, NodeProgress) and event.done == 3:
				cancel.cancel()

		bench.when = stop
		outcome = bench.runner.run(checked.graph, checked.sinks, JobInfo('job'), cancel)
		last = max(event.done for event in bench.events if isinstance(event, NodeProgress))

		assert outcome.state == 'cancelled'
		assert last == 3
		assert text(bench, graph(length=2))


class TestFourEncoders:
	def test_the_language_model_among_them_speaks(self, tmp_path: Path) -> None:
		"""Of HiDream's four files, in any order, it is Llama's."""
		encoders = tmp_path / 'models' / 'text_encoders'
		encoders.mkdir(parents=True)
		names = [path.rename(encoders / path.name).name for path in save_four(tmp_path)]
		loaded = {f'clip_name{number}': name for number, name in enumerate(names, start=1)}
		wanted = make_graph(
			clip=('QuadrupleCLIPLoader', dict(loaded)),
			speak=(
				'TextGenerate',
				{'clip': link('clip'), 'prompt': 'a', 'max_length': 4, 'sampling_mode': 'off'},
			),
			show=('PreviewAny', {'source': link('speak')}),
		)
		bench = Bench(Settings(base=tmp_path, models=tmp_path / 'models'))
		text(bench, wanted)
		told = [event.done for event in bench.events if isinstance(event, NodeProgress) and event.node == 'speak']

		assert told == [0, 1, 2, 3, 4]


class TestMistakes:
	def test_encoders_that_cannot_speak(self, bench: Bench) -> None:
		"""Those that can are told."""
		assert 'no language model is in t5.safetensors' in fault(bench, graph('t5'))

	def test_pictures_for_the_blind(self, bench: Bench) -> None:
		"""What is missing is told."""
		assert 'cannot look at pictures' in fault(bench, graph('qwen3', {'image': link('red')}))

	def test_no_repetition_at_all(self, bench: Bench) -> None:
		"""A penalty of 0 would divide by it."""
		assert 'repetition_penalty divides' in fault(
			bench, graph('qwen3', {**SAMPLED, 'sampling_mode.repetition_penalty': 0.0})
		)
