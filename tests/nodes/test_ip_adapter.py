"""IP-Adapters through the nodes: pictures as prompts, and nothing left of them where they are not asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from safetensors.torch import save_file

from engine.graph import Graph, NodeId
from engine.settings import Settings
from tests import tiny, tiny_adapters, tiny_vision
from tests.nodes.conftest import Bench, link, make_graph, text_to_image


@pytest.fixture
def adapter_bench(tmp_path: Path) -> Bench:
	"""A runner with a tiny checkpoint, a vision encoder, an IP-Adapter for both, and two pictures."""
	models = tmp_path / 'models'
	(models / 'checkpoints').mkdir(parents=True)
	(models / 'ipadapter').mkdir()
	tiny.save_checkpoint(models / 'checkpoints' / 'tiny.safetensors')
	tiny_vision.write(models / 'clip_vision' / 'vision.safetensors', tiny_vision.own_names(tiny_vision.clip()))
	seen = tiny_vision.CLIP['projection_dim']
	adapter = tiny_adapters.tensors('vector', tiny.modules(0)[0], seen=seen, width=tiny.WIDTH)
	save_file(adapter, models / 'ipadapter' / 'adapter.safetensors')
	(tmp_path / 'input').mkdir()
	for name, colour in (('red.png', (250, 20, 30)), ('blue.png', (20, 60, 230))):
		Image.new('RGB', (40, 30), colour).save(tmp_path / 'input' / name)
	return Bench(Settings(base=tmp_path, models=models))


def shown(picture: str, weight: float = 1.0, part: tuple[float, float] = (0.0, 1.0)) -> Graph:
	"""The main job by a model that hears a picture."""
	graph = text_to_image()
	more = make_graph(
		adapter=('LoadIPAdapter', {'ip_adapter_name': 'adapter.safetensors'}),
		vision=('CLIPVisionLoader', {'clip_name': 'vision.safetensors'}),
		picture=('LoadImage', {'image': picture}),
		hearing=(
			'ApplyIPAdapter',
			{
				'model': link('model'),
				'ip_adapter': link('adapter'),
				'clip_vision': link('vision'),
				'image': link('picture'),
				'weight': weight,
				'start_percent': part[0],
				'end_percent': part[1],
			},
		),
	)
	sample = graph.calls[NodeId('sample')]
	changed = replace(sample, inputs={**sample.inputs, 'model': link('hearing')})
	return Graph({**graph.calls, **more.calls, NodeId('sample'): changed})


def made(bench: Bench, graph: Graph) -> npt.NDArray[np.int16]:
	"""The picture that a graph makes."""
	failure = bench.run(graph).failure
	assert failure is None, failure.message
	return np.asarray(Image.open(bench.pictures()[-1])).astype(np.int16)


class TestPicturePrompts:
	def test_pictures_steer(self, adapter_bench: Bench) -> None:
		"""Another picture is another result; weight 0 is as without, and so is the model itself afterwards."""
		red, blue, late, nothing = (
			made(adapter_bench, graph)
			for graph in (
				shown('red.png'),
				shown('blue.png'),
				shown('red.png', part=(0.9, 1.0)),
				shown('red.png', 0.0),
			)
		)
		alone = made(adapter_bench, text_to_image())

		assert (red != blue).any()
		assert (red != alone).any()
		assert (red != late).any()
		assert (nothing == alone).all()

	def test_a_recipe_with_a_picture_is_kept(self, adapter_bench: Bench) -> None:
		"""A second runner has the picture in its cache: it encodes nothing and loads no model."""
		first = made(adapter_bench, shown('red.png'))
		again = Bench(adapter_bench.settings)

		assert (made(again, shown('red.png')) == first).all()
		assert not {'hearing', 'sample'} & set(again.called)
		assert again.runner.models.residents() == ()

	def test_weights_are_those_of_the_model(self, adapter_bench: Bench) -> None:
		"""A setting copies none: the model is resident once, beside encoder and adapter."""
		made(adapter_bench, shown('red.png'))
		made(adapter_bench, text_to_image(seed=2))

		parts = [resident.ref.part for resident in adapter_bench.runner.models.residents()]
		assert sorted(parts) == ['clip_vision', 'denoiser', 'ip_adapter', 'text', 'vae']
