"""A small ControlNet (Zhang et al. 2023, "Adding conditional control to text-to-image diffusion models") for the demo model:
edges tell what is drawn where, words tell the colours.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from nodes.demo.parts import make_unet
from nodes.demo.pictures import Pixels, Scene, outline_distance
from nodes.diffusion.layouts.unet import names as unet_names

PREFIX = 'control_model.'
_HINT_CHANNELS = (8, 16, 24, 32)
_LINE = 1.0
"""Half the width of an edge, in pixels."""


class Controlled(nn.Module):
	"""A frozen denoiser with a ControlNet beside it, which starts as a copy of its way down."""

	def __init__(self, unet: UNet2DConditionModel, control: ControlNetModel) -> None:
		super().__init__()
		self.unet = unet.requires_grad_(False)
		self.control = control

	def forward(self, x: Tensor, times: Tensor, hidden: Tensor, hints: Tensor, strength: float = 1.0) -> Tensor:
		down, middle = self.control(x, times, hidden, hints, conditioning_scale=strength, return_dict=False)
		found: Tensor = self.unet(
			x, times, hidden, down_block_additional_residuals=down, mid_block_additional_residual=middle
		).sample
		return found


def make_control(unet: UNet2DConditionModel) -> ControlNetModel:
	"""A ControlNet that changes nothing yet."""
	control = ControlNetModel.from_unet(
		unet, conditioning_channels=3, conditioning_embedding_out_channels=_HINT_CHANNELS
	)
	return cast(ControlNetModel, control.to(memory_format=torch.channels_last))


def draw_edges(scene: Scene, side: int = 128) -> Pixels:
	"""White outlines of the things on black, uint8 (side, side, 3)."""
	lines = np.zeros((side, side), dtype=np.float32)
	for thing in scene.things:
		lines = np.maximum(lines, np.clip(_LINE + 0.5 - np.abs(outline_distance(thing, side)) * side, 0, 1))
	return np.repeat((lines * 255).astype(np.uint8)[..., None], 3, axis=2)


def save_control(control: ControlNetModel, path: Path) -> None:
	"""Writes a ControlNet as float16 under the names of the first ones; its config is in the metadata."""
	weights = control.state_dict()
	names = control_names(control)
	if unnamed := weights.keys() ^ names.keys():
		raise KeyError(f'weights and names differ in {sorted(unnamed)[:5]}')
	tensors = {names[name]: value.half().contiguous() for name, value in weights.items()}
	metadata = {
		'format': 'pt',
		'title': 'Lumengraph demo ControlNet: edges',
		'controlnet_config': json.dumps(dict(control.config)),
	}
	save_file(tensors, path, metadata=metadata)


def load_control(path: Path) -> ControlNetModel:
	"""Reads what `save_control` has written, in float32."""
	with safe_open(path, 'pt') as file:
		# diffusers' from_config has no annotations
		control = cast(
			ControlNetModel, cast(Any, ControlNetModel).from_config(json.loads(file.metadata()['controlnet_config']))
		)
		names = control_names(control)
		control.load_state_dict({name: file.get_tensor(stored).float() for name, stored in names.items()})
	return control.eval()


def control_names(control: ControlNetModel) -> dict[str, str]:
	"""`{module name: name in the file}`: the copied way down as in the denoiser's file, the rest by names of its own."""
	return {name: PREFIX + stored for name, stored in _names(control)}


def _names(control: ControlNetModel) -> Iterator[tuple[str, str]]:
	known = dict(unet_names(make_unet().config))
	for name in control.state_dict():
		module, _, leaf = name.rpartition('.')
		part, _, rest = module.partition('.')
		if name in known:
			yield name, known[name]
		elif part == 'controlnet_down_blocks':
			yield name, f'zero_convs.{rest}.0.{leaf}'
		elif part == 'controlnet_mid_block':
			yield name, f'middle_block_out.0.{leaf}'
		else:
			yield name, f'input_hint_block.{2 * _hint_position(rest)}.{leaf}'


def _hint_position(layer: str) -> int:
	"""Which convolution of the hint's it is; activations stand between them."""
	kind, _, index = layer.partition('.')
	between = 2 * (len(_HINT_CHANNELS) - 1)
	return {'conv_in': 0, 'conv_out': between + 1}.get(kind) or (int(index) + 1 if kind == 'blocks' else 0)
