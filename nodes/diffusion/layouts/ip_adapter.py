"""IP-Adapters as they were released (h94/IP-Adapter), as recipes for `ip_adapter.AdapterModel`.

Three kinds of projection: of one vector of the picture (`proj` and `norm`), of every token through two layers ("full
face"), and a resampler of the last layer but one ("plus").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nodes.diffusion.layout import Piece, Recipe

Config = Mapping[str, Any]
Shapes = Mapping[str, tuple[int, ...]]

HEAD_WIDTH = 64
PROJECTED = 'image_proj.'
ATTENTION = 'ip_adapter.{}.to_k_ip.weight'

VECTOR = {'image_embeds.weight': 'proj.weight', 'image_embeds.bias': 'proj.bias'}
FULL = {
	f'{own}.{kind}': f'{there}.{kind}'
	for own, there in (('ff.net.0.proj', 'proj.0'), ('ff.net.2', 'proj.2'), ('norm', 'proj.3'))
	for kind in ('weight', 'bias')
}
RESAMPLER = {
	'ln0.weight': '0.norm1.weight',
	'ln0.bias': '0.norm1.bias',
	'ln1.weight': '0.norm2.weight',
	'ln1.bias': '0.norm2.bias',
	'attn.to_q.weight': '0.to_q.weight',
	'attn.to_out.0.weight': '0.to_out.weight',
	'ff.0.weight': '1.0.weight',
	'ff.0.bias': '1.0.bias',
	'ff.1.net.0.proj.weight': '1.1.weight',
	'ff.1.net.2.weight': '1.3.weight',
}
"""A layer of the resampler: diffusers' names, and those of the file."""


def config(shapes: Shapes) -> dict[str, Any]:
	"""What kind it is, its sizes, and for each attention that it has keys and values for [out, in] of these."""
	attentions = {
		int(name.split('.')[1]): shape
		for name, shape in shapes.items()
		if name.startswith('ip_adapter.') and name.endswith('.to_k_ip.weight')
	}
	return {**_projection(shapes), 'attentions': dict(sorted(attentions.items()))}


def layout(config: Config) -> dict[str, Recipe]:
	"""Where the file has each tensor whose name differs."""
	return {f'{PROJECTED}{name}': recipe for name, recipe in _layout(config)}


def _projection(shapes: Shapes) -> dict[str, Any]:
	if f'{PROJECTED}latents' in shapes:
		_, tokens, inner = shapes[f'{PROJECTED}latents']
		layers = 0
		while f'{PROJECTED}layers.{layers}.0.to_q.weight' in shapes:
			layers += 1
		return {
			'kind': 'plus',
			'seen': shapes[f'{PROJECTED}proj_in.weight'][1],
			'width': shapes[f'{PROJECTED}proj_out.weight'][0],
			'tokens': tokens,
			'inner': inner,
			'layers': layers,
			'heads': shapes[f'{PROJECTED}layers.0.0.to_q.weight'][0] // HEAD_WIDTH,
		}
	if f'{PROJECTED}proj.3.weight' in shapes:
		return {
			'kind': 'full',
			'seen': shapes[f'{PROJECTED}proj.0.weight'][1],
			'width': shapes[f'{PROJECTED}proj.3.weight'][0],
		}
	width = shapes[f'{PROJECTED}norm.weight'][0]
	rows, seen = shapes[f'{PROJECTED}proj.weight']
	return {'kind': 'vector', 'seen': seen, 'width': width, 'tokens': rows // width}


def _layout(config: Config) -> Iterator[tuple[str, Recipe]]:
	if config['kind'] != 'plus':
		for own, there in (VECTOR if config['kind'] == 'vector' else FULL).items():
			yield own, (Piece(PROJECTED + there),)
		return
	rows = config['heads'] * HEAD_WIDTH
	for layer in range(config['layers']):
		there = f'{PROJECTED}layers.{layer}.'
		for own, stored in RESAMPLER.items():
			yield f'layers.{layer}.{own}', (Piece(there + stored),)
		yield f'layers.{layer}.attn.to_k.weight', (Piece(f'{there}0.to_kv.weight', 0, rows),)
		yield f'layers.{layer}.attn.to_v.weight', (Piece(f'{there}0.to_kv.weight', rows, 2 * rows),)
