"""The loader of control networks: which kind a file is, told from its tensors, and its weights."""

from __future__ import annotations

from typing import Any, cast

import torch
from diffusers.models.adapter import T2IAdapter
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel

from engine.errors import UnknownFamily, UnknownFormat
from engine.models import Load, Weights
from nodes.diffusion.building import built, filled, same_names
from nodes.diffusion.control import adapters, configs, flux, lora, qwen_image, sd3
from nodes.diffusion.control.adapter import TITLE as ADAPTER
from nodes.diffusion.control.adapter import AdapterControl
from nodes.diffusion.control.controlnet import TITLE, UNetControl
from nodes.diffusion.control.settings import POOLED
from nodes.diffusion.files import TensorSource, open_source, torch_dtype
from nodes.diffusion.layout import Layout
from nodes.diffusion.precision import resolved

ORIGINAL = 'control_model.'
MARKERS = ('difference',)


def load_control(load: Load) -> Weights:
	"""Any control network: a `Loader` of `ControlNet`. Raises `UnknownFamily` for what is none that is known."""
	source = open_source(load.path)
	if lora.is_control(source):
		return lora.load_control(load, source)
	if flux.is_control(source):
		return flux.load_control(load, source)
	for prefix in (ORIGINAL, ''):
		if f'{prefix}input_hint_block.0.weight' in source.shapes:
			return _original(load, source, prefix)
	if qwen_image.is_control(source):
		return qwen_image.load_control(load, source)
	if sd3.is_control(source):
		return sd3.load_control(load, source)
	if 'controlnet_cond_embedding.conv_in.weight' in source.shapes:
		return _diffusers(load, source)
	if adapters.is_adapter(source.shapes):
		return _adapter(load, source)
	some = ', '.join(sorted(source.shapes)[:3])
	raise UnknownFamily(f'{load.path.name} is no control network that can be run: its tensors are {some} …')


def _original(load: Load, source: TensorSource, prefix: str) -> UNetControl:
	config = _overlaid(source, configs.original_config(source.within(prefix)))
	return _filled(load, source, ControlNetModel, config, configs.original_layout(config), prefix)


def _diffusers(load: Load, source: TensorSource) -> UNetControl:
	config = _overlaid(source, configs.diffusers_config(source.shapes))
	if 'task_embedding' in source.shapes:
		made = _filled(load, source, ControlNetUnionModel, config, None, '')
		return UNetControl(made.module, made.layout, kinds=config['num_control_type'])
	return _filled(load, source, ControlNetModel, config, None, '')


def _adapter(load: Load, source: TensorSource) -> AdapterControl:
	own = f'{adapters.PREFIX}body.0.resnets.0.block1.weight' in source.shapes
	try:
		config = adapters.own_config(source.shapes) if own else adapters.original_config(source.shapes)
	except (KeyError, IndexError) as error:
		raise UnknownFormat(source.path, f'its {ADAPTER} lacks a tensor that tells its size ({error})') from error
	# diffusers' from_config has no annotations.
	module = built(lambda: cast(torch.nn.Module, cast(Any, T2IAdapter).from_config(config)), load.path, ADAPTER)
	layout = adapters.original_layout(config)
	filled(
		module,
		source,
		same_names(module) if own else layout,
		part=ADAPTER,
		load=load,
		dtype=torch_dtype(resolved(load, '', sum(weight.numel() for weight in module.parameters()))),
	)
	return AdapterControl(module, config['in_channels'], config['downscale_factor'], layout)


def _overlaid(source: TensorSource, config: dict[str, Any]) -> dict[str, Any]:
	"""The config with what the file's metadata says of it."""
	given = source.json('controlnet_config') or {}
	if not isinstance(given, dict):
		raise UnknownFormat(source.path, "its metadata entry 'controlnet_config' is no config")
	return {**config, **given}


def _filled(
	load: Load, source: TensorSource, cls: Any, config: dict[str, Any], layout: Layout | None, prefix: str
) -> UNetControl:
	pooled = {'global_pool_conditions': True} if load.option == POOLED else {}
	# diffusers' from_config has no annotations.
	module = built(lambda: cast(torch.nn.Module, cls.from_config({**config, **pooled})), load.path, TITLE)
	filled(
		module,
		source,
		same_names(module) if layout is None else layout,
		part=TITLE,
		load=load,
		dtype=torch_dtype(resolved(load, '', sum(weight.numel() for weight in module.parameters()))),
		prefix=prefix,
		ignored=lambda name: name in MARKERS or name.endswith('.position_ids'),
	)
	return UNetControl(module, configs.original_layout(config))
