"""The scenes the model is trained on, and those it never sees: combinations kept back for the evaluation."""

from collections.abc import Iterator
from functools import cache
from itertools import permutations

import numpy as np

from nodes.demo.pictures import PALETTE, PLACES, SHAPES, SIZES, Pixels, Scene, Thing, draw, place_thing

Combination = tuple[str, str, str]
"""Colour of the object, colour of the backdrop, shape."""

HELD_BACK = 200
_SPLIT_SEED = 2024
_JITTER = 0.03
_EMPTY_SHARE = 0.04


@cache
def held_back() -> tuple[Combination, ...]:
	"""The combinations no training scene has, in a fixed order: 200 of 792."""
	every = [(color, back, shape) for color, back in permutations(PALETTE, 2) for shape in SHAPES]
	order = np.random.default_rng(_SPLIT_SEED).permutation(len(every))
	return tuple(every[index] for index in order[:HELD_BACK])


def held_back_scenes(count: int, *, plain: bool = False) -> list[Scene]:
	"""Scenes of held-back combinations, each exactly at its place and in the middle of its size; the same ones every time.

	`plain` ones are of medium size and in the center, so that their prompts name colours and shape only.
	"""
	random = np.random.default_rng(_SPLIT_SEED + 1)
	scenes = []
	for color, back, shape in held_back()[:count]:
		size = str(random.choice(tuple(SIZES)))
		place = 'center' if size == 'large' else str(random.choice(tuple(PLACES)))
		if plain:
			size, place = 'medium', 'center'
		scenes.append(Scene(back, place_thing(shape, color, size, place)))
	return scenes


def training_scene(random: np.random.Generator) -> Scene:
	"""A scene of a combination that is not kept back, with a little chance in its place and size."""
	kept = _training_combinations()
	color, back, shape = kept[random.integers(len(kept))]
	if random.random() < _EMPTY_SHARE:
		return Scene(back)
	size = ('small', 'medium', 'medium', 'large')[random.integers(4)]
	central = size == 'large' or random.random() < 0.4
	place = 'center' if central else tuple(PLACES)[random.integers(len(PLACES))]
	x, y = PLACES[place]
	shift_x, shift_y = random.uniform(-_JITTER, _JITTER, 2).tolist()
	radius = float(random.uniform(*SIZES[size]))
	return Scene(back, Thing(shape, color, size, place, x + shift_x, y + shift_y, radius))


def training_scenes(seed: int) -> Iterator[tuple[Scene, Pixels]]:
	"""Endless scenes with their pictures, uint8 (128, 128, 3); the same for the same seed."""
	random = np.random.default_rng(seed)
	while True:
		scene = training_scene(random)
		yield scene, draw(scene)


@cache
def _training_combinations() -> tuple[Combination, ...]:
	back = set(held_back())
	every = ((color, backdrop, shape) for color, backdrop in permutations(PALETTE, 2) for shape in SHAPES)
	return tuple(combination for combination in every if combination not in back)
