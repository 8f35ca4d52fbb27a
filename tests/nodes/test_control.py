"""Graphs with control networks of transformers."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import save_file

from engine.graph import Graph, NodeId
from engine.settings import Settings
from tests import tiny_unets
from tests.nodes.conftest import Bench, link, make_graph, text_to_image
from tests.nodes.diffusion.control.test_lora import made as control_lora
from tests.nodes.diffusion.control.test_qwen_image import controlnet
from tests.tiny_transformers import save_parts


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A models folder with the tiny Qwen-Image and ControlNets of it."""
	folder, parts = tmp_path_factory.mktemp('models'), tmp_path_factory.mktemp('parts')
	for kind in ('diffusion_models', 'text_encoders', 'vae', 'controlnet'):
		(folder / kind).mkdir()
	files = save_parts(parts, 'qwen-image')
	files.denoiser.rename(folder / 'diffusion_models' / 'qwen.safetensors')
	files.texts[0].rename(folder / 'text_encoders' / 'qwen.safetensors')
	files.vae.rename(folder / 'vae' / 'qwen.safetensors')
	save_file(controlnet().state_dict(), folder / 'controlnet' / 'union.safetensors')
	save_file(controlnet(extra=4).state_dict(), folder / 'controlnet' / 'inpaint.safetensors')
	return folder


@pytest.fixture
def bench(tmp_path: Path, models: Path) -> Bench:
	"""A runner with those files."""
	return Bench(Settings(base=tmp_path, models=models))


def drawn(net: str, kind: str, *, strength: float = 1.0, mask: float = 1.0) -> Graph:
	"""A picture that a ControlNet steers, applied by a node of this kind."""
	filling = kind == 'ControlNetInpaintingAliMamaApply'
	return make_graph(
		model=('UNETLoader', {'unet_name': 'qwen.safetensors', 'weight_dtype': 'default'}),
		clip=('CLIPLoader', {'clip_name': 'qwen.safetensors', 'type': 'qwen_image'}),
		vae=('VAELoader', {'vae_name': 'qwen.safetensors'}),
		net=('ControlNetLoader', {'control_net_name': net}),
		image=('EmptyImage', {'width': 64, 'height': 48, 'batch_size': 1, 'color': 0xFF8000}),
		mask=('SolidMask', {'value': mask, 'width': 64, 'height': 48}),
		text=('CLIPTextEncode', {'text': 'a red cat', 'clip': link('clip')}),
		steered=(
			kind,
			{
				'positive': link('text'),
				'negative': link('text'),
				'control_net': link('net'),
				'vae': link('vae'),
				'image': link('image'),
				'strength': strength,
				'start_percent': 0.0,
				'end_percent': 1.0,
				**({'mask': link('mask')} if filling else {}),
			},
		),
		latent=('EmptySD3LatentImage', {'width': 64, 'height': 32, 'batch_size': 1}),
		sample=(
			'KSampler',
			{
				'model': link('model'),
				'seed': 1,
				'steps': 1,
				'cfg': 2.0,
				'sampler_name': 'euler',
				'scheduler': 'simple',
				'positive': link('steered'),
				'negative': link('steered', 1),
				'latent_image': link('latent'),
				'denoise': 1.0,
			},
		),
		decode=('VAEDecode', {'samples': link('sample'), 'vae': link('vae')}),
		save=('SaveImage', {'images': link('decode'), 'filename_prefix': 'tiny'}),
	)


def pixels(bench: Bench, graph: Graph) -> bytes:
	"""The pixels that a graph draws."""
	assert bench.run(graph).state == 'succeeded'

	with Image.open(bench.pictures()[0]) as opened:
		return opened.tobytes()


class TestQwenImage:
	def test_a_controlnet_steers(self, bench: Bench) -> None:
		"""By either node with a VAE alike; without strength it is as if it were not there."""
		advanced = pixels(bench, drawn('union.safetensors', 'ControlNetApplyAdvanced'))
		same = pixels(bench, drawn('union.safetensors', 'ControlNetApplySD3'))
		masked = pixels(bench, drawn('union.safetensors', 'ControlNetInpaintingAliMamaApply'))
		plain = pixels(bench, drawn('union.safetensors', 'ControlNetApplySD3', strength=0.0))

		assert advanced == same == masked
		assert plain != same

	def test_one_that_fills_in_hears_the_mask(self, bench: Bench) -> None:
		"""Another mask makes another picture."""
		node = 'ControlNetInpaintingAliMamaApply'

		assert pixels(bench, drawn('inpaint.safetensors', node)) != pixels(
			bench, drawn('inpaint.safetensors', node, mask=0.0)
		)

	def test_one_that_fills_in_wants_a_mask(self, bench: Bench) -> None:
		"""The failure names the node that gives one."""
		outcome = bench.run(drawn('inpaint.safetensors', 'ControlNetApplySD3'))

		assert outcome.failure is not None
		assert 'ControlNetInpaintingAliMamaApply' in outcome.failure.message


class TestBorrowing:
	"""Networks that work with weights of the model that they steer."""

	@pytest.fixture
	def xl(self, tmp_path: Path) -> Bench:
		"""A runner with a tiny Stable Diffusion XL and a Control-LoRA of it."""
		models = tmp_path / 'models'
		for kind in ('checkpoints', 'controlnet'):
			(models / kind).mkdir(parents=True)
		model = tiny_unets.model('sdxl')
		tiny_unets.save(models / 'checkpoints' / 'whole.safetensors', model.whole())
		tensors, _ = control_lora(model.unet.requires_grad_(False))
		save_file({name: one.contiguous() for name, one in tensors.items()}, models / 'controlnet' / 'lora.safetensors')
		return Bench(Settings(base=tmp_path, models=models))

	def steered(self, strength: float, colour: int = 0xFF8000) -> Graph:
		"""The main job, steered by a picture of one colour."""
		graph = text_to_image(side=64, checkpoint='whole.safetensors')
		more = make_graph(
			net=('ControlNetLoader', {'control_net_name': 'lora.safetensors'}),
			image=('EmptyImage', {'width': 64, 'height': 64, 'batch_size': 1, 'color': colour}),
			steered=(
				'ControlNetApplyAdvanced',
				{
					'positive': link('positive'),
					'negative': link('negative'),
					'control_net': link('net'),
					'image': link('image'),
					'strength': strength,
					'start_percent': 0.0,
					'end_percent': 1.0,
				},
			),
		)
		return Graph({**graph.calls, **more.calls}).with_inputs(
			{NodeId('sample'): {'positive': link('steered'), 'negative': link('steered', 1)}}
		)

	def test_control_lora_steers(self, xl: Bench) -> None:
		"""Another picture is another result, and strength 0 is as without it."""
		pictures = []
		for graph in (self.steered(0.0), self.steered(1.0), self.steered(1.0, 0x0080FF)):
			outcome = xl.run(graph)
			assert outcome.failure is None, outcome.failure.message
			pictures.append(Image.open(xl.pictures()[-1]).tobytes())
		xl.run(text_to_image(side=64, checkpoint='whole.safetensors'))

		assert len(set(pictures)) == 3
		assert Image.open(xl.pictures()[-1]).tobytes() == pictures[0]
