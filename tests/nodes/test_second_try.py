"""Memory that runs out in the midst of a node, though there seemed to be enough: it is called once more, and takes less."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.events import NodeProgress, NodeText
from engine.graph import Graph, Link, NodeId
from engine.settings import Settings
from engine.sparing import TOLD
from tests.nodes.conftest import Bench, link, make_graph, text_to_image
from tests.nodes.test_forecast_companions import models, steered, with_loras

__all__ = ['models']
SIDE = 512
MIB = 2**20


class Convolutions:
	"""A device of which convolutions know, and nobody else, that it is full: none gets more than so many values, and the first
	so many get none at all."""

	def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
		self.most = 2**40
		self.failing = 0
		self.largest = 0
		plain = torch.nn.Conv2d.forward

		def forward(layer: torch.nn.Conv2d, input: Tensor) -> Tensor:
			self.failing -= 1
			if self.failing >= 0 or input.numel() > self.most:
				raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate too much.')
			self.largest = max(self.largest, input.numel())
			return plain(layer, input)

		monkeypatch.setattr(torch.nn.Conv2d, 'forward', forward)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Convolutions:
	"""With room for all."""
	return Convolutions(monkeypatch)


@pytest.fixture
def make(tmp_path: Path, models: Path) -> Callable[..., Bench]:
	"""Runners with an empty cache."""
	(tmp_path / 'input').mkdir()
	Image.new('RGB', (64, 64), (250, 20, 30)).save(tmp_path / 'input' / 'red.png')
	count = iter(range(10))

	def made(nbytes: int = 0) -> Bench:
		data = tmp_path / str(next(count))
		return Bench(Settings(base=data, input=tmp_path / 'input', models=models, model_bytes=nbytes))

	return made


def drawn(bench: Bench, graph: Graph) -> npt.NDArray[np.int16]:
	"""The picture that comes of a graph."""
	outcome = bench.run(graph)
	assert outcome.failure is None, outcome.failure.message
	return np.asarray(Image.open(bench.pictures()[-1])).astype(np.int16)


def told(bench: Bench) -> list[tuple[str, str]]:
	"""What people were told in the last run, by node."""
	return [(event.node, event.text) for event in bench.events if isinstance(event, NodeText)]


def tiles(bench: Bench, node: str) -> bool:
	"""Whether a node went tile by tile."""
	return any(event.node == node for event in bench.events if isinstance(event, NodeProgress))


def encoded(kind: str) -> Graph:
	"""A large picture, encoded, and decoded tile by tile."""
	masked: dict[str, Link | str | int | float] = (
		{'mask': link('mask'), 'grow_mask_by': 6} if kind == 'VAEEncodeForInpaint' else {}
	)
	return make_graph(
		model=('CheckpointLoaderSimple', {'ckpt_name': 'tiny.safetensors'}),
		picture=('EmptyImage', {'width': SIDE, 'height': SIDE, 'batch_size': 1, 'color': 0xFF8000}),
		mask=('SolidMask', {'value': 0.0, 'width': SIDE, 'height': SIDE}),
		encode=(kind, {'pixels': link('picture'), 'vae': link('model', 2), **masked}),
		decode=('VAEDecode', {'samples': link('encode'), 'vae': link('model', 2)}),
		save=('SaveImage', {'images': link('decode'), 'filename_prefix': 'a'}),
	)


class TestPictures:
	def test_decoding(self, device: Convolutions, make: Callable[..., Bench]) -> None:
		"""Tile by tile the second time, whatever room there seems to be."""
		bench = make()
		wanted = drawn(bench, text_to_image(side=SIDE, steps=1))
		assert not tiles(bench, 'decode')
		device.most, device.largest = device.largest // 2, 0
		bench = make()
		found = drawn(bench, text_to_image(side=SIDE, steps=1))

		assert told(bench) == [('decode', TOLD)]
		assert tiles(bench, 'decode')
		assert found.shape == wanted.shape
		assert np.abs(found - wanted).mean() < 16

	@pytest.mark.parametrize('kind', ['VAEEncode', 'VAEEncodeForInpaint'])
	def test_encoding(self, kind: str, device: Convolutions, make: Callable[..., Bench]) -> None:
		"""Likewise."""
		wanted = drawn(make(), encoded(kind))
		device.most = device.largest // 2
		bench = make()
		found = drawn(bench, encoded(kind))

		assert told(bench) == [('encode', TOLD), ('decode', TOLD)]
		assert tiles(bench, 'encode')
		assert np.abs(found - wanted).mean() < 16

	def test_the_next_job_is_whole_again(self, device: Convolutions, make: Callable[..., Bench]) -> None:
		"""Nothing of the second try is left."""
		bench = make()
		device.failing = 1
		drawn(bench, encoded('VAEEncode'))
		assert told(bench) == [('encode', TOLD)]
		bench.runner.cache.clear()
		drawn(bench, encoded('VAEEncode'))

		assert told(bench) == []
		assert not tiles(bench, 'encode')


class TestSampling:
	@pytest.mark.parametrize('graph', [with_loras(), steered('net', 'other')], ids=['LoRAs', 'ControlNets'])
	@pytest.mark.parametrize('streams', [False, True])
	def test_with_companions(
		self, graph: Graph, streams: bool, device: Convolutions, make: Callable[..., Bench]
	) -> None:
		"""Prompt by prompt, and with models streamed if half of the room is not enough for them; the picture is the same."""
		bench = make()
		wanted = drawn(bench, graph)
		forecast = {node.node: node for node in bench.runner.forecast(graph, [NodeId('save')]).nodes}
		needed = max(node.weights + node.working for node in forecast.values())
		bench = make(needed + MIB // 16 if streams else 0)
		# One network's first convolution, with both prompts and with one alone, and all of the first try is over.
		device.failing = 2
		found = drawn(bench, graph)

		assert told(bench) == [
			('sample', TOLD),
			('sample', 'There is not room to look at 2 prompts at once: 1 at a time.'),
		]
		assert np.abs(found - wanted).max() <= 1
		rooms = {item.room for item in bench.runner.models.residents() if item.ref.part == 'denoiser'}
		assert (rooms != {None}) is streams

	def test_with_both_prompts_at_once_is_tried_by_itself(
		self, device: Convolutions, make: Callable[..., Bench]
	) -> None:
		"""What fits with one prompt needs no second try."""
		graph = steered('net')
		wanted = drawn(make(), graph)
		device.failing = 1
		bench = make()

		assert np.abs(drawn(bench, graph) - wanted).max() <= 1
		assert told(bench) == []
