"""Forecasts of what changes models and of what comes along with them, held against what a run really has in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import Module

from engine.forecast import NodeForecast
from engine.graph import Argument, Call, Graph, Link, NodeId
from engine.settings import Settings
from nodes.diffusion.working import denoising_bytes, enlarging_bytes, seeing_bytes
from tests import tiny, tiny_adapters, tiny_vision
from tests.nodes.conftest import Bench, link, make_graph, text_to_image
from tests.nodes.diffusion.control.conftest import controlnet, write
from tests.nodes.diffusion.patches.conftest import noise
from tests.nodes.diffusion.test_upscalers import esrgan

TOLERANCE = 0.02
"""How far the forecast of weights may be off: files hold positions that no weight is made of, and scales."""

SIDE = 64
SHAPE = (1, 4, SIDE // 8, SIDE // 8)
KIB = 2**10


def lora(module: Module, fitting: Callable[[str], bool]) -> dict[str, Tensor]:
	"""A LoRA of rank 1 of the weights of a UNet whose names fit."""
	made: dict[str, Tensor] = {}
	for name, weight in module.named_parameters():
		if weight.dim() > 1 and fitting(name):
			layer = f'unet.{name.removesuffix(".weight")}'
			made[f'{layer}.lora_B.weight'] = noise(len(weight), 1)
			made[f'{layer}.lora_A.weight'] = noise(1, weight[0].numel(), seed=2)
			if weight.dim() == 4:
				made[f'{layer}.lora_B.weight'] = made[f'{layer}.lora_B.weight'][..., None, None]
				made[f'{layer}.lora_A.weight'] = made[f'{layer}.lora_A.weight'].reshape(1, *weight.shape[1:])
	return made


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A tiny checkpoint, and all that can go with it."""
	folder = tmp_path_factory.mktemp('models')
	for kind in (
		'checkpoints',
		'diffusion_models',
		'loras',
		'controlnet',
		'ipadapter',
		'clip_vision',
		'upscale_models',
	):
		(folder / kind).mkdir()
	tiny.save_checkpoint(folder / 'checkpoints' / 'tiny.safetensors')
	tiny.save_checkpoint(folder / 'checkpoints' / 'other.safetensors', seed=1)
	tiny.save_checkpoint(folder / 'diffusion_models' / 'tiny.safetensors')
	unet = tiny.modules(0)[0]
	save_file(lora(unet, lambda name: 'attn' in name), folder / 'loras' / 'attention.safetensors')
	save_file(lora(unet, lambda name: 'attn1' in name or 'resnets' in name), folder / 'loras' / 'more.safetensors')
	write(folder / 'controlnet' / 'net.safetensors', controlnet().state_dict())
	write(folder / 'controlnet' / 'other.safetensors', controlnet(seed=1).state_dict())
	tiny_vision.write(folder / 'clip_vision' / 'vision.safetensors', tiny_vision.own_names(tiny_vision.clip()))
	seen = tiny_vision.CLIP['projection_dim']
	adapter = tiny_adapters.tensors('vector', unet, seen=seen, width=tiny.WIDTH)
	save_file(adapter, folder / 'ipadapter' / 'adapter.safetensors')
	save_file(esrgan(features=8), folder / 'upscale_models' / 'esrgan.safetensors')
	return folder


@pytest.fixture
def make_bench(tmp_path: Path, models: Path) -> Callable[[int], Bench]:
	"""Runners on a device of so many bytes (0: as many as there are)."""
	(tmp_path / 'input').mkdir()
	Image.new('RGB', (SIDE, SIDE), (250, 20, 30)).save(tmp_path / 'input' / 'red.png')
	count = iter(range(10))

	def make(nbytes: int) -> Bench:
		data = tmp_path / str(next(count))
		return Bench(Settings(base=data, input=tmp_path / 'input', models=models, model_bytes=nbytes))

	return make


def changed(graph: Graph, **inputs: Argument) -> Graph:
	"""With other inputs of the sampler."""
	sample = graph.calls[NodeId('sample')]
	return Graph({**graph.calls, NodeId('sample'): replace(sample, inputs={**sample.inputs, **inputs})})


def with_loras(model: float = 1.0, *names: str) -> Graph:
	"""The main job with LoRAs on the model, one on the other."""
	calls: dict[NodeId, Call] = {**text_to_image(side=SIDE).calls}
	last = 'model'
	for name in names or ('attention', 'more'):
		inputs: dict[str, Link | str | int | float] = {'lora_name': f'{name}.safetensors', 'strength_model': model}
		inputs |= {'strength_clip': 1.0, 'model': link(last), 'clip': link('model', 1)}
		calls |= make_graph(**{name: ('LoraLoader', inputs)}).calls
		last = name
	return changed(Graph(calls), model=link(last))


