"""Guidance: sides, places, times and weights of prompts, on a model whose guesses are its prompts (gaussian.py)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import BadInput
from nodes.diffusion.guidance import Cfg, DualCfg, PerpNeg, Sides, TwoModels, perpendicular
from nodes.diffusion.hooks import NO_HOOKS, Hooks, Look
from nodes.diffusion.rescaling import OtherStrength
from nodes.diffusion.scopes import Box, prepare
from nodes.values import Area, Conditioning, ModelInputs, Prompt, Scope
from tests.nodes.diffusion.gaussian import GaussianModel, prompt

X = torch.zeros(2, 4, 32, 32)
SIGMA = torch.tensor(1e6)  # so noisy that the exact denoiser says the prompt's mean


def scoped(mean: float, **scope: Any) -> Prompt:
	"""A prompt for a mean, with a scope."""
	return Prompt(prompt(mean).embedding, scope=Scope(**scope))


def guess(model: GaussianModel, *positive: Prompt, negative: Prompt | None = None, cfg: float = 1.0) -> Tensor:
	"""One channel of the first latent's guess, [32, 32]."""
	sides = Sides(model, (Conditioning(positive), Conditioning((negative or prompt(0.0),))), X)
	return Cfg(sides, cfg)(X, SIGMA)[0, 0]


class TestCfg:
	def test_guidance_leads_away_from_the_negative_prompt(self) -> None:
		"""unwanted + (wanted − unwanted) · cfg, in one batch for both."""
		model = GaussianModel()

		assert float(guess(model, prompt(1.0), negative=prompt(0.5), cfg=4.0).mean()) == pytest.approx(0.5 + 0.5 * 4)
		assert model.batches == [4]

	def test_guidance_of_one_leaves_the_negative_prompt_out(self) -> None:
		"""Half the work for the same result."""
		model = GaussianModel()

		assert float(guess(model, prompt(1.0), negative=prompt(0.5)).mean()) == pytest.approx(1.0)
		assert model.batches == [2]

	def test_cfg_plus_plus_looks_at_both_sides_all_the_same(self) -> None:
		"""Apart: the guided guess and the negative side's, also with guidance of 1."""
		model = GaussianModel()
		sides = Sides(model, (Conditioning((prompt(1.0),)), Conditioning((prompt(0.5),))), X)
		guided, unguided = Cfg(sides, 1.0).apart(X, SIGMA)

		assert float(guided.mean()) == pytest.approx(1.0)
		assert float(unguided.mean()) == pytest.approx(0.5)

	def test_without_a_negative_side_its_guess_is_nothing(self) -> None:
		"""Zeros, as ComfyUI has it."""
		sides = Sides(GaussianModel(), (Conditioning((prompt(1.0),)),), X)
		guided, unguided = Cfg(sides, 1.0, negative=False).apart(X, SIGMA)

		assert float(guided.mean()) == pytest.approx(1.0)
		assert not unguided.any()


