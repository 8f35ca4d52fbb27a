"""Loaders of whole checkpoints and of files that hold one part each, up to the picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file

from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.settings import Settings
from nodes.diffusion.layout import stored
from nodes.diffusion.layouts import clip, unet, vae
from tests import tiny_unets
from tests.nodes.conftest import Bench, link, make_graph, text_to_image

SIDE = 64


@pytest.fixture(scope='module')
def xl_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A tiny Stable Diffusion XL: whole, and its parts by themselves, in the layouts in which people have them."""
	folder = tmp_path_factory.mktemp('xl')
	for kind in ('checkpoints', 'diffusion_models', 'text_encoders', 'vae'):
		(folder / kind).mkdir()
	model = tiny_unets.model('sdxl')
	tiny_unets.save(folder / 'checkpoints' / 'whole.safetensors', model.whole())
	tiny_unets.save(
		folder / 'diffusion_models' / 'unet.safetensors',
		model.unet.state_dict(),
		unet.original(tiny_unets.UNETS['sdxl']),
	)
	tiny_unets.save(folder / 'diffusion_models' / 'diffusers.safetensors', model.unet.state_dict())
	tiny_unets.save(folder / 'vae' / 'vae.safetensors', model.vae.state_dict(), vae.original(tiny_unets.VAE))
	for name, tower in model.towers.items():
		own = stored(clip.own(tiny_unets.clip_config(name)), tower.state_dict())
		tiny_unets.save(folder / 'text_encoders' / f'{name}.safetensors', own)
	return folder


@pytest.fixture
def xl(tmp_path: Path, xl_models: Path) -> Bench:
	"""A runner with those files."""
	return Bench(Settings(base=tmp_path, models=xl_models))


def from_parts(unet_name: str = 'unet.safetensors', *clips: str, kind: str = 'sdxl') -> Graph:
	"""The main job with a loader for each part."""
	first, second = clips or ('clip_g.safetensors', 'clip_l.safetensors')
	whole = text_to_image(side=SIDE, checkpoint='whole.safetensors')
	loaders = make_graph(
		unet=('UNETLoader', {'unet_name': unet_name, 'weight_dtype': 'default'}),
		clip=('DualCLIPLoader', {'clip_name1': first, 'clip_name2': second, 'type': kind}),
		vae=('VAELoader', {'vae_name': 'vae.safetensors'}),
	)
	calls = {name: call for name, call in whole.calls.items() if name != NodeId('model')}
	return Graph({**calls, **loaders.calls}).with_inputs(
		{
			NodeId('sample'): {'model': link('unet')},
			NodeId('decode'): {'vae': link('vae')},
			NodeId('positive'): {'clip': link('clip')},
			NodeId('negative'): {'clip': link('clip')},
		}
	)


def picture(bench: Bench, graph: Graph) -> bytes:
	"""The pixels of the one picture that a graph makes."""
	outcome = bench.run(graph)
	assert outcome.failure is None
	with Image.open(bench.pictures()[0]) as opened:
		return opened.tobytes()


class TestParts:
	@pytest.mark.parametrize('name', ['unet.safetensors', 'diffusers.safetensors'])
	def test_parts_make_the_picture_of_the_whole(self, xl: Bench, name: str) -> None:
		"""Whatever the layout of each, and the order of the text encoders."""
		whole = picture(xl, text_to_image(side=SIDE, checkpoint='whole.safetensors'))

		assert picture(xl, from_parts(name)) == whole
		assert picture(xl, from_parts(name, 'clip_l.safetensors', 'clip_g.safetensors')) == whole

	def test_a_text_encoder_too_few_is_told(self, xl: Bench) -> None:
		"""With the name of the one that is missing."""
		failure = xl.run(from_parts('unet.safetensors', 'clip_l.safetensors', 'clip_l.safetensors')).failure

		assert failure is not None
		assert 'clip_g is missing' in failure.message

	def test_types_that_cannot_be_run_are_refused_before_the_run(self, xl: Bench) -> None:
		"""The choices are those of our families."""
		problems = xl.runner.check(from_parts(kind='hunyuan_video')).problems

		assert [problem.code for problem in problems] == ['value_not_in_list']