def steered(*nets: str) -> Graph:
	"""The main job with ControlNets on both prompts, one on the other."""
	graph = text_to_image(side=SIDE)
	calls = {**graph.calls, **make_graph(picture=('LoadImage', {'image': 'red.png'})).calls}
	positive, negative = link('positive'), link('negative')
	for index, name in enumerate(nets):
		inputs: dict[str, Link | str | int | float] = {'positive': positive, 'negative': negative, 'strength': 1.0}
		inputs |= {'control_net': link(f'net{index}'), 'image': link('picture')}
		inputs |= {'start_percent': 0.0, 'end_percent': 1.0}
		calls |= make_graph(**{f'steer{index}': ('ControlNetApplyAdvanced', inputs)}).calls
		loader: dict[str, Link | str | int | float] = {'control_net_name': f'{name}.safetensors'}
		calls |= make_graph(**{f'net{index}': ('ControlNetLoader', loader)}).calls
		positive, negative = link(f'steer{index}'), link(f'steer{index}', 1)
	return changed(Graph(calls), positive=positive, negative=negative)


def merged() -> Graph:
	"""The main job with the mean of two models."""
	more = make_graph(
		other=('CheckpointLoaderSimple', {'ckpt_name': 'other.safetensors'}),
		mean=('ModelMergeSimple', {'model1': link('model'), 'model2': link('other'), 'ratio': 0.5}),
	)
	return changed(Graph({**text_to_image(side=SIDE).calls, **more.calls}), model=link('mean'))


def in_eight_bits() -> Graph:
	"""The main job with the weights kept in fp8."""
	more = make_graph(small=('UNETLoader', {'unet_name': 'tiny.safetensors', 'weight_dtype': 'fp8_e4m3fn'}))
	return changed(Graph({**text_to_image(side=SIDE).calls, **more.calls}), model=link('small'))


def hearing() -> Graph:
	"""The main job by a model that hears a picture."""
	more = make_graph(
		adapter=('LoadIPAdapter', {'ip_adapter_name': 'adapter.safetensors'}),
		vision=('CLIPVisionLoader', {'clip_name': 'vision.safetensors'}),
		picture=('LoadImage', {'image': 'red.png'}),
		hearing=(
			'ApplyIPAdapter',
			{
				'model': link('model'),
				'ip_adapter': link('adapter'),
				'clip_vision': link('vision'),
				'image': link('picture'),
				'weight': 1.0,
				'start_percent': 0.0,
				'end_percent': 1.0,
			},
		),
	)
	return changed(Graph({**text_to_image(side=SIDE).calls, **more.calls}), model=link('hearing'))


def guided() -> Graph:
	"""The main job through a guider."""
	calls = {**steered('net').calls}
	calls |= make_graph(
		guider=(
			'CFGGuider',
			{'model': link('model'), 'positive': link('steer0'), 'negative': link('steer0', 1), 'cfg': 2.0},
		),
		noise=('RandomNoise', {'noise_seed': 1}),
		how=('KSamplerSelect', {'sampler_name': 'euler'}),
		sigmas=('BasicScheduler', {'model': link('model'), 'scheduler': 'normal', 'steps': 1, 'denoise': 1.0}),
		sample=(
			'SamplerCustomAdvanced',
			{
				'noise': link('noise'),
				'guider': link('guider'),
				'sampler': link('how'),
				'sigmas': link('sigmas'),
				'latent_image': link('latent'),
			},
		),
	).calls
	return Graph(calls)


def forecast(bench: Bench, graph: Graph) -> dict[str, NodeForecast]:
	"""By node."""
	return {node.node: node for node in bench.runner.forecast(graph, [NodeId('save')]).nodes}


def held(bench: Bench, *parts: str) -> int:
	"""Bytes of residents of these parts."""
	return sum(item.nbytes for item in bench.runner.models.residents() if item.ref.part in parts)


