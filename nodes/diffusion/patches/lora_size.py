"""How large the weights are that a LoRA or one of its relatives changes, told from its header. Imports no torch for safetensors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from engine.models import Load, Touch
from nodes.diffusion.patches.lora_names import grouped, is_text
from nodes.diffusion.sizes import computed_width, shapes_of

FLOAT32 = 4
TEXT = 'text'
Shape = tuple[int, ...]
Parts = Mapping[str, Shape]
"""A layer's tensors of a file by role, as in `deltas.Parts`, but their shapes alone."""


def touch(path: Path, load: Load) -> Touch:
	"""What a file changes of the part of a model that `load` is of; see `Touch`.

	A layer whose weight's size the file does not tell counts as all of the model. Raises `UnknownFormat`.
	"""
	shapes = shapes_of(path)
	groups, _ = grouped(shapes)
	width = computed_width(load)
	kept = sum(FLOAT32 * math.prod(shape) for shape in shapes.values())
	weights: dict[str, int] = {}
	for layer, roles in groups.items():
		if is_text(layer) is not (load.part == TEXT):
			continue
		values = changed_values({role: shapes[name] for role, name in roles.items()})
		if values is None:
			return Touch(None, kept)
		weights[_plain(layer)] = values * width
	return Touch(weights, kept)


def changed_values(parts: Parts) -> int | None:
	"""The values of the weight, and of the bias, that a layer's tensors are for; None if they do not tell."""
	bias = math.prod(parts['diff_b']) if 'diff_b' in parts else 0
	for written in ('diff', 'set_weight'):
		if written in parts:
			return math.prod(parts[written]) + bias
	try:
		if 'up' in parts:
			return _product(parts['up'], parts['down'], parts.get('mid')) + bias
		if 'hada_w1_a' in parts:
			core = parts.get('hada_t1')
			first, second = parts['hada_w1_a'], parts['hada_w1_b']
			return (first[0] * math.prod(second[1:]) if core is None else _cored(first, second, core)) + bias
		if 'lokr_w1' in parts or 'lokr_w1_a' in parts:
			return math.prod(_factor(parts, number) for number in (1, 2)) + bias
	except (KeyError, IndexError):
		return None
	return bias if bias else None


def _product(up: Shape, down: Shape, mid: Shape | None) -> int:
	"""Up [out, rank …] · down [rank, in …], around a core [rank, rank, h, w] if there is one."""
	return up[0] * math.prod(down[1:]) * (1 if mid is None else math.prod(mid[2:]))


def _cored(first: Shape, second: Shape, core: Shape) -> int:
	"""[rank, out] and [rank, in] around a core [rank, rank, h, w]."""
	return first[1] * second[1] * math.prod(core[2:])


def _factor(parts: Parts, number: int) -> int:
	whole = parts.get(f'lokr_w{number}')
	if whole is not None:
		return math.prod(whole)
	first, second = parts[f'lokr_w{number}_a'], parts[f'lokr_w{number}_b']
	core = parts.get(f'lokr_t{number}')
	return first[0] * math.prod(second[1:]) if core is None else _cored(first, second, core)


def _plain(layer: str) -> str:
	"""A layer by a name that files of several kinds have in common."""
	for prefix in ('lora_unet_', 'lora_transformer_', 'diffusion_model.', 'unet.', 'transformer.'):
		layer = layer.removeprefix(prefix)
	return layer.replace('.', '_')
