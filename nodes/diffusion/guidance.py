"""Guidance: one guess from the guesses for several prompts, each with its place and time."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import torch
from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion.hooks import Look
from nodes.diffusion.scopes import Box, Part, prepare
from nodes.values import NO_SCENE, Conditioning, DiffusionModel, ModelInputs, Scene

NOTHING = 1e-37
"""What a place's weights begin with, so that a place that no prompt counts at comes out as 0."""


class Guided(Protocol):
	"""A model that is steered: what samplers look at, but for masks."""

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""The guided guess of the clean latent; sigma is without dimensions."""
		...

	def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
		"""The guided guess, and that of the side which guidance leads away from (0 if there is none)."""
		...


class Sides:
	"""A model with its prompts, side by side, ready for a run over latents of one shape.

	With `places`, a pass of the network is over no more places of latents (batch · height · width) than that, as far as
	prompts can be told apart: memory may be short.
	"""

	def __init__(
		self,
		model: DiffusionModel,
		sides: Sequence[Conditioning],
		latent: Tensor,
		scene: Scene = NO_SCENE,
		places: int | None = None,
	) -> None:
		self.model = model
		self._parts = prepare(model, sides, latent, scene)
		self.count = len(sides)
		self._groups: dict[tuple[int, ...], list[_Group]] = {}
		self._places = sys.maxsize if places is None else places

	def guesses(
		self, x: Tensor, sigma: Tensor, wanted: Sequence[int], *, model: DiffusionModel | None = None
	) -> list[Tensor]:
		"""The guess of each side that is asked for by its number.

		A side's guess is the mean of its prompts' by their weights; where none counts it is 0.
		"""
		level = float(sigma)
		counting = [[part for part in self._parts[side] if part.counts(level)] for side in wanted]
		known = self._look(model or self.model, x, sigma, [part for parts in counting for part in parts])
		return [_joined_guess(x, parts, known) for parts in counting]

	def _look(self, model: DiffusionModel, x: Tensor, sigma: Tensor, parts: Sequence[Part]) -> dict[_Key, Tensor]:
		"""What the network guesses for each of the inputs and boxes; those of one shape share a batch."""
		key = tuple(map(id, parts))
		if key not in self._groups:
			self._groups[key] = _grouped(parts)
		known: dict[_Key, Tensor] = {}
		for group in self._groups[key]:
			for part, guess in zip(group.parts, self._batched(model, x, sigma, group), strict=True):
				known[_key(part)] = guess
		return known

	def _batched(self, model: DiffusionModel, x: Tensor, sigma: Tensor, group: _Group) -> list[Tensor]:
		"""One guess per part, in as few passes as there is room for; if memory runs out, in more, then and from now on."""
		while True:
			each = group.parts[0].places(x)
			together = max(1, min(self._places // each, len(group.parts)))
			try:
				return [guess for some in group.cut(together) for guess in some.guesses(model, x, sigma)]
			except torch.OutOfMemoryError:
				if together == 1:
					raise
				self._places = each * (-(-together // 2))


@dataclass(frozen=True, eq=False)
class Cfg:
	"""Classifier-free guidance (Ho and Salimans 2022): unwanted + (wanted − unwanted) · cfg.

	The sides are the positive and the negative one. With cfg 1 the negative one is not computed, unless a hook of the model
	or CFG++ asks for it.
	"""

	sides: Sides
	cfg: float
	negative: bool = True

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""See `Guided`."""
		return self._guided(x, sigma, both=self.sides.model.hooks.both_sides)[0]

	def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
		"""See `Guided`."""
		return self._guided(x, sigma, both=True)

	def _guided(self, x: Tensor, sigma: Tensor, *, both: bool) -> tuple[Tensor, Tensor]:
		if self.negative and (both or not math.isclose(self.cfg, 1.0)):
			wanted, unwanted = self.sides.guesses(x, sigma, (0, 1))
		else:
			(wanted,) = self.sides.guesses(x, sigma, (0,))
			unwanted = torch.zeros_like(wanted)
		return combined(self.sides, x, sigma, wanted, unwanted, self.cfg)