class TestWeights:
	@pytest.mark.parametrize(
		('graph', 'parts'),
		[
			(with_loras(), ['denoiser']),
			(with_loras(1.0, 'attention'), ['denoiser']),
			(with_loras(0.0), ['denoiser']),
			(merged(), ['denoiser']),
			(in_eight_bits(), ['denoiser']),
			(steered('net'), ['denoiser', 'controlnet']),
			(steered('net', 'other'), ['denoiser', 'controlnet']),
			(steered('net', 'net'), ['denoiser', 'controlnet']),
			(hearing(), ['denoiser', 'ip_adapter']),
			(guided(), ['denoiser', 'controlnet']),
		],
		ids=[
			*('stacked LoRAs', 'a LoRA', 'LoRAs of strength 0', 'a merge', 'fp8', 'a ControlNet', 'two ControlNets'),
			*('one ControlNet twice', 'an IP-Adapter', 'a guider'),
		],
	)
	def test_are_those_of_a_run(self, graph: Graph, parts: list[str], make_bench: Callable[[int], Bench]) -> None:
		"""Of the base, what was changed, and what comes along; a device of just so many bytes has all of it whole."""
		bench = make_bench(0)
		told = forecast(bench, graph)['sample']
		outcome = bench.run(graph)

		assert outcome.failure is None, outcome.failure.message
		bases = {item.ref.unpatched for item in bench.runner.models.residents() if item.ref.part == 'denoiser'}
		others = sum(item.nbytes for item in bench.runner.models.residents() if str(item.ref.file) == _other(bench))
		assert told.weights == pytest.approx(held(bench, *parts) - others, rel=TOLERANCE)
		assert len(bases) == 1 + bool(others)

	@pytest.mark.parametrize(
		'graph',
		[with_loras(), in_eight_bits(), steered('net', 'other')],
		ids=['LoRA', 'fp8', 'nets'],
	)
	def test_a_device_of_so_many_bytes(self, graph: Graph, make_bench: Callable[[int], Bench]) -> None:
		"""With what the forecast wants, all is there whole; with a tenth less of the weights, something is streamed."""
		told = forecast(make_bench(0), graph)['sample']
		for less, whole in ((-told.weights // 50, True), (told.weights // 10, False)):
			bench = make_bench(told.weights + told.working - less)
			sampler = Graph({node: call for node, call in graph.calls.items() if node not in ('decode', 'save')})
			calls = make_graph(save=('SaveLatent', {'samples': link('sample'), 'filename_prefix': 'a'})).calls
			outcome = bench.run(Graph({**sampler.calls, **calls}))

			assert outcome.failure is None, outcome.failure.message
			assert (forecast(bench, graph)['sample'].plan == 'whole') is whole
			rooms = [item.room for item in bench.runner.models.residents() if item.ref.part == 'denoiser']
			notes = [event for event in bench.events if event.type == 'node_text']
			assert (set(rooms) == {None} and not notes) is whole
			assert bench.runner.models.rooms.residency.free(bench.runner.models.rooms.place) >= 0


def _other(bench: Bench) -> str:
	catalogue = bench.runner.storage.catalogue
	return catalogue.digest(catalogue.path('checkpoints', 'other.safetensors'))


class TestWorking:
	@pytest.mark.parametrize('nets', [['net'], ['net', 'other'], ['net', 'net', 'net']])
	def test_controls(self, nets: list[str], make_bench: Callable[[int], Bench]) -> None:
		"""What they hand on is counted for each, through guiders too."""
		told = forecast(make_bench(0), steered(*nets))['sample']

		assert told.working == denoising_bytes(SHAPE, 'sd1', controls=len(nets))
		assert forecast(make_bench(0), guided())['sample'].working == denoising_bytes(SHAPE, 'sd1', controls=1)

	def test_vision(self, make_bench: Callable[[int], Bench]) -> None:
		"""By the node that looks, which has no use for the model that it hands on."""
		told = forecast(make_bench(0), hearing())

		assert told['hearing'].models == ('clip_vision of vision.safetensors',)
		assert told['hearing'].working == seeing_bytes(1)
		assert told['sample'].models == ('ip_adapter of adapter.safetensors', 'denoiser of tiny.safetensors')

	def test_upscalers(self, make_bench: Callable[[int], Bench]) -> None:
		"""Their weights, and a tile; a smaller one where there is less room, by which the picture comes out too."""
		graph = make_graph(
			picture=('EmptyImage', {'width': 300, 'height': 200, 'batch_size': 1, 'color': 0xFF8000}),
			net=('UpscaleModelLoader', {'model_name': 'esrgan.safetensors'}),
			large=('ImageUpscaleWithModel', {'upscale_model': link('net'), 'image': link('picture')}),
			save=('SaveImage', {'images': link('large'), 'filename_prefix': 'large'}),
		)
		bench = make_bench(0)
		told = forecast(bench, graph)['large']
		assert bench.run(graph).failure is None

		assert told.plan == 'whole'
		assert told.weights == pytest.approx(held(bench, 'upscaler'), rel=TOLERANCE)
		assert told.working == enlarging_bytes(300, 200, tile=512)
		small = make_bench(told.weights + enlarging_bytes(300, 200, tile=128) + KIB)
		assert forecast(small, graph)['large'].plan == 'tiled'
		assert small.run(graph).failure is None


class TestRefusal:
	def test_names_all(self, make_bench: Callable[[int], Bench]) -> None:
		"""With the models, what changes them, and numbers; nothing is run."""
		graph = with_loras()
		told = forecast(make_bench(0), graph)['sample']
		bench = make_bench(told.least + denoising_bytes(SHAPE, 'sd1', prompts=1) - KIB)
		outcome = bench.run(graph)

		assert outcome.failure is not None
		assert outcome.node == 'sample'
		assert outcome.failure.message.startswith(
			'denoiser of tiny.safetensors + attention.safetensors + more.safetensors'
		)
		assert bench.called == []
