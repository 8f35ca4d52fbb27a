"""The three lessons on a handful of pictures: each learns, and the denoiser's goes on exactly where it was stopped."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from nodes.demo.captions import ASPECT_WORDS, NOTHING, Caption
from nodes.demo.parts import TEXT_GAIN, decode_latents, encode_pictures, make_text_encoder, make_unet, make_vae
from nodes.demo.pictures import Scene, draw, place_thing
from nodes.demo.run import Plan, Run, resume_run, start_run, train_run
from nodes.demo.train_text import TextLesson, caption_codes
from nodes.demo.train_unet import UnetLesson, judge_models, make_pool, near_things
from nodes.demo.train_vae import DecoderLesson, VaeLesson, draw_pool, freeze_encoder, settle_vae
from nodes.demo.words import Words


@pytest.fixture(scope='module')
def words() -> Words:
	return Words()


def tiny_unet() -> UNet2DConditionModel:
	unet: UNet2DConditionModel = UNet2DConditionModel.from_config(make_unet().config, block_out_channels=(8, 8, 8))
	return unet


class TestDenoiser:
	PLAN = Plan(4, warm=1)

	def run(self) -> Run:
		torch.manual_seed(0)
		return start_run({'unet': tiny_unet()}, {'unet': 1e-3}, seed=1)

	def lesson(self, words: Words, folder: Path) -> UnetLesson:
		torch.manual_seed(0)
		text = make_text_encoder(words.count)
		pool = make_pool(make_vae(), text, words, singles=4, pairs=2, seed=0, path=folder)
		return UnetLesson(pool, self.PLAN, batch=2, half=False)

	def test_two_steps_and_two_more_are_four_steps(self, words: Words, tmp_path: Path) -> None:
		lesson = self.lesson(words, tmp_path)
		whole, resumed = self.run(), self.run()
		train_run(whole, self.PLAN, lesson.loss, tmp_path / 'whole.pt')
		train_run(self.run(), self.PLAN, lesson.loss, tmp_path / 'parts.pt', stop=2)
		resume_run(resumed, tmp_path / 'parts.pt')
		train_run(resumed, self.PLAN, lesson.loss, tmp_path / 'parts.pt')

		for name, value in whole.average.state_dict().items():
			torch.testing.assert_close(value, resumed.average.state_dict()[name], msg=name)

	def test_is_judged_on_pictures_it_samples(self, words: Words) -> None:
		text = make_text_encoder(words.count)
		verdict = judge_models(self.run().average['unet'], text, make_vae(), words, count=2, steps=2)

		aspects = {'back', 'color', 'shape', 'place', 'size'}
		assert set(verdict) == {*aspects, *(f'pair {aspect}' for aspect in aspects), 'score'}
		assert 0 <= verdict['score'] <= 1

	def test_cells_of_the_thing_weigh_more(self) -> None:
		near = near_things([Scene('red'), Scene('red', place_thing('square', 'blue', 'medium', 'left'))])

		assert near.shape == (2, 1, 16, 16)
		assert near[0].sum() == 0
		assert near[1, 0, 8, 4] == pytest.approx(1, abs=0.3)
		assert near[1, 0, 8, 12] == 0

	def test_both_things_of_a_pair_weigh_more(self) -> None:
		pair = Scene(
			'red', place_thing('square', 'blue', 'small', 'left'), place_thing('star', 'white', 'small', 'right')
		)
		near = near_things([pair])

		assert near[0, 0, 8, 4] > 1
		assert near[0, 0, 8, 11] > 1
		assert near[0, 0, 8, 8] == 0

	def test_the_pool_is_made_once(self, words: Words, tmp_path: Path) -> None:
		vae, text = make_vae(), make_text_encoder(words.count)
		pool = make_pool(vae, text, words, singles=3, pairs=1, seed=0, path=tmp_path)
		torch.save(pool.latents + 1, tmp_path / 'latents.pt')
		again = make_pool(vae, text, words, singles=3, pairs=1, seed=0, path=tmp_path)

		assert pool.scenes == again.scenes
		assert [len(scene.things) for scene in pool.scenes[pool.singles :]] == [2]
		assert torch.equal(again.latents, pool.latents + 1)
		assert again.heard.shape == (8, 77, 128)


class TestCoder:
	def test_a_few_steps_bring_the_loss_down(self, tmp_path: Path) -> None:
		torch.manual_seed(0)
		plan = Plan(20, warm=5, decay_share=0.2)
		lesson = VaeLesson(plan, draw_pool(8, seed=0), half=False)
		run = start_run({'vae': make_vae()}, {'vae': 3e-3}, seed=0)
		before = lesson.loss(run).item()
		train_run(run, plan, lesson.loss, tmp_path / 'state.pt', stop=8)

		assert lesson.loss(run).item() < before

	def test_settled_latents_have_mean_zero_and_spread_one_and_decode_as_before(self) -> None:
		torch.manual_seed(0)
		vae = make_vae().eval()
		pool = draw_pool(8, seed=0)
		pictures = list(pool.numpy())
		before = np.stack(decode_latents(vae, encode_pictures(vae, pictures)))
		settle_vae(vae, pool)
		latents = encode_pictures(vae, pictures)

		torch.testing.assert_close(latents.mean((0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
		torch.testing.assert_close(latents.std((0, 2, 3)), torch.ones(4), atol=1e-3, rtol=0)
		after = np.stack(decode_latents(vae, latents))
		assert np.abs(after.astype(int) - before.astype(int)).max() <= 1

	def test_the_decoder_learns_while_the_latents_stay(self, tmp_path: Path) -> None:
		torch.manual_seed(0)
		vae = make_vae()
		freeze_encoder(vae)
		pool = draw_pool(8, seed=0)
		latents = encode_pictures(vae, list(pool.numpy()))
		lesson = DecoderLesson(pool, latents, half=False)
		run = start_run({'vae': vae}, {'vae': 3e-3}, seed=0)
		before = lesson.loss(run).item()
		train_run(run, Plan(20, warm=5, decay_share=0.2), lesson.loss, tmp_path / 'state.pt', stop=5)

		assert lesson.loss(run).item() < before
		assert torch.equal(encode_pictures(vae, list(pool.numpy())), latents)

	def test_drawn_and_coded_have_the_same_shape(self) -> None:
		latents = encode_pictures(make_vae(), [draw(Scene('red'), 64)])

		assert latents.shape == (1, 4, 8, 8)


class TestText:
	def test_a_few_steps_bring_the_loss_down(self, words: Words, tmp_path: Path) -> None:
		torch.manual_seed(0)
		run = start_run({'text': make_text_encoder(words.count)}, {'text': 1e-3}, seed=0)
		lesson = TextLesson(words)
		before = lesson.loss(run).item()
		train_run(run, Plan(100, warm=1), lesson.loss, tmp_path / 'state.pt', stop=4)

		assert lesson.loss(run).item() < before
		assert set(lesson.judge(run)) == {*ASPECT_WORDS, 'score'}

	def test_captions_of_one_meaning_have_one_code(self) -> None:
		told = {'back': 'white', 'color': 'red', 'shape': 'star', 'other shape': NOTHING}
		first, second, other = caption_codes(
			[
				Caption('a red star on a white background', told),
				Caption('white backdrop, star, red', told),
				Caption('a blue star on a white background', {**told, 'color': 'blue'}),
			]
		)

		assert torch.equal(first, second)
		assert torch.equal(first[::3], other[::3])  # the turns of the backdrop
		assert not torch.equal(first[1::3], other[1::3])  # those of the thing
		torch.testing.assert_close(first.std(1, correction=0), torch.full((77,), TEXT_GAIN), atol=0.01, rtol=0)
