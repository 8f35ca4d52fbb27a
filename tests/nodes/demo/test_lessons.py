"""The three lessons on a handful of pictures: each learns, and the denoiser's goes on exactly where it was stopped."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from nodes.demo.dataset import training_scene
from nodes.demo.parts import decode_latents, encode_pictures, make_text_encoder, make_unet, make_vae
from nodes.demo.pictures import Scene, draw, place_thing
from nodes.demo.run import Plan, Run, resume_run, start_run, train_run
from nodes.demo.train_text import TextLesson, make_text_models
from nodes.demo.train_unet import UnetLesson, judge_models, make_pool, near_things
from nodes.demo.train_vae import VaeLesson, draw_pool, settle_vae
from nodes.demo.words import Words


@pytest.fixture(scope='module')
def words() -> Words:
	return Words()


def tiny_unet() -> UNet2DConditionModel:
	unet: UNet2DConditionModel = UNet2DConditionModel.from_config(make_unet().config, block_out_channels=(8, 8, 8))
	return unet


class TestDenoiser:
	PLAN = Plan(4, warm=1)

	def run(self, words: Words) -> Run:
		torch.manual_seed(0)
		models = {'unet': tiny_unet(), 'text': make_text_encoder(words.count)}
		return start_run(models, {'unet': 1e-3, 'text': 1e-4}, seed=1)

	def lesson(self, words: Words) -> UnetLesson:
		random = np.random.default_rng(0)
		scenes = [training_scene(random) for _ in range(6)]
		latents = torch.randn(6, 4, 16, 16, generator=torch.Generator().manual_seed(0))
		return UnetLesson(scenes, latents, words, batch=2, half=False)

	def test_two_steps_and_two_more_are_four_steps(self, words: Words, tmp_path: Path) -> None:
		lesson = self.lesson(words)
		whole, resumed = self.run(words), self.run(words)
		train_run(whole, self.PLAN, lesson.loss, tmp_path / 'whole.pt')
		train_run(self.run(words), self.PLAN, lesson.loss, tmp_path / 'parts.pt', stop=2)
		resume_run(resumed, tmp_path / 'parts.pt')
		train_run(resumed, self.PLAN, lesson.loss, tmp_path / 'parts.pt')

		for name, value in whole.average.state_dict().items():
			torch.testing.assert_close(value, resumed.average.state_dict()[name], msg=name)

	def test_a_frozen_text_encoder_is_heard_as_before_and_learns_no_more(self, words: Words, tmp_path: Path) -> None:
		run, lesson = self.run(words), self.lesson(words)
		text = {name: value.clone() for name, value in run.models['text'].state_dict().items()}
		lesson.freeze_text(run)
		train_run(run, self.PLAN, lesson.loss, tmp_path / 'state.pt', stop=2)

		assert lesson.heard is not None
		assert lesson.heard.shape == (24, 77, 96)
		assert lesson.hear(run, np.array([0, 5])).shape == (2, 77, 96)
		for name, value in run.models['text'].state_dict().items():
			assert torch.equal(value, text[name])

	def test_is_judged_on_pictures_it_samples(self, words: Words) -> None:
		verdict = judge_models(self.run(words).average, make_vae(), words, count=2, steps=2)

		assert set(verdict) == {'back', 'color', 'shape', 'place', 'size', 'score'}
		assert 0 <= verdict['score'] <= 1

	def test_cells_of_the_thing_weigh_more(self) -> None:
		near = near_things([Scene('red'), Scene('red', place_thing('square', 'blue', 'medium', 'left'))])

		assert near.shape == (2, 1, 16, 16)
		assert near[0].sum() == 0
		assert near[1, 0, 8, 4] == pytest.approx(1, abs=0.3)
		assert near[1, 0, 8, 12] == 0

	def test_the_pool_is_made_once(self, tmp_path: Path) -> None:
		vae = make_vae()
		scenes, latents = make_pool(vae, 3, seed=0, path=tmp_path / 'pool.pt')
		torch.save(latents + 1, tmp_path / 'pool.pt')
		again, known = make_pool(vae, 3, seed=0, path=tmp_path / 'pool.pt')

		assert scenes == again
		assert torch.equal(known, latents + 1)


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

	def test_drawn_and_coded_have_the_same_shape(self) -> None:
		latents = encode_pictures(make_vae(), [draw(Scene('red'), 64)])

		assert latents.shape == (1, 4, 8, 8)


class TestText:
	def test_a_few_steps_bring_the_loss_down(self, words: Words, tmp_path: Path) -> None:
		torch.manual_seed(0)
		models = make_text_models(words.count)
		run = start_run(models, dict.fromkeys(models, 1e-3), seed=0)
		lesson = TextLesson(words)
		before = lesson.loss(run).item()
		train_run(run, Plan(100, warm=1), lesson.loss, tmp_path / 'state.pt', stop=6)

		assert lesson.loss(run).item() < before
		assert set(lesson.judge(run)) == {'back', 'color', 'shape', 'size', 'place', 'score'}
