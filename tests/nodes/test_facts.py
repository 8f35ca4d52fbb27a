"""What the built-in nodes know before they run, and what a check refuses for it."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

import nodes
from engine.check import check
from engine.declaration import NodeInfo
from engine.graph import Call, Constant, Graph, NodeId
from engine.plugins import Kit
from engine.problems import Problem
from engine.settings import Settings
from engine.storage import Storage
from tests.nodes.conftest import link, text_to_image
from tests.nodes.diffusion.test_marks import LARGE_VAE, SD1_UNET, SD3, SDXL_UNET, VAE, Shapes, checkpoint


class Checker:
	"""The built-in nodes and the folders of one test."""

	def __init__(self, base: Path) -> None:
		self.storage = Storage.of(Settings(base=base))
		kit = Kit(self.storage.catalogue)
		nodes.register(kit)
		self.infos: Mapping[str, NodeInfo] = kit.nodes.infos
		self.storage.catalogue.marks.extend(kit.marks)

	def problems(self, asked: Graph) -> tuple[Problem, ...]:
		"""What is found in a graph."""
		return check(asked, self.infos, self.storage).problems


@pytest.fixture
def checker(tmp_path: Path) -> Checker:
	"""Checkpoints of three families and the demo model, told by their headers alone."""
	folder = tmp_path / 'models' / 'checkpoints'
	folder.mkdir(parents=True)
	for name, shapes in {
		'sd1': checkpoint(SD1_UNET, VAE),
		'sdxl': checkpoint(SDXL_UNET, VAE),
		'sd3': checkpoint(SD3, LARGE_VAE),
	}.items():
		write(folder / f'{name}.safetensors', shapes)
	return Checker(tmp_path)


def write(path: Path, shapes: Shapes) -> None:
	"""A header of these tensors; their bytes are a hole in the file."""
	header, end = {}, 0
	for name, shape in shapes.items():
		begin, end = end, end + math.prod(shape)
		header[name] = {'dtype': 'U8', 'shape': shape, 'data_offsets': [begin, end]}
	text = json.dumps(header).encode()
	with path.open('wb') as file:
		file.write(struct.pack('<Q', len(text)) + text)
		file.truncate(file.tell() + end)


def with_latent(kind: str, checkpoint: str) -> Graph:
	"""The main job with another empty latent."""
	asked = text_to_image(checkpoint=checkpoint)
	latent = asked.calls[NodeId('latent')]
	return Graph({**asked.calls, NodeId('latent'): type(latent)(kind, latent.inputs)})


def with_text_of(other: str, checkpoint: str) -> Graph:
	"""The main job, with the positive prompt encoded by another checkpoint's text encoder."""
	asked = text_to_image(checkpoint=checkpoint)
	loader = asked.calls[NodeId('model')]
	added = Graph({**asked.calls, NodeId('other'): type(loader)(loader.kind, {'ckpt_name': Constant(other)})})
	return added.with_inputs({NodeId('positive'): {'clip': link('other', 1)}})


class TestChannels:
	@pytest.mark.parametrize(
		('kind', 'file'),
		[
			('EmptyLatentImage', 'sd1.safetensors'),
			('EmptyLatentImage', 'sdxl.safetensors'),
			('EmptyLatentImage', 'lumen-demo.safetensors'),
			('EmptySD3LatentImage', 'sd3.safetensors'),
			('EmptySD3LatentImage', 'sd1.safetensors'),
			('EmptyLatentImage', 'sd3.safetensors'),
		],
	)
	def test_what_belongs_together_passes(self, checker: Checker, kind: str, file: str) -> None:
		"""An empty latent goes with every model, as in ComfyUI, and becomes one of that model's."""
		assert checker.problems(with_latent(kind, file)) == ()

	def test_empty_latents_stay_empty_when_they_are_changed(self, checker: Checker) -> None:
		"""Such as repeated, or with a mask."""
		asked = with_latent('EmptyLatentImage', 'sd3.safetensors')
		repeated = Call('RepeatLatentBatch', {'samples': link('latent'), 'amount': Constant(2)})
		graph = Graph({**asked.calls, NodeId('repeated'): repeated})

		assert checker.problems(graph.with_inputs({NodeId('sample'): {'latent_image': link('repeated')}})) == ()

	def test_latents_of_another_family_are_refused(self, checker: Checker) -> None:
		"""Before anything runs, at the sampler, with both sources; the decoder behind it is not told as well."""
		asked = with_latent('EmptyLatentImage', 'sd1.safetensors')
		loader = Call('CheckpointLoaderSimple', {'ckpt_name': Constant('sd3.safetensors')})
		blank = {'width': Constant(64), 'height': Constant(64), 'batch_size': Constant(1), 'color': Constant(0)}
		calls = {
			**asked.calls,
			NodeId('other'): loader,
			NodeId('image'): Call('EmptyImage', blank),
			NodeId('latent'): Call('VAEEncode', {'pixels': link('image'), 'vae': link('other', 2)}),
		}
		[problem] = checker.problems(Graph(calls))

		assert problem.code == 'return_type_mismatch'
		assert problem.source == ('latent', 0)
		assert problem.sentence == (
			"node 'sample' (KSampler), input 'latent_image': expected channels 4 as 'model' brings "
			"('sd1.safetensors', CheckpointLoaderSimple 'model'), got 16 from 'sd3.safetensors' "
			"(CheckpointLoaderSimple 'other')"
		)

	def test_a_vae_of_another_family_is_refused(self, checker: Checker) -> None:
		"""The sampler hands on how many channels its latents have."""
		asked = with_latent('EmptyLatentImage', 'sd1.safetensors')
		loader = asked.calls[NodeId('model')]
		calls = {**asked.calls, NodeId('other'): type(loader)(loader.kind, {'ckpt_name': Constant('sd3.safetensors')})}
		mixed = Graph(calls).with_inputs({NodeId('decode'): {'vae': link('other', 2)}})
		[problem] = checker.problems(mixed)

		assert problem.node == 'decode'
		assert problem.told == (
			"expected channels 4 as 'samples' brings ('sd1.safetensors', CheckpointLoaderSimple 'model'), "
			"got 16 from 'sd3.safetensors' (CheckpointLoaderSimple 'other')"
		)


class TestFamilies:
	def test_a_prompt_of_another_family_is_refused(self, checker: Checker) -> None:
		"""A text encoder belongs to its model."""
		[problem] = checker.problems(with_text_of('sdxl.safetensors', 'sd1.safetensors'))

		assert (problem.node, problem.input) == ('sample', 'positive')
		assert problem.received == "sdxl from 'sdxl.safetensors' (CheckpointLoaderSimple 'other')"

	def test_one_of_the_same_family_passes(self, checker: Checker) -> None:
		"""Another file of the family may lend its text encoder."""
		assert checker.problems(with_text_of('lumen-demo.safetensors', 'sd1.safetensors')) == ()
