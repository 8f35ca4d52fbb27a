"""Tiny IP-Adapters for UNets with cross-attention, named as in h94's files, whose weights follow from the seed; and GLIGENs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from nodes.diffusion.ip_adapter import cross_attentions
from nodes.diffusion.layouts import unet as layout_of_unets

Kind = Literal['vector', 'plus', 'full']
TOKENS = {'vector': 4, 'plus': 3, 'full': 5}
HEADS, INNER, LAYERS, HEAD_WIDTH = 2, 24, 4, 64


def tensors(kind: Kind, unet: torch.nn.Module, *, seen: int, width: int, seed: int = 0) -> dict[str, Tensor]:
	"""For this UNet, whose text is so wide, and pictures encoded in a width of `seen`."""
	shapes = {f'image_proj.{name}': shape for name, shape in _projection(kind, seen, width).items()}
	for index, attention in enumerate(cross_attentions(unet)):
		for part in ('to_k_ip', 'to_v_ip'):
			shapes[f'ip_adapter.{2 * index + 1}.{part}.weight'] = (attention.to_q.out_features, width)
	generator = torch.Generator().manual_seed(seed)
	return {name: torch.randn(shape, generator=generator) * 0.3 for name, shape in shapes.items()}


def _projection(kind: Kind, seen: int, width: int) -> dict[str, tuple[int, ...]]:
	if kind == 'vector':
		rows = TOKENS[kind] * width
		return {'proj.weight': (rows, seen), 'proj.bias': (rows,), 'norm.weight': (width,), 'norm.bias': (width,)}
	if kind == 'full':
		first = {'proj.0.weight': (seen, seen), 'proj.0.bias': (seen,)}
		return {
			**first,
			'proj.2.weight': (width, seen),
			'proj.2.bias': (width,),
			'proj.3.weight': (width,),
			'proj.3.bias': (width,),
		}
	rows = HEADS * HEAD_WIDTH
	shapes: dict[str, tuple[int, ...]] = {
		'latents': (1, TOKENS[kind], INNER),
		'proj_in.weight': (INNER, seen),
		'proj_in.bias': (INNER,),
		'proj_out.weight': (width, INNER),
		'proj_out.bias': (width,),
		'norm_out.weight': (width,),
		'norm_out.bias': (width,),
	}
	for layer in range(LAYERS):
		for norm in ('0.norm1', '0.norm2', '1.0'):
			shapes |= {f'layers.{layer}.{norm}.{part}': (INNER,) for part in ('weight', 'bias')}
		shapes |= {
			f'layers.{layer}.0.to_q.weight': (rows, INNER),
			f'layers.{layer}.0.to_kv.weight': (2 * rows, INNER),
			f'layers.{layer}.0.to_out.weight': (INNER, rows),
			f'layers.{layer}.1.1.weight': (4 * INNER, INNER),
			f'layers.{layer}.1.3.weight': (INNER, 4 * INNER),
		}
	return shapes


def gligen(unet: torch.nn.Module, config: Mapping[str, Any]) -> dict[str, Tensor]:
	"""A GLIGEN's tensors as its file keeps them, of a UNet that has it in itself (diffusers' `attention_type` `gated`)."""
	names = dict(layout_of_unets.names(config))
	kept = {}
	for name, tensor in unet.state_dict().items():
		block, fuser, rest = name.partition('.fuser.')
		if fuser:
			there = names[f'{block}.attn1.to_q.weight'].removesuffix('.attn1.to_q.weight')
			kept[f'{there}.fuser.{rest}'] = tensor.clone()
		elif name.startswith('position_net.'):
			kept[name] = tensor.clone()
	return kept