class TestBatches:
	def test_prompts_of_unlike_length_go_one_after_the_other(self) -> None:
		"""A long prompt and a short one cannot share a batch, and need not."""
		model = GaussianModel()
		found = guess(model, prompt(1.0, tokens=154), negative=prompt(0.5, tokens=77), cfg=4.0)

		assert float(found.mean()) == pytest.approx(2.5)
		assert model.batches == [2, 2]

	def test_prompts_of_one_length_share_a_batch_though_others_stand_between(self) -> None:
		"""Not only neighbours."""
		model = GaussianModel()
		guess(model, prompt(1.0), prompt(2.0, tokens=2), prompt(3.0))

		assert model.batches == [4, 2]

	def test_equal_prompts_are_looked_at_once(self) -> None:
		"""Also when they are equal by content only, and on both sides."""
		model = GaussianModel()

		assert float(guess(model, prompt(1.0), prompt(1.0), negative=prompt(1.0), cfg=3.0).mean()) == pytest.approx(1.0)
		assert model.batches == [2]

	def test_without_room_for_both_sides_they_go_one_after_the_other(self) -> None:
		"""What does not fit is tried once, then each prompt has its own pass for the rest of the run."""

		class Small(GaussianModel):
			def denoise(self, x: Tensor, sigma: Tensor, inputs: ModelInputs) -> Tensor:
				if len(x) > 2:
					self.batches.append(-len(x))
					raise torch.OutOfMemoryError('no room')
				return super().denoise(x, sigma, inputs)

		model = Small()
		guided = Cfg(Sides(model, (Conditioning((prompt(1.0),)), Conditioning((prompt(0.5),))), X), 4.0)

		assert [float(guided(X, SIGMA).mean()) for _ in range(2)] == pytest.approx([2.5, 2.5])
		assert model.batches == [-4, 2, 2, 2, 2]

	@pytest.mark.parametrize(
		('together', 'batches'), [(None, [8]), (4, [8]), (3, [4, 4]), (2, [4, 4]), (1, [2, 2, 2, 2]), (0, [2, 2, 2, 2])]
	)
	def test_as_few_passes_as_there_is_room_for(self, together: int | None, batches: list[int]) -> None:
		"""Four prompts for a batch of two latents; one is looked at however little room there is. The guess is the same."""
		model = GaussianModel()
		both = Conditioning((prompt(1.0), prompt(2.0), prompt(3.0))), Conditioning((prompt(0.5),))
		places = None if together is None else together * X[:, 0].numel()
		found = Cfg(Sides(model, both, X, places=places), 4.0)(X, SIGMA)

		assert model.batches == batches
		assert torch.allclose(found, Cfg(Sides(GaussianModel(), both, X), 4.0)(X, SIGMA))

	def test_small_areas_share_a_pass(self) -> None:
		"""It is the places of the latent that count, not the prompts."""
		model = GaussianModel()
		areas = [scoped(mean, area=Area(8, 8, 8, 8)) for mean in (1.0, 2.0, 3.0, 4.0)]
		sides = Sides(model, (Conditioning((prompt(1.0), prompt(2.0), *areas)),), X, places=X[:, 0].numel())
		Cfg(sides, 1.0, negative=False)(X, SIGMA)

		assert model.batches == [2, 2, 8]

	def test_when_memory_runs_out_half_as_many_are_tried(self) -> None:
		"""Down to what fits."""

		class Small(GaussianModel):
			def denoise(self, x: Tensor, sigma: Tensor, inputs: ModelInputs) -> Tensor:
				if len(x) > 4:
					self.batches.append(-len(x))
					raise torch.OutOfMemoryError('no room')
				return super().denoise(x, sigma, inputs)

		model = Small()
		sides = Sides(model, (Conditioning(tuple(map(prompt, (1.0, 2.0, 3.0, 4.0, 5.0)))),), X)
		guided = Cfg(sides, 1.0, negative=False)

		assert [float(guided(X, SIGMA).mean()) for _ in range(2)] == pytest.approx([3.0, 3.0])
		assert model.batches == [-10, 4, -6, 2, 4, 4, 2, 4, 4]