class TestPixelSpace:
	"""`pixel_space`, the VAE that is none."""

	def graph(self, **more: tuple[str, dict[str, Link | str | int | float]]) -> Graph:
		return make_graph(
			picture=('EmptyImage', {'width': 50, 'height': 30, 'batch_size': 2, 'color': 0x3366CC}),
			vae=('VAELoader', {'vae_name': 'pixel_space'}),
			encode=('VAEEncode', {'pixels': link('picture'), 'vae': link('vae')}),
			**more,
		)

	def test_a_picture_comes_back_as_it_is(self, bench: Bench) -> None:
		"""Of any size, since no pixels share a latent value."""
		graph = self.graph(
			decode=('VAEDecode', {'samples': link('encode'), 'vae': link('vae')}),
			save=('SaveImage', {'images': link('decode'), 'filename_prefix': 'same'}),
		)

		assert bench.run(graph).failure is None
		with Image.open(bench.pictures()[0]) as made:
			assert made.size == (50, 30)
			assert made.getpixel((3, 3)) == pytest.approx((0x33, 0x66, 0xCC), abs=1)

	def test_latents_are_pixels_from_minus_one_to_one(self, bench: Bench) -> None:
		"""[batch, 3, h, w]."""
		graph = self.graph(save=('SaveLatent', {'samples': link('encode'), 'filename_prefix': 'pixels'}))

		assert bench.run(graph).failure is None
		(file,) = bench.settings.output_folder.rglob('*.latent')
		samples = load_file(file)['latent_tensor']
		assert samples.shape == (2, 3, 30, 50)
		assert samples[0, :, 0, 0].tolist() == pytest.approx([0x33 / 127.5 - 1, 0x66 / 127.5 - 1, 0xCC / 127.5 - 1])

	def test_other_latents_are_refused_before_the_run(self, bench: Bench) -> None:
		"""They have more channels than pixels."""
		graph = self.graph(
			latent=('EmptyLatentImage', {'width': 64, 'height': 64, 'batch_size': 1}),
			decode=('VAEDecode', {'samples': link('latent'), 'vae': link('vae')}),
			save=('SaveImage', {'images': link('decode'), 'filename_prefix': 'no'}),
		)
		(problem,) = bench.runner.check(graph).problems

		assert 'pixel_space' in problem.received


class TestClipSkip:
	def skipped(self, layer: int) -> Graph:
		graph = text_to_image(side=SIDE, checkpoint='whole.safetensors')
		skip = Call('CLIPSetLastLayer', {'clip': link('model', 1), 'stop_at_clip_layer': Constant(layer)})
		return Graph({**graph.calls, NodeId('skip'): skip}).with_inputs(
			{
				NodeId('positive'): {'clip': Link(NodeId('skip'), 0)},
				NodeId('negative'): {'clip': Link(NodeId('skip'), 0)},
			}
		)

	def test_another_layer_makes_another_picture(self, xl: Bench) -> None:
		"""Stable Diffusion XL listens to the last but one by itself."""
		usual = picture(xl, text_to_image(side=SIDE, checkpoint='whole.safetensors'))

		assert picture(xl, self.skipped(-2)) == usual
		assert picture(xl, self.skipped(-1)) != usual

	def test_no_weights_are_read_again(self, xl: Bench) -> None:
		"""A layer is a setting."""
		picture(xl, text_to_image(side=SIDE, checkpoint='whole.safetensors'))
		before = {resident.ref for resident in xl.runner.models.residents()}
		picture(xl, self.skipped(-1))

		assert {resident.ref for resident in xl.runner.models.residents()} == before


class TestSizes:
	def encoded(self, text_l: str, **sizes: int) -> Graph:
		graph = text_to_image(side=SIDE, checkpoint='whole.safetensors', text='red cat')
		inputs: dict[str, Link | str | int | float] = {
			'clip': link('model', 1),
			'width': SIDE,
			'height': SIDE,
			'crop_w': 0,
			'crop_h': 0,
			'target_width': SIDE,
			'target_height': SIDE,
			'text_g': 'red cat',
			'text_l': text_l,
		}
		made = make_graph(positive=('CLIPTextEncodeSDXL', inputs | sizes))
		return Graph({**graph.calls, **made.calls})

	def test_sizes_that_are_not_said_are_those_of_the_latent(self, xl: Bench) -> None:
		"""The node with just these gives the picture of the plain one; others give another."""
		usual = picture(xl, text_to_image(side=SIDE, checkpoint='whole.safetensors', text='red cat'))

		assert picture(xl, self.encoded('red cat')) == usual
		assert picture(xl, self.encoded('red cat', width=1024)) != usual

	def test_each_encoder_hears_its_own_text(self, xl: Bench) -> None:
		"""Another text for the smaller one makes another picture."""
		assert picture(xl, self.encoded('dog')) != picture(xl, self.encoded('red cat'))
