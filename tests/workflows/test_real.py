"""Workflows from the wild: with models of their family by other names, and small, each runs to its pictures.

The files stand in tests/engine/formats/real; WORKFLOWS=FOLDER names a folder of more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from PIL import Image
from pydantic import JsonValue
from safetensors.torch import save_file

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.events import AnyEvent, NodeFinished
from engine.formats.workflow import open_workflow
from engine.graph import Argument, Call, Constant, Graph
from engine.runner import Runner
from engine.settings import PROJECT, Settings
from tests import tiny, tiny_unets
from tests.nodes.diffusion.control import test_qwen_image
from tests.nodes.diffusion.test_upscalers import esrgan
from tests.tiny_transformers import save_parts, save_whole

FOLDER = PROJECT / 'tests' / 'engine' / 'formats' / 'real'
FOLDERS = [FOLDER, *(Path(folder) for folder in [os.environ.get('WORKFLOWS', '')] if folder)]
FILES = {
	path.name: path for folder in FOLDERS for path in sorted(folder.glob('*.json')) if path.name != 'manifest.json'
}

UNETS = {
	'v1-5-pruned-emaonly.ckpt': 'sd1',
	'Anything-V3.0.ckpt': 'sd1',
	'512-inpainting-ema.safetensors': 'sd2 inpainting',
	'v2-1_768-ema-pruned.ckpt': 'sd2',
	'sd_xl_base_1.0.safetensors': 'sdxl',
	'sd_xl_refiner_1.0.safetensors': 'sdxl refiner',
	'sd_xl_turbo_1.0_fp16.safetensors': 'sdxl',
	'cosxl_edit.safetensors': 'sdxl editing',
}
WHOLE = {'sd3_medium_incl_clips_t5xxlfp8.safetensors': 'sd3', 'flux1-dev-fp8.safetensors': 'flux'}
PARTS = {
	'flux1-dev.safetensors': 'flux',
	'flux1-fill-dev.safetensors': 'flux',
	'flux1-dev-kontext_fp8_scaled.safetensors': 'flux',
	'z_image_turbo_bf16.safetensors': 'z-image',
	'qwen_image_fp8_e4m3fn.safetensors': 'qwen-image',
}
OTHERS = {
	'epiNoiseoffset_v2.safetensors': 'lora.safetensors',
	'control_scribble.safetensors': 'control.safetensors',
	'Qwen-Image-InstantX-ControlNet-Inpainting.safetensors': 'inpainting.safetensors',
	'RealESRGAN_x2.pth': 'esrgan.safetensors',
	'vae-ft-mse-840000-ema-pruned.safetensors': 'sd1.safetensors',
}
REFUSED = {
	'rgthree-context': 'Context (rgthree)',
	'tpl-hidream-e1-full': 'hidream',
	'tpl-video-wan2-2-5b-ti2v': 'Wan22ImageToVideoLatent',
	'ex-chroma-fennec-girl-flowers': 'chroma',
}
"""Those of families that are not there, and of packs, each with what it lacks."""
BEFORE = {
	'ex-edit-models-sdxl-edit-model.prompt': 'style',
	'ex-inpaint-example.prompt': 'grow_mask_by',
	'ex-sdturbo-sdxlturbo-example.prompt': 'denoise',
}
"""Prompts that are older than an input which their class wants; ComfyUI refuses them too. Their editor's form has it."""
NO_SINK = ('bp-text-to-image-netayume-lumina',)
"""Only a blueprint of a subgraph."""
STEPS = 2


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A tiny model of each family, by its family's name."""
	folder = tmp_path_factory.mktemp('models')
	for kind in ['checkpoints', 'diffusion_models', 'text_encoders', 'vae', 'loras', 'controlnet', 'upscale_models']:
		(folder / kind).mkdir()
	for kind in sorted(set(UNETS.values())):
		whole = tiny_unets.model(kind).whole()
		tiny_unets.save(folder / 'checkpoints' / f'{kind}.safetensors', whole)
	vae = {name.removeprefix(tiny.FIRST_STAGE): one for name, one in tiny_unets.model('sd1').whole().items()}
	save_file(
		{
			name: one.contiguous()
			for name, one in vae.items()
			if name.startswith(('encoder', 'decoder', 'quant', 'post'))
		},
		folder / 'vae' / 'sd1.safetensors',
	)
	for kind in sorted(set(WHOLE.values())):
		save_whole(folder / 'checkpoints' / f'{kind}.safetensors', kind)
	for kind in sorted(set(PARTS.values())):
		files = save_parts(tmp_path_factory.mktemp(kind), kind)
		files.denoiser.rename(folder / 'diffusion_models' / f'{kind}.safetensors')
		files.vae.rename(folder / 'vae' / f'{kind}.safetensors')
		for number, text in enumerate(files.texts, start=1):
			text.rename(folder / 'text_encoders' / f'{kind}-{number}.safetensors')
	config = tiny_unets.UNETS['sd1']
	down: dict[str, Any] = {
		name: config[name]
		for name in ('block_out_channels', 'layers_per_block', 'down_block_types', 'cross_attention_dim')
		if name in config
	}
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(0)
		control = tiny_unets.made(
			ControlNetModel,
			{
				**down,
				'attention_head_dim': config['attention_head_dim'],
				'conditioning_embedding_out_channels': (8, 8, 8, 8),
			},
		)
	save_file(control.state_dict(), folder / 'controlnet' / 'control.safetensors')
	inpainting = test_qwen_image.controlnet(extra=4)
	save_file(inpainting.state_dict(), folder / 'controlnet' / 'inpainting.safetensors')
	layer = 'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q'
	width = config['block_out_channels'][0]
	save_file(
		{f'{layer}.lora_up.weight': torch.ones(width, 1), f'{layer}.lora_down.weight': torch.ones(1, width)},
		folder / 'loras' / 'lora.safetensors',
	)
	save_file(esrgan(features=8), folder / 'upscale_models' / 'esrgan.safetensors')
	return folder


