from itertools import permutations

import numpy as np
import pytest

from nodes.demo.dataset import held_back_scenes, pair_scenes
from nodes.demo.judge import ASPECTS, backdrop_color, judge_picture, nearest_color, read_picture, score_pictures
from nodes.demo.pictures import PALETTE, SHAPES, Scene, draw, place_thing


class TestReading:
	@pytest.mark.parametrize('shape', SHAPES)
	def test_every_pair_of_colours_is_read_back(self, shape: str) -> None:
		for color, back in permutations(PALETTE, 2):
			reading = read_picture(draw(Scene(back, place_thing(shape, color)), 64))

			assert reading is not None
			assert (reading.color, reading.back, reading.shape) == (color, back, shape)

	def test_place_and_extent_are_fractions_of_the_side(self) -> None:
		reading = read_picture(draw(Scene('white', place_thing('circle', 'red', 'small', 'left'))))

		assert reading is not None
		assert (reading.x, reading.y) == pytest.approx((0.27, 0.5), abs=0.01)
		assert reading.extent == pytest.approx(0.315, abs=0.02)
		assert reading.noise < 0.5

	def test_specks_beside_the_thing_are_told_apart_from_it(self) -> None:
		picture = draw(Scene('yellow', place_thing('square', 'orange', 'small', 'right')))
		clean = read_picture(picture)
		picture[2:4, 60:63] = (250, 135, 20)
		speckled = read_picture(picture)

		assert clean is not None
		assert speckled is not None
		assert (speckled.x, speckled.y, speckled.extent, speckled.shape) == (
			clean.x,
			clean.y,
			clean.extent,
			clean.shape,
		)
		assert clean.stray == 0
		assert speckled.stray == pytest.approx(6 / 128**2)

	def test_nothing_is_read_from_a_bare_backdrop(self) -> None:
		picture = draw(Scene('cyan'))

		assert read_picture(picture) is None
		assert backdrop_color(picture) == 'cyan'

	@pytest.mark.parametrize('color', PALETTE)
	def test_a_colour_a_little_off_is_still_that_colour(self, color: str) -> None:
		off = np.asarray(PALETTE[color], dtype=np.float32) + np.array([15, -15, 15], dtype=np.float32)

		assert nearest_color(off) == color


class TestScores:
	def test_drawn_pictures_obey_in_everything(self) -> None:
		scenes = held_back_scenes(60)

		assert score_pictures([draw(scene) for scene in scenes], scenes) == dict.fromkeys(ASPECTS, 1.0)

	def test_drawn_pairs_obey_in_everything(self) -> None:
		scenes = pair_scenes(60)

		assert score_pictures([draw(scene) for scene in scenes], scenes) == dict.fromkeys(ASPECTS, 1.0)

	def test_a_pair_obeys_when_both_things_do(self) -> None:
		left, right = place_thing('star', 'yellow', place='left'), place_thing('heart', 'red', place='right')
		picture = draw(Scene('blue', left, right))
		wrong = Scene('blue', left, place_thing('cross', 'red', place='right'))

		assert judge_picture(picture, wrong) == {
			'back': True,
			'color': True,
			'shape': False,
			'place': True,
			'size': True,
		}

	def test_a_pair_with_one_thing_missing_does_not_obey(self) -> None:
		left, right = place_thing('star', 'yellow', place='left'), place_thing('heart', 'red', place='right')

		verdict = judge_picture(draw(Scene('blue', left)), Scene('blue', left, right))

		assert verdict == {'back': True, 'color': False, 'shape': False, 'place': False, 'size': False}

	def test_each_aspect_is_judged_by_itself(self) -> None:
		picture = draw(Scene('blue', place_thing('star', 'yellow', 'large')))

		verdict = judge_picture(picture, Scene('blue', place_thing('circle', 'yellow', 'small', 'left')))

		assert verdict == {'back': True, 'color': True, 'shape': False, 'place': False, 'size': False}

	def test_a_picture_with_nothing_on_it_obeys_only_in_its_backdrop(self) -> None:
		verdict = judge_picture(draw(Scene('pink')), Scene('pink', place_thing('heart', 'red')))

		assert verdict == {'back': True, 'color': False, 'shape': False, 'place': False, 'size': False}