@dataclass(frozen=True, eq=False)
class TwoModels:
	"""Classifier-free guidance whose unwanted guess another model makes; both have the sides positive and negative.

	The other one's guess is not computed with cfg 1, unless a hook of the model or CFG++ asks for it.
	"""

	sides: Sides
	others: Sides
	cfg: float

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""See `Guided`."""
		return self._guided(x, sigma, both=self.sides.model.hooks.both_sides)[0]

	def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
		"""See `Guided`."""
		return self._guided(x, sigma, both=True)

	def _guided(self, x: Tensor, sigma: Tensor, *, both: bool) -> tuple[Tensor, Tensor]:
		(wanted,) = self.sides.guesses(x, sigma, (0,))
		unwanted = torch.zeros_like(wanted)
		if both or not math.isclose(self.cfg, 1.0):
			(unwanted,) = self.others.guesses(x, sigma, (1,))
		return combined(self.sides, x, sigma, wanted, unwanted, self.cfg)


@dataclass(frozen=True, eq=False)
class DualCfg:
	"""Guidance over two stretches; the sides are positive, middle, negative (Brooks et al. 2023, InstructPix2Pix).

	`cfg` is the strength from middle to positive, `cfg_middle` from negative to middle. If `nested`, guidance from
	middle to positive comes first, and then from negative to its result.
	"""

	sides: Sides
	cfg: float
	cfg_middle: float
	nested: bool

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""See `Guided`."""
		return self.apart(x, sigma)[0]

	def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
		"""See `Guided`."""
		if self.nested:
			positive, middle, negative = self.sides.guesses(x, sigma, (0, 1, 2))
			inner, unguided = combined(self.sides, x, sigma, positive, middle, self.cfg, sides_of=(0, 1))
			return negative + (inner - negative) * self.cfg_middle, unguided
		needed = [0]
		if (
			not (math.isclose(self.cfg_middle, 1.0) and math.isclose(self.cfg, 1.0))
			or self.sides.model.hooks.both_sides
		):
			needed.append(1)
		if not math.isclose(self.cfg_middle, 1.0) or self.sides.model.hooks.both_sides:
			needed.append(2)
		found = dict(zip(needed, self.sides.guesses(x, sigma, needed), strict=True))
		nothing = torch.zeros_like(x)
		middle, negative = found.get(1, nothing), found.get(2, nothing)
		outer, unguided = combined(self.sides, x, sigma, middle, negative, self.cfg_middle, sides_of=(1, 2))
		return outer + (found[0] - middle) * self.cfg, unguided


@dataclass(frozen=True, eq=False)
class PerpNeg:
	"""Guidance away only from what of the negative side is at right angles to the positive one.

	The sides are positive, negative, empty (Armandpour et al. 2023, "Re-imagine the Negative Prompt Algorithm").
	"""

	sides: Sides
	cfg: float
	negative_scale: float

	def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
		"""See `Guided`."""
		return self.apart(x, sigma)[0]

	def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
		"""See `Guided`."""
		positive, negative, empty = self.sides.guesses(x, sigma, (0, 1, 2))
		guided = perpendicular(positive, negative, empty, self.cfg, self.negative_scale)
		look = _look(self.sides, x, sigma, positive, negative, self.cfg, (0, 1))
		for hook in self.sides.model.hooks.after:
			guided = hook(look, guided)
		return guided, empty


def perpendicular(positive: Tensor, negative: Tensor, empty: Tensor, cfg: float, scale: float) -> Tensor:
	"""Perp-Neg of three guesses. All values of the batch make one vector, as in ComfyUI."""
	wanted, unwanted = positive - empty, negative - empty
	along: Tensor = (unwanted * wanted).sum() / torch.linalg.vector_norm(wanted) ** 2 * wanted
	guided: Tensor = empty + cfg * (wanted - scale * (unwanted - along))
	return guided


def combined(
	sides: Sides,
	x: Tensor,
	sigma: Tensor,
	wanted: Tensor,
	unwanted: Tensor,
	cfg: float,
	*,
	sides_of: tuple[int, int] = (0, 1),
) -> tuple[Tensor, Tensor]:
	"""Two guesses as one, by classifier-free guidance and the model's hooks; and the unwanted one as hooks left it."""
	hooks = sides.model.hooks
	look = _look(sides, x, sigma, wanted, unwanted, cfg, sides_of)
	for before in hooks.before:
		look = before(look)
	if hooks.combine is not None:
		guided = hooks.combine(look)
	else:
		# A side alone is not guided, whatever a hook says.
		guided = look.unwanted + (look.wanted - look.unwanted) * (look.cfg if sides.count > 1 else cfg)
	for after in hooks.after:
		guided = after(look, guided)
	return guided, look.unwanted


def _look(
	sides: Sides, x: Tensor, sigma: Tensor, wanted: Tensor, unwanted: Tensor, cfg: float, numbers: tuple[int, int]
) -> Look:
	def again(model: Any, *, x: Tensor | None = None, positive: bool = True) -> Tensor:
		if not positive and sides.count < 2:
			raise NodeUsage('A setting of the model wants a negative side, and it is steered by a positive one alone.')
		(guess,) = sides.guesses(here if x is None else x, sigma, (numbers[0 if positive else 1],), model=model)
		return guess

	here = x
	return Look(x, sigma, wanted, unwanted, cfg, sides.model, again)


