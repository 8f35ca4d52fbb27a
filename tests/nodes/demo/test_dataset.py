from itertools import islice

import numpy as np

from nodes.demo.captions import prompt, with_article
from nodes.demo.dataset import held_back, held_back_scenes, pair_scenes, seen_scenes, training_scene, training_scenes
from nodes.demo.pictures import PALETTE, Scene


def combinations(scene: Scene) -> list[tuple[str, str, str]]:
	return [(thing.color, scene.back, thing.shape) for thing in scene.things]


class TestSplit:
	def test_no_training_scene_has_a_combination_that_is_kept_back(self) -> None:
		random = np.random.default_rng(0)
		seen = {one for _ in range(4000) for one in combinations(training_scene(random))}

		assert not seen & set(held_back())

	def test_every_test_scene_has_one_of_its_own(self) -> None:
		scenes = held_back_scenes(200)

		assert [one for scene in scenes for one in combinations(scene)] == list(held_back())

	def test_pairs_are_of_kept_back_combinations_and_stand_apart(self) -> None:
		for scene in pair_scenes(50):
			first, second = scene.things

			assert set(combinations(scene)) <= set(held_back())
			assert first.color != second.color
			assert max(abs(first.x - second.x), abs(first.y - second.y)) > first.radius + second.radius

	def test_what_is_asked_for_comparison_has_been_trained(self) -> None:
		seen = {one for scene in seen_scenes(300) for one in combinations(scene)}

		assert not seen & set(held_back())

	def test_every_colour_is_trained_and_tested_in_both_roles(self) -> None:
		for color in PALETTE:
			assert any(color == kept for kept, _, _ in held_back())
			assert any(color == back for _, back, _ in held_back())

		random = np.random.default_rng(1)
		seen = [scene for scene in (training_scene(random) for _ in range(1000)) if scene.thing is not None]

		assert {scene.thing.color for scene in seen if scene.thing} == set(PALETTE)
		assert {scene.back for scene in seen} == set(PALETTE)

	def test_plain_scenes_name_colours_and_shape_only(self) -> None:
		scene = held_back_scenes(1, plain=True)[0]
		thing = scene.thing

		assert thing is not None
		assert (
			prompt(scene) == f'{with_article(f"{thing.color} {thing.shape}")} on {with_article(scene.back)} background'
		)

	def test_the_split_is_the_same_every_time(self) -> None:
		assert held_back_scenes(5) == held_back_scenes(200)[:5]


class TestTrainingScenes:
	def test_the_same_seed_gives_the_same_pictures(self) -> None:
		first, second = (list(islice(training_scenes(3), 5)) for _ in range(2))

		for (scene, picture), (other, same) in zip(first, second, strict=True):
			assert scene == other
			assert (picture == same).all()

	def test_some_scenes_are_bare(self) -> None:
		random = np.random.default_rng(2)
		bare = sum(training_scene(random).thing is None for _ in range(2000))

		assert 30 < bare < 100

	def test_some_scenes_show_two_things(self) -> None:
		random = np.random.default_rng(3)
		pairs = sum(training_scene(random).other is not None for _ in range(1000))

		assert 200 < pairs < 300
