"""What a run will need of memory, told and decided before it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engine.events import NodeProgress
from engine.graph import NodeId
from engine.settings import Settings
from nodes.diffusion.working import TILE, decoding_bytes, denoising_bytes
from tests.nodes.conftest import Bench, text_to_image

MIB = 2**20
SIDE = 512


@pytest.fixture
def small(tmp_path: Path, tiny_models: Path) -> Bench:
	"""A runner with room to denoise and to decode in tiles, not to decode a whole picture of 512 pixels."""
	room = max(denoising_bytes((1, 4, SIDE // 8, SIDE // 8), 'sd1'), decoding_bytes(SIDE, SIDE, tile=TILE)) + 8 * MIB
	assert room < decoding_bytes(SIDE, SIDE)
	return Bench(Settings(base=tmp_path, models=tiny_models, model_bytes=room))


class TestForecast:
	def test_each_node_that_uses_models(self, bench: Bench) -> None:
		"""Weights as they will be loaded, what it takes to work with them, and the plan."""
		forecast = bench.runner.forecast(text_to_image(side=64, batch=3), [NodeId('save')])
		nodes = {node.node: node for node in forecast.nodes}
		bench.run(text_to_image(side=64, batch=3))
		held = {resident.ref.part: resident.nbytes for resident in bench.runner.models.residents()}

		assert nodes.keys() == {'positive', 'negative', 'sample', 'decode'}
		assert nodes['sample'].models == ('denoiser of tiny.safetensors',)
		assert nodes['sample'].working == denoising_bytes((3, 4, 8, 8), 'sd1')
		assert nodes['decode'].working == decoding_bytes(64, 64, 3)
		assert {node.plan for node in forecast.nodes} == {'whole'}
		assert nodes['sample'].weights == pytest.approx(held['denoiser'], rel=0.01)
		assert nodes['decode'].weights == pytest.approx(held['vae'], rel=0.01)
		assert forecast.peak == max(node.weights + node.working for node in forecast.nodes)
		assert forecast.refused is None

	def test_an_unknown_model_file(self, bench: Bench) -> None:
		"""What cannot be told counts as nothing: others say what is wrong with it."""
		graph = text_to_image(checkpoint='gone.safetensors')
		forecast = bench.runner.forecast(graph, [NodeId('save')])

		assert forecast.refused is None


class TestTiles:
	def test_too_large_a_picture(self, small: Bench) -> None:
		"""It is decoded tile by tile, which the forecast said."""
		graph = text_to_image(side=SIDE, steps=1)
		plans = {node.node: node.plan for node in small.runner.forecast(graph, [NodeId('save')]).nodes}
		outcome = small.run(graph)

		assert plans['decode'] == 'tiled'
		assert outcome.failure is None
		assert any(event.node == 'decode' for event in small.events if isinstance(event, NodeProgress))
		with Image.open(small.pictures()[0]) as picture:
			assert picture.size == (SIDE, SIDE)

	def test_a_picture_that_fits(self, small: Bench) -> None:
		"""It is decoded whole."""
		small.run(text_to_image(side=64, steps=1))

		assert not any(event.node == 'decode' for event in small.events if isinstance(event, NodeProgress))


class TestRefusal:
	def test_before_anything_runs(self, small: Bench) -> None:
		"""With the numbers, and the node that it is about; the next job runs."""
		outcome = small.run(text_to_image(side=2048))

		assert outcome.state == 'failed'
		assert outcome.failure is not None
		assert (outcome.node, outcome.kind) == ('sample', 'KSampler')
		assert 'denoiser of tiny.safetensors' in outcome.failure.message
		assert outcome.failure.message.endswith('MiB for models. Nothing was run.')
		assert small.called == []
		assert small.run(text_to_image(side=64)).state == 'succeeded'

	def test_what_is_cached_needs_nothing(self, bench: Bench, tmp_path: Path, tiny_models: Path) -> None:
		"""A picture that is there already is no matter of memory."""
		graph = text_to_image(side=64)
		bench.run(graph)
		bench.runner.close()
		poor = Bench(Settings(base=tmp_path, models=tiny_models, model_bytes=1))

		assert poor.run(graph).state == 'succeeded'
		assert poor.run(text_to_image(side=64, seed=2)).state == 'failed'