class TestWeights:
	def test_several_prompts_are_averaged(self) -> None:
		"""By their strengths."""
		assert float(guess(GaussianModel(), prompt(1.0), prompt(2.0)).mean()) == pytest.approx(1.5)
		assert float(guess(GaussianModel(), prompt(1.0), scoped(2.0, strength=3.0)).mean()) == pytest.approx(1.75)

	def test_the_strength_of_a_lone_prompt_changes_nothing(self) -> None:
		"""Weights are relative; none at all is nothing."""
		assert float(guess(GaussianModel(), scoped(2.0, strength=0.3)).mean()) == pytest.approx(2.0)
		assert not guess(GaussianModel(), scoped(2.0, strength=0.0)).any()

	def test_masks_weigh_each_place(self) -> None:
		"""They are brought to the latent's size, and multiplied by their strength."""
		mask = torch.zeros(1, 256, 256)
		mask[:, :, 128:] = 1
		found = guess(GaussianModel(), prompt(1.0), scoped(2.0, mask=mask, mask_strength=3.0))

		assert float(found[:, :15].mean()) == pytest.approx(1.0)
		assert float(found[:, 17:].mean()) == pytest.approx((1 + 3 * 2) / 4)

	def test_masks_of_a_batch_go_to_their_latents(self) -> None:
		"""The first has nothing of the second prompt."""
		mask = torch.stack([torch.zeros(32, 32), torch.ones(32, 32)])
		sides = Sides(GaussianModel(), (Conditioning((prompt(1.0), scoped(2.0, mask=mask))),), X)
		found = Cfg(sides, 1.0, negative=False)(X, SIGMA)

		assert float(found[0].mean()) == pytest.approx(1.0)
		assert float(found[1].mean()) == pytest.approx(1.5)

	def test_masks_that_do_not_go_into_the_batch_are_refused(self) -> None:
		"""Two masks are for two or four latents, not for three."""
		sides = (Conditioning((scoped(2.0, mask=torch.ones(2, 32, 32)),)),)

		assert prepare(GaussianModel(), sides, torch.zeros(4, 4, 32, 32))
		with pytest.raises(BadInput, match="'mask': expected as many masks as divide 3 latents, got 2"):
			prepare(GaussianModel(), sides, torch.zeros(3, 4, 32, 32))


class TestAreas:
	def test_only_the_area_is_looked_at(self) -> None:
		"""In a batch of its own size; outside there is only what else is asked for."""
		model = GaussianModel()
		found = guess(model, prompt(1.0), scoped(2.0, area=Area(8, 16, 8, 0)))

		assert float(found[:8].mean()) == pytest.approx(1.0)
		assert float(found[8:16, 16:].mean()) == pytest.approx(1.0)
		assert float(found[9:15, :10].mean()) > 1.3

	def test_edges_inside_the_picture_fade_out(self) -> None:
		"""Over 8 values, or a quarter of the side; edges of the picture do not."""
		found = guess(GaussianModel(), prompt(1.0), scoped(2.0, area=Area(32, 32, 0, 0)))
		half = guess(GaussianModel(), prompt(1.0), scoped(2.0, area=Area(32, 16, 0, 16)))
		weights = [1 / 4, 2 / 4, 3 / 4, 1.0, 1.0]

		assert float(found.std()) == pytest.approx(0.0, abs=1e-6)
		assert half[0, 16:21].tolist() == pytest.approx([(1 + 2 * weight) / (1 + weight) for weight in weights])
		assert float(half[0, 31]) == pytest.approx(1.5)

	def test_parts_of_the_sides_are_rounded_to_values(self) -> None:
		"""At least one."""
		sides = (Conditioning((scoped(1.0, area=Area(0.26, 0.001, 0.5, 0.1, relative=True)),)),)

		assert prepare(GaussianModel(), sides, X)[0][0].box == Box(8, 1, 16, 3)

	def test_areas_end_with_the_picture(self) -> None:
		"""What is outside is cut off."""
		sides = (Conditioning((scoped(1.0, area=Area(64, 64, 8, 16)),)),)

		assert prepare(GaussianModel(), sides, X)[0][0].box == Box(24, 16, 8, 16)

	@pytest.mark.parametrize(
		('area', 'name'),
		[
			(Area(8, 8, 0, 32), 'x'),
			(Area(8, 8, 40, 0), 'y'),
			(Area(0.5, 0.5, 0, 1.0, relative=True), 'x'),
			(Area(0.5, 0.5, 1.0, 0, relative=True), 'y'),
		],
	)
	def test_areas_outside_of_the_picture_are_refused(self, area: Area, name: str) -> None:
		"""Nothing of it would be left."""
		sides = (Conditioning((scoped(1.0, area=area),)),)
		with pytest.raises(BadInput, match=f"'{name}': expected an area that begins inside the latent, below 32"):
			prepare(GaussianModel(), sides, X)

	@pytest.mark.parametrize(('covered', 'box'), [((4, 20, 6, 8), Box(16, 8, 4, 6)), ((0, 0, 0, 0), Box(8, 8, 0, 0))])
	def test_a_mask_can_tell_the_area(self, covered: tuple[int, int, int, int], box: Box) -> None:
		"""What it covers, at least 8 by 8."""
		mask = torch.zeros(1, 32, 32)
		top, bottom, left, right = covered
		mask[:, top:bottom, left:right] = 1
		sides = (Conditioning((scoped(1.0, mask=mask, mask_bounds=True),)),)

		assert prepare(GaussianModel(), sides, X)[0][0].box == box

	def test_an_area_gets_its_like_on_the_other_side(self) -> None:
		"""With what is asked for there by the smallest area around it."""
		area, around = Area(8, 8, 8, 8), Area(16, 16, 4, 4)
		positive = Conditioning((prompt(1.0), scoped(2.0, area=area)))
		negative = Conditioning((prompt(3.0), scoped(4.0, area=around)))
		_, other = prepare(GaussianModel(), (positive, negative), X)

		assert [part.box for part in other] == [None, Box(16, 16, 4, 4), Box(8, 8, 8, 8)]
		assert other[2].inputs is other[1].inputs

	def test_the_same_area_is_not_doubled(self) -> None:
		"""It has its like already."""
		positive, negative = (
			Conditioning((scoped(2.0, area=Area(8, 8)),)),
			Conditioning((scoped(4.0, area=Area(8, 8)),)),
		)

		assert [len(side) for side in prepare(GaussianModel(), (positive, negative), X)] == [1, 1]