_Key = tuple[int, Box | None]


def _key(part: Part) -> _Key:
	"""What must be alike for two parts to have the same guess: equal inputs are one object in a run."""
	return id(part.inputs), part.box


def _joined_guess(x: Tensor, parts: Sequence[Part], known: dict[_Key, Tensor]) -> Tensor:
	if len(parts) == 1 and parts[0].box is None and not isinstance(parts[0].weight, Tensor) and parts[0].weight:
		return known[_key(parts[0])]
	total = torch.zeros_like(x)
	weights = torch.full_like(x, NOTHING)
	for part in parts:
		guess = known[_key(part)]
		if part.box is None:
			total += guess * part.weight
			weights += part.weight
		else:
			part.box.cut(total).add_(guess * part.weight)
			part.box.cut(weights).add_(part.weight)
	return total / weights


class _Group:
	"""Parts that share a batch. What the network hears of them is laid together once for a run."""

	def __init__(self, parts: Sequence[Part]) -> None:
		self.parts = parts
		self._inputs: ModelInputs | None = None
		self._cuts: dict[int, list[_Group]] = {}

	def cut(self, together: int) -> list[_Group]:
		"""The same parts in as few groups as have no more than so many, each about as large; itself if that is one."""
		count = -(-len(self.parts) // together)
		if count == 1:
			return [self]
		if count not in self._cuts:
			bounds = [index * len(self.parts) // count for index in range(count + 1)]
			self._cuts[count] = [_Group(self.parts[start:stop]) for start, stop in itertools.pairwise(bounds)]
		return self._cuts[count]

	def guesses(self, model: DiffusionModel, x: Tensor, sigma: Tensor) -> list[Tensor]:
		"""The guess for each part, in one call of the network."""
		if self._inputs is None:
			self._inputs = _mapped(
				[_repeated(_cut(part), len(x)) for part in self.parts],
				torch.cat,
				prompts=len(self.parts),
				mark=object(),
			)
		batch = torch.cat([x if part.box is None else part.box.cut(x) for part in self.parts])
		return list(model.denoise(batch, sigma.expand(len(batch)), self._inputs).chunk(len(self.parts)))


def _grouped(parts: Sequence[Part]) -> list[_Group]:
	"""Parts of one shape together, without those that are asked for already."""
	shapes: list[list[object]] = []
	groups: list[list[Part]] = []
	for part in {_key(part): part for part in parts}.values():
		shape = _shape(part)
		if shape not in shapes:
			shapes.append(shape)
			groups.append([])
		groups[shapes.index(shape)].append(part)
	return [_Group(group) for group in groups]


def _cut(part: Part) -> ModelInputs:
	"""Inputs that are pictures, cut to the part's box."""
	box = part.box
	if box is None or part.inputs.concat is None:
		return part.inputs
	return _mapped([part.inputs], lambda tensors: tensors[0], concat=box.cut(part.inputs.concat))


def _shape(part: Part) -> list[object]:
	"""What must be alike in parts that go in one batch."""
	inputs = _cut(part)
	values = (getattr(inputs, field.name) for field in fields(inputs))
	size = None if part.box is None else (part.box.height, part.box.width)
	return [size] + [
		[one.shape for one in value] if isinstance(value, tuple) else getattr(value, 'shape', value) for value in values
	]


def _repeated(inputs: ModelInputs, size: int) -> ModelInputs:
	"""A batch of one, or of another size, as a batch of so many."""

	def grown(tensors: list[Tensor]) -> Tensor:
		(tensor,) = tensors
		if len(tensor) == 1:
			return tensor.expand(size, *tensor.shape[1:])
		return tensor.repeat(-(-size // len(tensor)), *[1] * (tensor.dim() - 1))[:size]

	return _mapped([inputs], grown)


def _mapped(batches: Sequence[ModelInputs], join: Callable[[list[Tensor]], Tensor], **changes: object) -> ModelInputs:
	"""Field by field, the tensors of all batches joined."""
	first = batches[0]
	joined: dict[str, Any] = {}
	for field in fields(first):
		value = getattr(first, field.name)
		if isinstance(value, tuple):
			joined[field.name] = tuple(
				join([getattr(batch, field.name)[index] for batch in batches]) for index in range(len(value))
			)
		elif isinstance(value, Tensor):
			joined[field.name] = join([getattr(batch, field.name) for batch in batches])
		else:
			joined[field.name] = value
	return ModelInputs(**(joined | changes))
