"""The companions as they are shipped, beside the shipped model."""

import numpy as np
import pytest

from nodes.demo.dataset import held_back_scenes
from nodes.demo.evaluate_companions import (
	EDGES_FILE,
	NIGHT_FILE,
	Studio,
	edges_pictures,
	is_night,
	night_pictures,
	night_scenes,
)
from nodes.demo.judge import score_pictures
from nodes.demo.pictures import PALETTE, Scene, draw, place_thing
from nodes.demo.train_companions import draw_night


@pytest.fixture(scope='module')
def studio() -> Studio:
	return Studio()


def test_are_small_together() -> None:
	assert NIGHT_FILE.stat().st_size + EDGES_FILE.stat().st_size <= 3_000_000


class TestNight:
	SCENE = Scene('yellow', place_thing('circle', 'white'))

	def test_drawn_at_night_only_the_backdrop_is_dark(self) -> None:
		picture = draw_night(self.SCENE)

		assert tuple(picture[0, 0]) == PALETTE['black']
		assert (picture[64, 64] == draw(self.SCENE)[64, 64]).all()

	def test_makes_backdrops_dark(self, studio: Studio) -> None:
		night = [is_night(picture) for picture in night_pictures(studio, night_scenes(8))]

		assert np.mean(night) >= 0.75

	def test_strength_nothing_leaves_the_day(self, studio: Studio) -> None:
		assert not is_night(night_pictures(studio, [self.SCENE], strength=0)[0])


class TestEdges:
	def test_place_and_shape_come_from_the_edges(self, studio: Studio) -> None:
		"""The words tell the colours alone: without the edges, place and shape would be right by chance."""
		scenes = held_back_scenes(12)
		verdict = score_pictures(edges_pictures(studio, scenes), scenes)

		assert verdict['place'] >= 0.6
		assert verdict['shape'] >= 0.5
