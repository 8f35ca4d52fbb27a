"""Pictures that models hear, through the nodes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers.pipelines.flux.modeling_flux import ReduxImageEncoder
from PIL import Image
from safetensors.torch import save_file

from engine.graph import Graph, Link, NodeId
from engine.settings import Settings
from tests import tiny, tiny_unets, tiny_vision
from tests.nodes.conftest import Bench, link, make_graph, text_to_image

Pixels = npt.NDArray[np.int16]


@pytest.fixture
def vision_bench(tmp_path: Path) -> Bench:
	"""A runner with a tiny checkpoint, a vision encoder, and two pictures."""
	models = tmp_path / 'models'
	(models / 'checkpoints').mkdir(parents=True)
	tiny.save_checkpoint(models / 'checkpoints' / 'tiny.safetensors')
	tiny_vision.write(models / 'clip_vision' / 'vision.safetensors', tiny_vision.own_names(tiny_vision.clip()))
	(tmp_path / 'input').mkdir()
	for name, colour in (('red.png', (250, 20, 30)), ('blue.png', (20, 60, 230))):
		Image.new('RGB', (40, 30), colour).save(tmp_path / 'input' / name)
	return Bench(Settings(base=tmp_path, models=models))


def unclip_checkpoint(models: Path) -> None:
	"""A tiny Stable Diffusion 2 that hears a vector of a picture, with the encoder of pictures in it."""
	model = tiny_unets.model('sd2 unclip')
	encoder = tiny_vision.open_clip_names(tiny_vision.clip(projection_dim=tiny_unets.WIDTH), 'embedder.model.')
	tiny_unets.save(models / 'checkpoints' / 'unclip.safetensors', model.whole() | encoder)


def varied(picture: str, strength: float = 1.0) -> Graph:
	"""A variation of a picture."""
	graph = text_to_image(checkpoint='unclip.safetensors')
	return steered(
		graph,
		'varied',
		model=('unCLIPCheckpointLoader', {'ckpt_name': 'unclip.safetensors'}),
		picture=('LoadImage', {'image': picture}),
		seen=('CLIPVisionEncode', {'clip_vision': link('model', 3), 'image': link('picture'), 'crop': 'center'}),
		varied=(
			'unCLIPConditioning',
			{
				'conditioning': link('positive'),
				'clip_vision_output': link('seen'),
				'strength': strength,
				'noise_augmentation': 0.0,
			},
		),
	)


def steered(graph: Graph, positive: str, **calls: tuple[str, dict[str, Link | str | int | float]]) -> Graph:
	"""A graph with more calls, sampled with another positive side."""
	sample = graph.calls[NodeId('sample')]
	changed = replace(sample, inputs={**sample.inputs, 'positive': link(positive)})
	return Graph({**graph.calls, **make_graph(**calls).calls, NodeId('sample'): changed})


def made(bench: Bench, graph: Graph) -> Pixels:
	"""The picture that a graph makes."""
	failure = bench.run(graph).failure
	assert failure is None, failure.message
	return np.asarray(Image.open(bench.pictures()[-1])).astype(np.int16)


class TestVariations:
	def test_pictures_steer(self, vision_bench: Bench) -> None:
		"""Another picture is another result; with no strength it is that of the text alone."""
		unclip_checkpoint(vision_bench.settings.models_folder)
		red, blue, nothing = (
			made(vision_bench, graph) for graph in (varied('red.png'), varied('blue.png'), varied('red.png', 0.0))
		)
		alone = made(vision_bench, text_to_image(checkpoint='unclip.safetensors'))

		assert (red != blue).any()
		assert (red != nothing).any()
		assert (nothing == alone).all()

	def test_a_checkpoint_without_encoder_is_told(self, vision_bench: Bench) -> None:
		"""The file and what it lacks are named."""
		graph = varied('red.png')
		calls = make_graph(model=('unCLIPCheckpointLoader', {'ckpt_name': 'tiny.safetensors'})).calls
		done = vision_bench.run(Graph({**graph.calls, **calls}))

		assert done.state == 'failed'
		assert 'it holds no vision encoder' in str(done)


class TestLoader:
	def test_an_encoded_picture_is_kept(self, vision_bench: Bench) -> None:
		"""What an encoder said is cached on disk: a second runner does not ask again."""
		graph = make_graph(
			vision=('CLIPVisionLoader', {'clip_name': 'vision.safetensors'}),
			picture=('LoadImage', {'image': 'red.png'}),
			seen=('CLIPVisionEncode', {'clip_vision': link('vision'), 'image': link('picture'), 'crop': 'none'}),
			show=('PreviewAny', {'source': link('seen')}),
		)
		assert vision_bench.run(graph).failure is None
		again = Bench(vision_bench.settings)

		assert again.run(graph).failure is None
		assert 'seen' not in again.called


class TestStyle:
	@pytest.fixture
	def style_bench(self, vision_bench: Bench) -> Bench:
		"""With a style model that says what the tiny text encoder could have said."""
		make: Any = ReduxImageEncoder
		with torch.random.fork_rng(devices=[]):
			torch.manual_seed(0)
			module = make(redux_dim=tiny_vision.WIDTH, txt_in_features=tiny.WIDTH)
		(vision_bench.settings.models_folder / 'style_models').mkdir()
		save_file(module.state_dict(), vision_bench.settings.models_folder / 'style_models' / 'redux.safetensors')
		return vision_bench

	def styled(self, picture: str, strength: float = 1.0, kind: str = 'multiply') -> Graph:
		return steered(
			text_to_image(),
			'styled',
			vision=('CLIPVisionLoader', {'clip_name': 'vision.safetensors'}),
			style=('StyleModelLoader', {'style_model_name': 'redux.safetensors'}),
			picture=('LoadImage', {'image': picture}),
			seen=('CLIPVisionEncode', {'clip_vision': link('vision'), 'image': link('picture'), 'crop': 'center'}),
			styled=(
				'StyleModelApply',
				{
					'conditioning': link('positive'),
					'style_model': link('style'),
					'clip_vision_output': link('seen'),
					'strength': strength,
					'strength_type': kind,
				},
			),
		)

	def test_pictures_are_told_of_behind_the_text(self, style_bench: Bench) -> None:
		"""Another picture, or another strength, is another result."""
		red, blue, weak = (
			made(style_bench, graph)
			for graph in (self.styled('red.png'), self.styled('blue.png'), self.styled('red.png', 0.2))
		)

		assert (red != blue).any()
		assert (red != weak).any()

	def test_a_bias_is_none_of_its_tokens(self, style_bench: Bench) -> None:
		"""Other models than Flux take no notice of it: any strength is as 1."""
		half, whole = (made(style_bench, self.styled('red.png', strength, 'attn_bias')) for strength in (0.5, 1.0))

		assert (half == whole).all()