class TestTimes:
	@pytest.mark.parametrize(('percent', 'mean'), [(0.0, 1.0), (0.4, 1.0), (0.6, 2.0), (1.0, 2.0)])
	def test_prompts_count_in_their_part_of_the_way(self, percent: float, mean: float) -> None:
		"""The first until half of the way, the second from there."""
		model = GaussianModel()
		sides = Sides(model, (Conditioning((scoped(1.0, end=0.5), scoped(2.0, start=0.5))),), X)
		sigma = torch.tensor(model.parametrisation.at(percent))
		wanted = model.denoise(X, sigma.expand(2), model.inputs(prompt(mean), X))

		assert torch.allclose(Cfg(sides, 1.0, negative=False)(X, sigma), wanted)

	def test_where_no_prompt_counts_there_is_nothing(self) -> None:
		"""Not even a look."""
		model = GaussianModel()

		assert not guess(model, scoped(1.0, start=0.5)).any()
		assert model.batches == []


class TestOtherGuiders:
	SIDES = tuple(Conditioning((prompt(mean),)) for mean in (4.0, 2.0, 1.0))

	@pytest.mark.parametrize(
		('nested', 'mean'), [(False, 1 + (2 - 1) * 3 + (4 - 2) * 5), (True, 1 + (2 + 2 * 5 - 1) * 3)]
	)
	def test_two_stretches(self, nested: bool, mean: float) -> None:
		"""From negative to middle by 3, from middle to positive by 5."""
		guided = DualCfg(Sides(GaussianModel(), self.SIDES, X), 5.0, 3.0, nested)

		assert float(guided(X, SIGMA).mean()) == pytest.approx(mean, rel=1e-5)

	def test_stretches_of_one_are_not_looked_at(self) -> None:
		"""Only the positive side is left of both."""
		model = GaussianModel()

		assert float(DualCfg(Sides(model, self.SIDES, X), 1.0, 1.0, False)(X, SIGMA).mean()) == pytest.approx(4.0)
		assert model.batches == [2]

	def test_only_the_perpendicular_part_is_led_away_from(self) -> None:
		"""A negative prompt along the positive one does nothing, one at right angles does all."""
		positive, empty = torch.tensor([1.0, 0.0]), torch.zeros(2)

		assert perpendicular(positive, positive * 3, empty, 2.0, 1.0).tolist() == [2.0, 0.0]
		assert perpendicular(positive, torch.tensor([5.0, 1.0]), empty, 2.0, 0.5).tolist() == [2.0, -1.0]

	def test_perp_neg_looks_at_three_sides(self) -> None:
		"""The negative is along the positive here, so only guidance from the empty one is left."""
		guided = PerpNeg(Sides(GaussianModel(), self.SIDES, X), 2.0, 1.0)

		assert float(guided(X, SIGMA).mean()) == pytest.approx(1 + (4 - 1) * 2)


