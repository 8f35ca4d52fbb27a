"""The model as it is shipped, through the product's own loader, text encoder, sampler and decoder."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nodes.demo.evaluate import MODEL, SIDE, Demo, Settings, contact_sheet, load_demo, make_picture
from nodes.demo.judge import ASPECTS, backdrop_color, judge_picture, read_picture
from nodes.demo.pictures import Scene, Thing, draw, place_thing
from nodes.diffusion.sample import sample
from nodes.values import Images, Latent

FAST = Settings(steps=12)


@pytest.fixture(scope='module')
def demo() -> Demo:
	return load_demo()


class TestFile:
	def test_is_small_enough_for_the_repository(self) -> None:
		assert MODEL.stat().st_size <= 7_000_000


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


class TestShapes:
	@pytest.mark.parametrize(
		('words', 'scene'),
		[
			('a small red star on the left on a white background', place_thing('star', 'red', 'small', 'left')),
			('a large blue circle on a white background', place_thing('circle', 'blue', 'large')),
			('a green square on the right on a white background', place_thing('square', 'green', place='right')),
			('a large black cross on a white background', place_thing('cross', 'black', 'large')),
		],
	)
	def test_shape_size_and_place_of_a_prompt_are_obeyed(self, demo: Demo, words: str, scene: Thing) -> None:
		picture = make_picture(demo, words, seed=1, settings=FAST)

		assert judge_picture(picture, Scene('white', scene)) == dict.fromkeys(ASPECTS, True)

	def test_each_of_two_things_has_its_own_colour(self, demo: Demo) -> None:
		left, right = place_thing('circle', 'red', 'small', 'left'), place_thing('square', 'blue', 'small', 'right')
		words = 'a small red circle on the left and a small blue square on the right on a white background'
		verdict = judge_picture(make_picture(demo, words, seed=1, settings=FAST), Scene('white', left, right))

		assert verdict['back']
		assert verdict['color']


class TestInpainting:
	def test_only_what_the_mask_frees_is_drawn_anew(self, demo: Demo) -> None:
		"""A blue square is put beside a red circle; what is outside the mask stays as it was."""
		circle = place_thing('circle', 'red', 'small', 'left')
		square = place_thing('square', 'blue', 'small', 'right')
		drawn = torch.from_numpy(draw(Scene('white', circle)))[None].float() / 255
		mask = torch.zeros(1, SIDE, SIDE)
		mask[:, :, SIDE // 2 :] = 1
		latent = replace(demo.vae.encode(Images(drawn)), noise_mask=mask)
		words = 'a small red circle on the left and a small blue square on the right on a white background'
		samples = sample(
			demo.model,
			seed=1,
			steps=12,
			cfg=4,
			sampler='euler',
			scheduler='normal',
			positive=demo.text.encode(words),
			negative=demo.text.encode(''),
			latent=latent,
		)
		pixels = demo.vae.decode(Latent(samples)).pixels[0]
		picture = np.asarray((pixels * 255).round().byte().numpy())

		torch.testing.assert_close(samples[..., :7], latent.samples[..., :7], atol=1e-3, rtol=1e-3)
		assert judge_picture(picture, Scene('white', circle, square))['color']


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
