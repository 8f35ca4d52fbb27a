"""Phrases in places through the nodes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from safetensors.torch import save_file

from engine.graph import Graph, Link, NodeId
from engine.models import FileDigest, Load, ModelRef
from engine.settings import Settings
from nodes.diffusion.checkpoint import load_text_encoder
from nodes.diffusion.control.leasing import controlled
from nodes.grounding_values import Grounder, Grounding, Phrase
from nodes.values import Area, Conditioning, Prompt, Scope
from tests import tiny, tiny_adapters
from tests.nodes.conftest import Bench, link, make_graph, text_to_image
from tests.nodes.diffusion.control.test_live import Store
from tests.nodes.diffusion.patches.conftest import noise

CONFIG = {**tiny.UNET, 'attention_head_dim': 8, 'attention_type': 'gated'}


@pytest.fixture
def grounding(tmp_path: Path) -> Bench:
	"""A runner with a tiny checkpoint and a GLIGEN for it."""
	models = tmp_path / 'models'
	(models / 'checkpoints').mkdir(parents=True)
	(models / 'gligen').mkdir()
	tiny.save_checkpoint(models / 'checkpoints' / 'tiny.safetensors')
	torch.manual_seed(0)
	unet = tiny.make(UNet2DConditionModel, CONFIG).requires_grad_(False)
	for weight in unet.parameters():
		weight.add_(torch.randn_like(weight) * 0.3)
	save_file(tiny_adapters.gligen(unet, CONFIG), models / 'gligen' / 'boxes.safetensors')
	return Bench(Settings(base=tmp_path, models=models))


def grounded(*boxes: tuple[str, int, int, int, int]) -> Graph:
	"""The main job with phrases in boxes (width, height, x, y)."""
	graph = text_to_image()
	calls, last = dict(graph.calls), 'positive'
	calls |= make_graph(gligen=('GLIGENLoader', {'gligen_name': 'boxes.safetensors'})).calls
	for number, (text, width, height, x, y) in enumerate(boxes):
		inputs: dict[str, Link | str | int | float] = {
			'conditioning_to': link(last),
			'clip': link('model', 1),
			'gligen_textbox_model': link('gligen'),
			'text': text,
			'width': width,
			'height': height,
			'x': x,
			'y': y,
		}
		last = f'box{number}'
		calls |= make_graph(**{last: ('GLIGENTextBoxApply', inputs)}).calls
	sample = calls[NodeId('sample')]
	calls[NodeId('sample')] = replace(sample, inputs={**sample.inputs, 'positive': link(last)})
	return Graph(calls)


def made(bench: Bench, graph: Graph) -> npt.NDArray[np.int16]:
	"""The picture that a graph makes."""
	failure = bench.run(graph).failure
	assert failure is None, failure.message
	return np.asarray(Image.open(bench.pictures()[-1])).astype(np.int16)


class TestBoxes:
	def test_phrase_and_place_count(self, grounding: Bench) -> None:
		"""Other words, another place, one more phrase: each is another picture."""
		pictures = [
			made(grounding, graph)
			for graph in (
				grounded(),
				grounded(('a cat', 32, 32, 0, 0)),
				grounded(('a dog', 32, 32, 0, 0)),
				grounded(('a cat', 32, 32, 32, 0)),
				grounded(('a cat', 32, 32, 0, 0), ('a dog', 32, 32, 32, 32)),
			)
		]

		assert len({picture.tobytes() for picture in pictures}) == 5
		assert np.array_equal(pictures[1], made(grounding, grounded(('a cat', 32, 32, 0, 0))))

	def test_a_phrase_is_one_vector(self, tmp_path: Path) -> None:
		"""CLIP's last layer at the end mark, whatever layer is listened to."""
		path = tmp_path / 'tiny.safetensors'
		tiny.save_checkpoint(path)
		encoder = load_text_encoder(Load((path,), 'text'))
		vector = encoder.phrase('a red cat')
		places = encoder.encode('a red cat').prompts[0].embedding[0]

		assert vector.shape == (1, tiny.WIDTH)
		assert torch.equal(vector, encoder.at_layer(-2).phrase('a red cat'))
		assert any(torch.equal(vector[0], place) for place in places)
		assert not torch.equal(vector, encoder.phrase('a red dog'))


class TestOtherSide:
	"""What is not wanted sees the same phrases."""

	REF = ModelRef[Grounder](FileDigest('boxes'), 'gligen')

	def prompt(self, *, phrases: int = 0, area: bool = False) -> Prompt:
		"""One with so many phrases."""
		phrase = Phrase(noise(1, tiny.WIDTH), Area(4, 4))
		return Prompt(
			noise(1, 7, tiny.WIDTH),
			scope=Scope(area=Area(4, 4)) if area else Scope(),
			grounding=Grounding(self.REF, (phrase,) * phrases) if phrases else None,
		)

	def opened(self, positive: tuple[Prompt, ...], negative: tuple[Prompt, ...]) -> list[int]:
		"""How many phrases each negative prompt sees."""
		with controlled(Store(object()), Conditioning(positive), Conditioning(negative)) as (_, other):
			return [0 if one.grounding is None else len(one.grounding.phrases) for one in other.prompts]

	def test_phrases_are_taken_over(self) -> None:
		"""In order; where there are fewer prompts, the last ones count."""
		assert self.opened((self.prompt(phrases=1),), (self.prompt(), self.prompt())) == [1, 0]
		assert self.opened((self.prompt(phrases=1), self.prompt(phrases=2)), (self.prompt(),)) == [2]

	def test_own_phrases_stay(self) -> None:
		"""A side that has some is left as it is."""
		assert self.opened((self.prompt(phrases=1),), (self.prompt(phrases=3), self.prompt())) == [3, 0]

	def test_prompts_with_an_area_neither_give_nor_take(self) -> None:
		"""Guidance compares like with like."""
		assert self.opened((self.prompt(phrases=1, area=True),), (self.prompt(),)) == [0]
		assert self.opened((self.prompt(phrases=1),), (self.prompt(area=True),)) == [0]
