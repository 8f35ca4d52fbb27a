import numpy as np
import pytest

from nodes.demo.pictures import PALETTE, PLACES, SHAPES, SIZES, Scene, distance, draw, place_thing


class TestDraw:
	def test_a_bare_scene_is_one_flat_colour(self) -> None:
		picture = draw(Scene('orange'), 32)

		assert picture.shape == (32, 32, 3)
		assert picture.dtype == np.uint8
		assert (picture == PALETTE['orange']).all()

	@pytest.mark.parametrize('shape', SHAPES)
	def test_the_middle_has_the_colour_of_the_thing_and_the_corner_that_of_the_backdrop(self, shape: str) -> None:
		picture = draw(Scene('black', place_thing(shape, 'yellow')))

		assert tuple(picture[64, 64]) == PALETTE['yellow']
		assert tuple(picture[0, 0]) == PALETTE['black']

	def test_edges_are_smooth(self) -> None:
		values = np.unique(draw(Scene('black', place_thing('circle', 'white')))[..., 0])

		assert len(values) > 10

	@pytest.mark.parametrize('place', PLACES)
	def test_small_and_medium_things_lie_wholly_in_the_picture(self, place: str) -> None:
		for shape in SHAPES:
			picture = draw(Scene('white', place_thing(shape, 'black', 'medium', place)))
			rim = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])

			assert (rim == PALETTE['white']).all()

	def test_sizes_do_not_overlap(self) -> None:
		bounds = [bound for size in ('small', 'medium', 'large') for bound in SIZES[size]]

		assert bounds == sorted(bounds)

	def test_an_unknown_shape_is_an_error(self) -> None:
		with pytest.raises(KeyError, match='no shape named'):
			distance('banana', np.zeros(1, dtype=np.float32), np.zeros(1, dtype=np.float32))
