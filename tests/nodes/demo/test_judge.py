from itertools import permutations

import numpy as np
import pytest

from nodes.demo.dataset import held_back_scenes
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
		assert reading.extent == pytest.approx(0.31, abs=0.02)
		assert reading.noise < 0.5

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

	def test_each_aspect_is_judged_by_itself(self) -> None:
		picture = draw(Scene('blue', place_thing('star', 'yellow', 'large')))

		verdict = judge_picture(picture, Scene('blue', place_thing('circle', 'yellow', 'small', 'left')))

		assert verdict == {'back': True, 'color': True, 'shape': False, 'place': False, 'size': False}

	def test_a_picture_with_nothing_on_it_obeys_only_in_its_backdrop(self) -> None:
		verdict = judge_picture(draw(Scene('pink')), Scene('pink', place_thing('heart', 'red')))

		assert verdict == {'back': True, 'color': False, 'shape': False, 'place': False, 'size': False}
