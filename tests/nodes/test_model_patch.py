"""Graphs with networks that are put into a denoiser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import save_file

from engine.graph import Graph
from engine.settings import Settings
from tests.nodes.conftest import Bench, link, make_graph
from tests.nodes.diffusion.control.test_blockwise import module
from tests.tiny_transformers import save_parts


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A models folder with the tiny Qwen-Image, Flux' transformer, and a blockwise ControlNet that fills in."""
	folder, parts = tmp_path_factory.mktemp('models'), tmp_path_factory.mktemp('parts')
	for kind in ('diffusion_models', 'text_encoders', 'vae', 'model_patches'):
		(folder / kind).mkdir()
	files = save_parts(parts, 'qwen-image')
	files.denoiser.rename(folder / 'diffusion_models' / 'qwen.safetensors')
	files.texts[0].rename(folder / 'text_encoders' / 'qwen.safetensors')
	files.vae.rename(folder / 'vae' / 'qwen.safetensors')
	save_file(module(channels=68).state_dict(), folder / 'model_patches' / 'inpaint.safetensors')
	return folder


@pytest.fixture
def bench(tmp_path: Path, models: Path) -> Bench:
	"""A runner with those files."""
	return Bench(Settings(base=tmp_path, models=models))


def drawn(*, strength: float = 1.0, mask: bool = False) -> Graph:
	"""A picture that another one steers."""
	calls = make_graph(
		model=('UNETLoader', {'unet_name': 'qwen.safetensors', 'weight_dtype': 'default'}),
		clip=('CLIPLoader', {'clip_name': 'qwen.safetensors', 'type': 'qwen_image'}),
		vae=('VAELoader', {'vae_name': 'qwen.safetensors'}),
		patch=('ModelPatchLoader', {'name': 'inpaint.safetensors'}),
		image=('EmptyImage', {'width': 64, 'height': 48, 'batch_size': 1, 'color': 0xFF8000}),
		mask=('SolidMask', {'value': 1.0, 'width': 64, 'height': 48}),
		steered=(
			'QwenImageDiffsynthControlnet',
			{
				'model': link('model'),
				'model_patch': link('patch'),
				'vae': link('vae'),
				'image': link('image'),
				'strength': strength,
				**({'mask': link('mask')} if mask else {}),
			},
		),
		text=('CLIPTextEncode', {'text': 'a red cat', 'clip': link('clip')}),
		latent=('EmptySD3LatentImage', {'width': 64, 'height': 32, 'batch_size': 1}),
		sample=(
			'KSampler',
			{
				'model': link('steered'),
				'seed': 1,
				'steps': 1,
				'cfg': 2.0,
				'sampler_name': 'euler',
				'scheduler': 'simple',
				'positive': link('text'),
				'negative': link('text'),
				'latent_image': link('latent'),
				'denoise': 1.0,
			},
		),
		decode=('VAEDecode', {'samples': link('sample'), 'vae': link('vae')}),
		save=('SaveImage', {'images': link('decode'), 'filename_prefix': 'tiny'}),
	)
	return calls if mask else Graph({name: call for name, call in calls.calls.items() if name != 'mask'})


def pixels(bench: Bench, graph: Graph) -> bytes:
	"""The pixels that a graph draws."""
	assert bench.run(graph).state == 'succeeded'

	with Image.open(bench.pictures()[0]) as opened:
		return opened.tobytes()


class TestQwenImage:
	def test_the_network_and_the_mask_count(self, bench: Bench) -> None:
		"""Each makes another picture; drawn again it is the same, and nothing is left leased."""
		plain, steered, masked = (pixels(bench, graph) for graph in (drawn(strength=0.0), drawn(), drawn(mask=True)))
		bench.runner.models.unload()
		again = pixels(bench, drawn())

		assert len({plain, steered, masked}) == 3
		assert again == steered
		assert all(not resident.leases for resident in bench.runner.models.residents())

	def test_no_strength_draws_what_the_model_draws(self, bench: Bench) -> None:
		"""And the network is not loaded for it."""
		without = {
			name: replace(call, inputs={**call.inputs, 'model': link('model')}) if name == 'sample' else call
			for name, call in drawn().calls.items()
			if name not in ('steered', 'patch', 'image')
		}
		plain = pixels(bench, Graph(without))

		assert pixels(bench, drawn(strength=0.0)) == plain
		assert 'model_patch' not in {resident.ref.part for resident in bench.runner.models.residents()}
