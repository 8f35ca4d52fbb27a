"""Prompts made ready for a run: what the network hears of each, and where, when and how much it counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from engine.errors import BadInput
from nodes.values import NO_SCENE, Area, Conditioning, DiffusionModel, ModelInputs, Prompt, Scene, Scope

T = TypeVar('T')
EDGE = 8
"""Latent values over which an area fades out towards others; at most a quarter of its side."""
SMALLEST = 8
"""An area found from a mask is at least so large."""


@dataclass(frozen=True)
class Box:
	"""A rectangle in latent values."""

	height: int
	width: int
	y: int
	x: int

	def cut(self, latent: Tensor) -> Tensor:
		"""The part of [batch, …, h, w] that is in it."""
		return latent[..., self.y : self.y + self.height, self.x : self.x + self.width]

	def holds(self, other: Box) -> bool:
		"""Whether the other is inside of it."""
		return (
			other.y >= self.y
			and other.x >= self.x
			and other.y + other.height <= self.y + self.height
			and other.x + other.width <= self.x + self.width
		)


@dataclass(frozen=True, eq=False)
class Part:
	"""A prompt that is ready: its inputs as a batch of one; `box` None is all; it counts at sigmas from `low` to `high`.

	`weight` is what its guess is multiplied by: a number, or [batch or 1, 1, h, w] of its box.
	"""

	inputs: ModelInputs
	box: Box | None
	weight: Tensor | float
	high: float
	low: float

	def counts(self, sigma: float) -> bool:
		"""Whether it counts at a sigma."""
		return self.low <= sigma <= self.high

	def places(self, latent: Tensor) -> int:
		"""The places of a latent [batch, …, h, w] that it is about, in the whole batch."""
		size = _size(self.box) if self.box is not None else latent.shape[-2] * latent.shape[-1]
		return len(latent) * size


def prepare(
	model: DiffusionModel, sides: Sequence[Conditioning], latent: Tensor, scene: Scene = NO_SCENE
) -> list[list[Part]]:
	"""The parts of each side, for latents [batch, channels, …, h, w] in the model's scale; all but the first are negative.

	An area on one side gets its like on all others: what is asked for there by the smallest area around it, with the
	controls and phrases in places of the first, so that guidance compares like with like. Raises `BadInput` for an area that
	begins outside of the latent, and for masks that do not go into the batch.
	"""
	ready = [
		[_part(model, prompt, latent, replace(scene, negative=index > 0)) for prompt in side.prompts]
		for index, side in enumerate(sides)
	]
	for side in ready:
		for part in side:
			for other in ready:
				if other is not side:
					_match(other, part)
	return _shared(ready)


def box_size(scope: Scope, height: int, width: int) -> tuple[int, int]:
	"""Height and width of the part of a latent of this size that a prompt with such a scope is alone with."""
	if scope.area is None:
		return height, width
	box = _box(scope.area, height, width)
	return min(box.height, height - box.y), min(box.width, width - box.x)


def _part(model: DiffusionModel, prompt: Prompt, latent: Tensor, scene: Scene) -> Part:
	scope = prompt.scope
	height, width = latent.shape[-2:]
	box = None if scope.area is None else _box(scope.area, height, width)
	mask = None
	if scope.mask is not None:
		mask = scope.mask.float()[:, None]
		if mask.shape[-2:] != (height, width):
			mask = torch.nn.functional.interpolate(mask, (height, width), mode='bilinear')
		mask = mask[: len(latent)]
		if scope.mask_bounds:
			box = _bounds(mask)
	if box is not None:
		for name, first, side in (('x', box.x, width), ('y', box.y, height)):
			if first >= side:
				raise BadInput(name, f'an area that begins inside the latent, below {side}', f'{first} latent values')
		box = replace(box, height=min(box.height, height - box.y), width=min(box.width, width - box.x))
	levels = model.parametrisation
	return Part(
		model.inputs(prompt, latent, scene),
		box,
		_weight(scope, mask, box, (height, width), latent),
		levels.at(scope.start) if scope.start > 0 else math.inf,
		levels.at(scope.end) if scope.end < 1 else -math.inf,
	)


def _box(area: Area, height: int, width: int) -> Box:
	if not area.relative:
		return Box(int(area.height), int(area.width), int(area.y), int(area.x))
	return Box(
		max(1, round(area.height * height)),
		max(1, round(area.width * width)),
		round(area.y * height),
		round(area.x * width),
	)


def _bounds(mask: Tensor) -> Box:
	"""What a mask [batch, 1, h, w] covers, at least 8 by 8."""
	rows, columns = torch.where((mask != 0).any(dim=0)[0])
	if not len(rows):
		return Box(SMALLEST, SMALLEST, 0, 0)
	top, left = int(rows.min()), int(columns.min())
	return Box(
		max(SMALLEST, int(rows.max()) - top + 1),
		max(SMALLEST, int(columns.max()) - left + 1),
		top,
		left,
	)


def _weight(
	scope: Scope, mask: Tensor | None, box: Box | None, size: tuple[int, int], latent: Tensor
) -> Tensor | float:
	"""The weight of each place of the box. An area without a mask fades out at those edges that are not the picture's."""
	if mask is not None:
		inside = mask if box is None else box.cut(mask)
		if len(latent) % len(inside):
			raise BadInput('mask', f'as many masks as divide {len(latent)} latents', f'{len(inside)}')
		return inside.repeat(len(latent) // len(inside), 1, 1, 1).to(latent) * scope.mask_strength * scope.strength
	if box is None:
		return scope.strength
	height, width = size
	rows = _faded(box.height, box.y > 0, box.y + box.height < height, latent)
	columns = _faded(box.width, box.x > 0, box.x + box.width < width, latent)
	return (scope.strength * rows[:, None] * columns)[None, None]


def _faded(length: int, first: bool, last: bool, like: Tensor) -> Tensor:
	"""1, rising from the first and falling to the last place where an end fades."""
	weights = torch.ones(length, dtype=like.dtype, device=like.device)
	edge = min(EDGE, length // 4)
	ramp = torch.arange(1, edge + 1, dtype=like.dtype, device=like.device) / max(edge, 1)
	if first:
		weights[:edge] *= ramp
	if last and edge:
		weights[-edge:] *= ramp.flip(0)
	return weights


def _match(side: list[Part], part: Part) -> None:
	"""Give a side a part of the same box, that hears what the smallest box around it does; what steers it is the part's."""
	if part.box is None:
		return
	around: Part | None = None
	for other in side:
		if other.box is None:
			around = around or other
		elif other.box.holds(part.box) and (
			around is None or around.box is None or _size(around.box) > _size(other.box)
		):
			around = other
	if around is not None and around.box != part.box:
		own = part.inputs
		inputs = replace(around.inputs, controls=own.controls, objects=own.objects, fusing=own.fusing)
		side.append(replace(part, inputs=inputs))


def _size(box: Box) -> int:
	return box.height * box.width


def _shared(sides: list[list[Part]]) -> list[list[Part]]:
	"""The same, where inputs that are equal are one object, so that they are looked at once."""
	known: list[ModelInputs] = []

	def one(inputs: ModelInputs) -> ModelInputs:
		same = next((other for other in known if equal(other, inputs)), None)
		if same is None:
			known.append(inputs)
		return same or inputs

	return [[replace(part, inputs=one(part.inputs)) for part in side] for side in sides]


def equal(one: T, other: T) -> bool:
	"""Whether two dataclasses of one kind are alike field by field, tensors by their values."""
	return one is other or all(
		_same(getattr(one, field.name), getattr(other, field.name)) for field in fields(cast(Any, one))
	)


def _same(one: object, other: object) -> bool:
	if isinstance(one, Tensor) and isinstance(other, Tensor):
		return one.shape == other.shape and torch.equal(one, other)
	if isinstance(one, tuple) and isinstance(other, tuple):
		return len(one) == len(other) and all(map(_same, one, other))
	return one is other or (one == other and not isinstance(one, Tensor) and not isinstance(other, Tensor))