class TestTwoModels:
	@staticmethod
	def steered(cfg: float, hooks: Hooks = NO_HOOKS) -> tuple[TwoModels, GaussianModel, GaussianModel]:
		"""Towards 1 by one model, away from what another makes of ½."""
		model, other = GaussianModel(), GaussianModel()
		model.hooks = hooks
		sides = Conditioning((prompt(1.0),)), Conditioning((prompt(0.5),))
		return TwoModels(Sides(model, sides, X), Sides(other, sides, X), cfg), model, other

	def test_each_model_looks_at_its_side(self) -> None:
		"""Once, and guidance is as with one."""
		guided, model, other = self.steered(4.0)

		assert float(guided(X, SIGMA).mean()) == pytest.approx(0.5 + 0.5 * 4)
		assert (model.batches, other.batches) == ([2], [2])

	def test_guidance_of_one_leaves_the_other_out(self) -> None:
		"""Unless both guesses are asked for."""
		guided, _, other = self.steered(1.0)

		assert float(guided(X, SIGMA).mean()) == pytest.approx(1.0)
		assert other.batches == []
		assert float(guided.apart(X, SIGMA)[1].mean()) == pytest.approx(0.5)

	def test_hooks_of_the_first_model_may_want_both(self) -> None:
		"""As with one model."""
		guided, _, other = self.steered(1.0, Hooks(before=(OtherStrength(4.0, 1e9, 0.0),), both_sides=True))

		assert float(guided(X, SIGMA).mean()) == pytest.approx(2.5)
		assert other.batches == [2]


class TestOtherStrength:
	@pytest.mark.parametrize(('high', 'mean'), [(1e9, 2.5), (1e3, 1.5)])
	def test_it_counts_between_two_sigmas(self, high: float, mean: float) -> None:
		"""Elsewhere the sampler's own does."""
		model = GaussianModel()
		model.hooks = Hooks(before=(OtherStrength(4.0, high, 0.0),), both_sides=True)

		found = guess(model, prompt(1.0), negative=prompt(0.5), cfg=2.0)

		assert float(found.mean()) == pytest.approx(mean)

	def test_a_side_alone_is_not_guided(self) -> None:
		"""There is nothing to lead away from."""
		model = GaussianModel()
		model.hooks = Hooks(before=(OtherStrength(4.0, 1e9, 0.0),), both_sides=True)
		sides = Sides(model, (Conditioning((prompt(1.0),)),), X)

		assert float(Cfg(sides, 1.0, negative=False)(X, SIGMA).mean()) == pytest.approx(1.0)


class TestHooks:
	def test_hooks_change_guesses_before_and_after_and_in_between(self) -> None:
		"""In this order; each is told of what was guessed."""

		def before(look: Look) -> Look:
			return Look(look.x, look.sigma, look.wanted + 1, look.unwanted, look.cfg, look.model, look.again)

		def after(look: Look, guided: Tensor) -> Tensor:
			return guided * 10 + look.again(look.model, positive=False)

		model = GaussianModel()
		model.hooks = Hooks(combine=lambda look: look.wanted - look.unwanted).with_before(before).with_after(after)

		assert float(guess(model, prompt(3.0), negative=prompt(0.5), cfg=2.0).mean()) == pytest.approx(35.5)
