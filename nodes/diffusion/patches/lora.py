"""Files of LoRA and its relatives: which of a model's weights they change, and by what."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from torch import Tensor

from engine.errors import PatchMismatch, UnknownFormat
from nodes.diffusion.patches.apply import Change, Changes
from nodes.diffusion.patches.deltas import Delta, bias_of, delta_of, flat_shape
from nodes.diffusion.patches.lora_names import Groups, grouped, is_text
from nodes.diffusion.patches.reading import read_tensors, tensor_shapes
from nodes.diffusion.patches.target import Spot, Spots, Target

logger = logging.getLogger(__name__)
SHOWN = 5
"""How many names a message tells."""


def changes(
	path: Path,
	strength: float,
	target: Target,
	note: Callable[[str], None],
	check: Callable[[], None] = lambda: None,
) -> Changes:
	"""What a file does to a target; what it has for other parts of a model is left alone.

	Layers that fit nothing are told in the log and to `note`; the others count. `check` is called between tensors. Raises `UnknownFormat` for a
	file that is no LoRA, and `PatchMismatch` if it was made for another model: no layer fits, or one of another shape.
	"""
	tensors = read_tensors(path, check)
	groups, unknown = grouped(tensors)
	if not groups:
		raise UnknownFormat(path, 'it holds no tensor that is named as in a LoRA or one of its relatives')
	found, unmatched = matched(groups, target)
	if unmatched and not found:
		raise PatchMismatch(
			f'{path.name} was made for another model: none of its {len(unmatched)} layers is in this '
			f'{target.title} ({_some(unmatched)}).'
		)
	done: dict[str, list[Change]] = {}
	for layer, kinds in found.items():
		check()
		parts = {role: tensors[name].float() for role, name in groups[layer].items()}
		for kind, delta in _deltas(path, layer, parts).items():
			if kind not in kinds:
				unmatched += (f'{layer} ({kind})',)
				continue
			for spot in kinds[kind]:
				_must_fit(path, layer, delta, target, kinds[kind])
				done.setdefault(spot.tensor, []).append(partial(_apply, path, layer, delta, strength, spot))
	left = (*unmatched, *unknown)
	if left:
		told = f'{path.name}: {len(left)} of its tensors or layers fit nothing in the {target.title}: {_some(left)}.'
		logger.warning(told)
		note(told)
	return Changes(done, left)


def matched(groups: Groups, target: Target) -> tuple[dict[str, dict[str, Spots]], tuple[str, ...]]:
	"""The layers that the target has, each with where its weight and bias lie, and those meant for it that it lacks."""
	found: dict[str, dict[str, Spots]] = {}
	unmatched: list[str] = []
	for layer in groups:
		name = target.stripped(layer)
		if name is None:
			continue
		spots = {kind: there for kind in ('weight', 'bias') if (there := target.spots(name, kind))}
		if spots:
			found[layer] = spots
		else:
			unmatched.append(layer)
	return found, tuple(unmatched)


def touched(path: Path, target: Target) -> set[str]:
	"""The target's tensors that a file may change, by its header."""
	groups, _ = grouped(tensor_shapes(path))
	found, _ = matched(groups, target)
	return {
		spot.tensor
		for layer, kinds in found.items()
		for kind, spots in kinds.items()
		if kind == 'weight' or 'diff_b' in groups[layer]
		for spot in spots
	}


def float32_bytes(path: Path) -> int:
	"""What a file's tensors take as they are computed with."""
	return sum(4 * math.prod(shape) for shape in tensor_shapes(path).values())


def for_text(path: Path) -> bool:
	"""Whether a file changes a text encoder too."""
	groups, _ = grouped(tensor_shapes(path))
	return any(is_text(layer) for layer in groups)


def _deltas(path: Path, layer: str, parts: Mapping[str, Tensor]) -> dict[str, Delta]:
	try:
		both = {'weight': delta_of(parts), 'bias': bias_of(parts)}
	except KeyError as error:
		raise UnknownFormat(path, f'its layer {layer} lacks the tensor {error.args[0]!r}') from error
	except RuntimeError as error:
		raise UnknownFormat(path, f'the tensors of its layer {layer} do not fit each other ({error})') from error
	return {kind: delta for kind, delta in both.items() if delta is not None}


def _must_fit(path: Path, layer: str, delta: Delta, target: Target, spots: Spots) -> None:
	"""Raise `PatchMismatch` if a layer's delta is not of the shape of the weights that it is for."""
	rows = 0
	for spot in spots:
		there = spot.of(target.tensors[spot.tensor])
		wanted = flat_shape(there)[::-1] if spot.piece.transposed else flat_shape(there)
		given = delta.shape(there)
		rows = max(rows, (spot.piece.start or 0) + wanted[0])
		if given[1:] != wanted[1:] or given[0] < rows:
			raise PatchMismatch(
				f'{path.name} was made for another model: its layer {layer} is for a weight of {list(given)}, '
				f'{spot.tensor} of this {target.title} is {list(wanted)}.'
			)
	if delta.shape(there)[0] != rows and len(spots) == 1 and spots[0].piece.stop is None:
		raise PatchMismatch(
			f'{path.name} was made for another model: its layer {layer} has {delta.shape(there)[0]} rows, '
			f'{spots[0].tensor} of this {target.title} has {rows}.'
		)


def _apply(path: Path, layer: str, delta: Delta, strength: float, spot: Spot, weight: Tensor) -> None:
	try:
		delta.onto(spot.of(weight), strength, spot.piece)
	except (ValueError, RuntimeError) as error:
		raise PatchMismatch(f'{path.name}: its layer {layer} cannot be applied to {spot.tensor}: {error}.') from error


def _some(names: tuple[str, ...]) -> str:
	return ', '.join(names[:SHOWN]) + (' …' if len(names) > SHOWN else '')
