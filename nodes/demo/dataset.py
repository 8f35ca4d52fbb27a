"""The scenes the model is trained on, and those it never sees: combinations kept back for the evaluation."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import permutations
from typing import TypeVar

import numpy as np

from nodes.demo.pictures import PALETTE, PLACES, SHAPES, SIZES, Pixels, Scene, Thing, draw, inside, place_thing

T = TypeVar('T')
Combination = tuple[str, str, str]
"""Colour of the object, colour of the backdrop, shape."""

HELD_BACK = 200
PAIR_SHARE = 0.25
_SPLIT_SEED = 2024
_JITTER = 0.02
_EMPTY_SHARE = 0.03
_CENTRAL_SHARE = 0.2
_PAIR_SIZES = (('small', 'small'), ('small', 'medium'), ('medium', 'small'))
_APART = 0.4
"""Two things stand at places at least this far from each other along one axis."""


@cache
def held_back() -> tuple[Combination, ...]:
	"""The combinations no training scene has, in a fixed order: 200 of 792."""
	every = [(color, back, shape) for color, back in permutations(PALETTE, 2) for shape in SHAPES]
	order = np.random.default_rng(_SPLIT_SEED).permutation(len(every))
	return tuple(every[index] for index in order[:HELD_BACK])


def held_back_scenes(count: int, *, plain: bool = False) -> list[Scene]:
	"""Scenes of held-back combinations, each exactly at its place and in the middle of its size; the same ones every time.

	The combinations come round again after 200, with other sizes and places.
	`plain` ones are of medium size and in the center, so that their prompts name colours and shape only.
	"""
	return _exact_scenes(held_back(), count, _SPLIT_SEED + 1, plain=plain)


def seen_scenes(count: int) -> list[Scene]:
	"""Scenes such as `held_back_scenes` gives, but of combinations that training has shown, for comparison."""
	known = training_combinations()
	order = np.random.default_rng(_SPLIT_SEED + 3).permutation(len(known))
	return _exact_scenes([known[index] for index in order], count, _SPLIT_SEED + 4)


def pair_scenes(count: int) -> list[Scene]:
	"""Scenes of two things, both of held-back combinations, exactly at their places; the same ones every time."""
	random = np.random.default_rng(_SPLIT_SEED + 2)
	scenes = []
	for _ in range(count):
		(shape, color, size, place), back, (shape2, color2, size2, place2) = _pair(held_back(), random)
		scenes.append(Scene(back, place_thing(shape, color, size, place), place_thing(shape2, color2, size2, place2)))
	return scenes


def training_scene(random: np.random.Generator, pairs: float = PAIR_SHARE) -> Scene:
	"""A scene of combinations that are not kept back, with some chance in place and size; a share of `pairs` shows two things."""
	kind = random.random()
	if kind < pairs:
		first, back, second = _pair(training_combinations(), random)
		return Scene(back, _shifted(*first, random), _shifted(*second, random))
	color, back, shape = _one_of(training_combinations(), random)
	if kind > 1 - _EMPTY_SHARE:
		return Scene(back)
	size = _one_of(tuple(SIZES), random)
	place = 'center' if random.random() < _CENTRAL_SHARE else _one_of(tuple(PLACES), random)
	return Scene(back, _shifted(shape, color, size, place, random))


def training_scenes(seed: int) -> Iterator[tuple[Scene, Pixels]]:
	"""Endless scenes with their pictures, uint8 (128, 128, 3); the same for the same seed."""
	random = np.random.default_rng(seed)
	while True:
		scene = training_scene(random)
		yield scene, draw(scene)


@cache
def training_combinations() -> tuple[Combination, ...]:
	"""All but the ones that are kept back."""
	back = set(held_back())
	every = ((color, backdrop, shape) for color, backdrop in permutations(PALETTE, 2) for shape in SHAPES)
	return tuple(combination for combination in every if combination not in back)


def _exact_scenes(combinations: Sequence[Combination], count: int, seed: int, *, plain: bool = False) -> list[Scene]:
	random = np.random.default_rng(seed)
	scenes = []
	for index in range(count):
		color, back, shape = combinations[index % len(combinations)]
		size, place = _one_of(tuple(SIZES), random), _one_of(tuple(PLACES), random)
		if plain:
			size, place = 'medium', 'center'
		scenes.append(Scene(back, place_thing(shape, color, size, place)))
	return scenes


Words = tuple[str, str, str, str]
"""Shape, colour, size and place of a thing."""


def _pair(combinations: Sequence[Combination], random: np.random.Generator) -> tuple[Words, str, Words]:
	"""Two things of different colours and the backdrop between them; one at least is small, so that they never touch."""
	color, back, shape = _one_of(combinations, random)
	others = [(other, form) for other, behind, form in combinations if behind == back and other != color]
	other, form = _one_of(others, random)
	first, second = _one_of(_place_pairs(), random)
	size, size2 = _one_of(_PAIR_SIZES, random)
	return (shape, color, size, first), back, (form, other, size2, second)


@cache
def _place_pairs() -> tuple[tuple[str, str], ...]:
	def apart(first: str, second: str) -> float:
		return max(abs(a - b) for a, b in zip(PLACES[first], PLACES[second], strict=True))

	return tuple(pair for pair in permutations(PLACES, 2) if apart(*pair) > _APART)


def _shifted(shape: str, color: str, size: str, place: str, random: np.random.Generator) -> Thing:
	"""A thing about at its place and of about its size."""
	x, y = PLACES[place]
	shift_x, shift_y = random.uniform(-_JITTER, _JITTER, 2).tolist()
	radius = float(random.uniform(*SIZES[size]))
	return Thing(shape, color, size, place, inside(x + shift_x, radius), inside(y + shift_y, radius), radius)


def _one_of(choices: Sequence[T], random: np.random.Generator) -> T:
	return choices[int(random.integers(len(choices)))]
