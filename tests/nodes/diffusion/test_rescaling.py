"""Guidance beyond classifier-free guidance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from nodes.diffusion.altered import FreeU, without_self_attention
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.hooks import Look
from nodes.diffusion.rescaling import (
	AwayFrom,
	Differential,
	NoLonger,
	Rescaled,
	SameLength,
	WorseUnwanted,
	ZeroStar,
)
from nodes.diffusion.sample import sample
from nodes.diffusion.text.towers import Towers
from nodes.model_guidance import FreeUScales, PerturbedAttention
from nodes.values import Latent, ModelInputs
from tests.nodes.diffusion.gaussian import LEVELS

GENERATOR = torch.Generator().manual_seed(3)
X, WANTED, UNWANTED = (torch.randn(2, 4, 8, 8, generator=GENERATOR) for _ in range(3))


def no_more(model: Any, *, x: Tensor | None = None, positive: bool = True) -> Tensor:
	raise AssertionError('there is no need to look again')


def look(cfg: float = 5.0, sigma: float = 2.0, **changes: Any) -> Look:
	return replace(Look(X, torch.tensor(sigma), WANTED, UNWANTED, cfg, None, no_more), **changes)


def guided(cfg: float = 5.0) -> Tensor:
	return UNWANTED + (WANTED - UNWANTED) * cfg


class TestRescaled:
	def test_none_of_it_is_plain_guidance(self) -> None:
		"""Also by way of v."""
		assert torch.allclose(Rescaled(0.0)(look()), guided(), atol=1e-4)

	def test_all_of_it_has_the_spread_of_the_wanted_answer(self) -> None:
		"""As v: (x / (sigma² + 1) − guess) · √(sigma² + 1) / sigma."""
		clean = X / 5
		spread = (clean - Rescaled(1.0)(look())).std(dim=(1, 2, 3))

		assert torch.allclose(spread, (clean - WANTED).std(dim=(1, 2, 3)), rtol=1e-4)


class TestNoLonger:
	def test_each_place_is_cut_to_the_wanted_length(self) -> None:
		"""Directions stay, shorter ones stay as they are."""
		cut = NoLonger(1.0)(look(), guided())
		lengths, wanted, before = (value.norm(dim=1) for value in (cut, WANTED, guided()))

		assert torch.allclose(lengths, torch.minimum(wanted, before), rtol=1e-4)
		assert torch.allclose(NoLonger(2.0)(look(), guided()), cut * 2)


class TestSameLength:
	@pytest.mark.parametrize('cfg', [5.0, 0.6])
	def test_each_place_gets_the_length_of_the_wanted_answer(self, cfg: float) -> None:
		"""Whether it came out longer or shorter, in its direction. Answers are differences from the noisy latent."""
		answer, plain, wanted = X - SameLength(1.0)(look(cfg)), X - guided(cfg), X - WANTED
		lengths, before = (value.norm(dim=1, keepdim=True) for value in (wanted, plain))

		assert ((lengths > before) if cfg < 1 else (lengths < before)).any()
		assert torch.allclose(answer, plain / before * lengths, atol=1e-4)

	@pytest.mark.parametrize('part', [0.0, 0.3, 2.0])
	def test_a_part_lies_on_the_way_from_plain_guidance(self, part: float) -> None:
		"""Nothing of it is plain guidance; twice as much goes as far beyond."""
		plain, whole = guided(), SameLength(1.0)(look())

		assert torch.allclose(SameLength(part)(look()), plain + (whole - plain) * part, atol=1e-4)

	def test_a_place_where_nothing_came_out_stays(self) -> None:
		"""Both guesses are the noisy latent: there is no direction to stretch."""
		assert torch.equal(SameLength(1.0)(look(wanted=X, unwanted=X)), X)


class TestZeroStar:
	def test_the_unwanted_guess_is_scaled(self) -> None:
		"""αu + (w − αu) · cfg, with α by least squares, each latent for itself."""
		answers = [(X - guess).flatten(1) for guess in (WANTED, UNWANTED)]
		alpha = ((answers[0] * answers[1]).sum(1) / answers[1].square().sum(1)).reshape(2, 1, 1, 1)
		wanted = alpha * UNWANTED + (WANTED - alpha * UNWANTED) * 5

		assert torch.allclose(ZeroStar()(look(), guided()), wanted, atol=1e-4)


class TestDifferential:
	SIGMAS = LEVELS.sigmas[[999, 500, 0]]

	@pytest.mark.parametrize(('step', 'free'), [(999, [0.0, 0.0, 1.0]), (500, [0.0, 1.0, 1.0]), (0, [1.0, 1.0, 1.0])])
	def test_places_become_free_by_their_degree(self, step: int, free: list[float]) -> None:
		"""At half of the way, those of more than a half."""
		mask = torch.tensor([0.1, 0.6, 1.0]).reshape(1, 1, 1, 3)
		found = Differential()(mask, LEVELS.sigmas[step], self.SIGMAS, LEVELS)

		assert found.flatten().tolist() == free

	def test_less_strength_mixes_the_plain_mask_in(self) -> None:
		"""By that part."""
		mask = torch.tensor([0.1, 0.6]).reshape(1, 1, 1, 2)
		found = Differential(0.5)(mask, LEVELS.sigmas[500], self.SIGMAS, LEVELS)

		assert found.flatten().tolist() == pytest.approx([0.05, 0.8])


class TestWorseNetworks:
	def test_the_result_is_led_away_from_a_worse_guess(self, denoiser: Denoiser) -> None:
		"""guided + (wanted − worse) · scale, between two sigmas only."""
		seen: list[Any] = []

		def again(model: Any, *, x: Tensor | None = None, positive: bool = True) -> Tensor:
			seen.append((model.network is denoiser.network, positive))
			return torch.ones_like(X)

		here = look(model=denoiser, again=again)
		away = AwayFrom(without_self_attention, 3.0, high=5.0, low=1.0)

		assert torch.allclose(away(here, guided()), guided() + (WANTED - 1) * 3)
		assert torch.equal(away(replace(here, sigma=torch.tensor(9.0)), guided()), guided())
		assert torch.equal(WorseUnwanted(without_self_attention, 5.0, 1.0)(here).unwanted, torch.ones_like(X))
		assert seen == [(False, True), (False, False)]


class TestUNet:
	@pytest.mark.parametrize(
		'setting',
		[
			PerturbedAttention(3.0),
			FreeUScales((1.3, 1.4), (0.9, 0.2), True),
			FreeUScales((1.1, 1.2), (0.9, 0.2), False),
		],
	)
	def test_settings_change_what_is_made_and_leave_nothing_behind(
		self, setting: PerturbedAttention | FreeUScales, denoiser: Denoiser, text: Towers
	) -> None:
		"""Another picture, the same again, and without the setting the one from before, to the last bit."""

		def run(model: Denoiser) -> Tensor:
			return sample(
				model,
				seed=1,
				steps=2,
				cfg=2.0,
				sampler='euler',
				scheduler='normal',
				positive=text.encode('a red cat'),
				negative=text.encode(''),
				latent=Latent(torch.zeros(1, 4, 8, 8)),
			)

		plain = run(denoiser)
		changed: Denoiser = setting.apply(denoiser, lambda ref: ref)

		assert not torch.equal(run(changed), plain)
		assert torch.equal(run(changed), run(changed))
		assert torch.equal(run(denoiser), plain)

	def test_factors_of_one_change_nothing(self, denoiser: Denoiser) -> None:
		"""The split into backbone and skipped features is that of the network."""
		x, step = torch.randn(1, 4, 8, 8), torch.tensor([500])
		model = FreeUScales((1.0, 1.0), (1.0, 1.0), False).apply(denoiser, lambda ref: ref)
		inputs = ModelInputs(torch.randn(1, 77, 16))

		assert torch.allclose(model.network(x, step, inputs), denoiser.network(x, step, inputs), atol=1e-5)
		assert isinstance(model.network.attach, FreeU)

	def test_hooks_are_gone_after_a_failure(self, denoiser: Denoiser) -> None:
		"""The module is shared with others."""
		before = sum(len(module._forward_pre_hooks) for module in denoiser.network.module.modules())
		model = FreeUScales((1.5, 1.5), (0.5, 0.5), False).apply(denoiser, lambda ref: ref)
		with pytest.raises(RuntimeError):
			model.network(torch.zeros(1, 3, 8, 8), torch.tensor([1]), ModelInputs(torch.zeros(1, 77, 16)))

		assert sum(len(module._forward_pre_hooks) for module in denoiser.network.module.modules()) == before
