"""The model as it is shipped, through the product's own loader, text encoder, sampler and decoder."""

import numpy as np
import pytest

from nodes.demo.evaluate import MODEL, SIDE, Demo, Settings, contact_sheet, load_demo, make_picture
from nodes.demo.judge import backdrop_color, read_picture

FAST = Settings(steps=12)


@pytest.fixture(scope='module')
def demo() -> Demo:
	return load_demo()


class TestFile:
	def test_is_small_enough_for_the_repository(self) -> None:
		assert MODEL.stat().st_size <= 6_500_000


class TestColours:
	@pytest.mark.parametrize(
		('words', 'color', 'back'),
		[
			('a green circle on a white background', 'green', 'white'),
			('a red square on a blue background', 'red', 'blue'),
			('yellow star, black background', 'yellow', 'black'),
			('grey background, a pink heart', 'pink', 'gray'),
		],
	)
	def test_both_colours_of_a_prompt_are_obeyed(self, demo: Demo, words: str, color: str, back: str) -> None:
		reading = read_picture(make_picture(demo, words, seed=1, settings=FAST))

		assert reading is not None
		assert (reading.color, reading.back) == (color, back)
		assert reading.noise < 8

	def test_a_short_prompt_is_enough(self, demo: Demo) -> None:
		reading = read_picture(make_picture(demo, 'red circle', seed=1, settings=FAST))

		assert reading is not None
		assert reading.color == 'red'

	def test_a_bare_backdrop_can_be_asked_for(self, demo: Demo) -> None:
		assert backdrop_color(make_picture(demo, 'a blue background', seed=1, settings=FAST)) == 'blue'


class TestSampling:
	def test_the_same_seed_gives_the_same_picture(self, demo: Demo) -> None:
		first, again, other = (make_picture(demo, 'a red circle', seed, Settings(steps=3)) for seed in (1, 1, 2))

		assert (first == again).all()
		assert (first != other).any()

	@pytest.mark.parametrize('sampler', ['dpmpp_2m', 'euler_ancestral'])
	def test_other_samplers_obey_too(self, demo: Demo, sampler: str) -> None:
		picture = make_picture(demo, 'a white cross on a purple background', 3, Settings(steps=12, sampler=sampler))
		reading = read_picture(picture)

		assert reading is not None
		assert (reading.color, reading.back) == ('white', 'purple')


class TestContactSheet:
	def test_has_rows_of_ten(self) -> None:
		sheet = contact_sheet(
			[np.zeros((SIDE, SIDE, 3), dtype=np.uint8)] * 11, ['a red circle on a blue background'] * 11
		)

		assert sheet.width == 10 * (SIDE + 4)
		assert sheet.height > 2 * SIDE