def constants(graph: Graph) -> Iterator[object]:
	"""What is written in a graph."""
	for call in graph.calls.values():
		yield from (argument.value for argument in call.inputs.values() if isinstance(argument, Constant))


def small(graph: Graph) -> Graph:
	"""The same with tiny models and pictures, in few steps."""
	trained = any(name in WHOLE or name in PARTS for name in map(str, constants(graph)))  # its LoRA is not there
	family = next((PARTS[name] for name in map(str, constants(graph)) if name in PARTS), '')

	def value(name: str, given: JsonValue) -> JsonValue:
		text = str(given)
		renamed = UNETS | WHOLE | PARTS
		if text in renamed:
			return f'{renamed[text]}.safetensors'
		if text in OTHERS:
			return OTHERS[text]
		match name:
			case 'vae_name':
				return f'{family}.safetensors'
			case 'clip_name' | 'clip_name1' | 'clip_name2':
				return f'{family}-{2 if "t5" in text else 1}.safetensors'
			case 'lora_name':
				return 'lora.safetensors'
			case 'strength_model' if trained:
				return 0.0
			case 'image':
				return 'picture.png'
			case 'steps':
				return STEPS
			case 'start_at_step' | 'end_at_step' if given not in (0, 10000):
				return 1
			case 'width' | 'height' | 'x' | 'y' if isinstance(given, int):
				return given // 64 * 8
		return given

	def changed(call: Call) -> Call:
		inputs: dict[str, Argument] = {
			name: replace(argument, value=value(name, argument.value)) if isinstance(argument, Constant) else argument
			for name, argument in call.inputs.items()
		}
		return replace(call, inputs=inputs)

	return Graph({node: changed(call) for node, call in graph.calls.items()})


@pytest.mark.parametrize('name', FILES)
def test_runs_to_its_pictures_or_says_what_is_missing(name: str, models: Path, tmp_path: Path) -> None:
	"""Those of known families pass the check and run; of others the kinds that are missing are named."""
	stem = name.removesuffix('.json')
	plain = stem.rpartition('.')[0]
	events: list[AnyEvent] = []
	runner = Runner(Settings(base=tmp_path, models=models), events.append)
	(tmp_path / 'input').mkdir()
	Image.new('RGBA', (96, 64), (200, 40, 30, 128)).save(tmp_path / 'input' / 'picture.png')
	graph = small(open_workflow(FILES[name], runner.kit.nodes.infos).graph)
	checked = runner.check(graph)
	told = ' '.join(problem.sentence for problem in checked.problems if problem.code != 'unknown_input')
	if plain in REFUSED:
		assert REFUSED[plain] in told
		return
	if stem in BEFORE:
		assert [BEFORE[stem]] == [one.input for one in checked.problems if one.code == 'required_input_missing']
		return
	if plain in NO_SINK:
		assert [one.code for one in checked.problems] == ['prompt_no_outputs']
		return

	assert told == ''
	outcome = runner.run(checked.graph, checked.sinks, JobInfo('job'), CancelToken())
	shown = [event.ui for event in events if isinstance(event, NodeFinished) and event.ui is not None]

	assert outcome.failure is None, outcome.failure.message
	assert shown
	for image in (image for ui in shown for image in ui.images):
		with Image.open(runner.storage.files.saved(image)) as picture:
			picture.load()
