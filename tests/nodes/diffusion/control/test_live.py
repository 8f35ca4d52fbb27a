"""Control networks at work: hints are fitted, parts of the way and strengths count, residuals add up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import NodeUsage
from engine.models import FileDigest, Load, ModelRef
from nodes.diffusion.checkpoint import load_denoiser
from nodes.diffusion.control.hints import fitted, repeated
from nodes.diffusion.control.leasing import controlled, guider_controlled
from nodes.diffusion.control.live import Control, Controls, residuals
from nodes.diffusion.control.loading import load_control
from nodes.diffusion.control.residuals import Residuals, added
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.guidance import Cfg, Sides
from nodes.diffusion.scopes import prepare
from nodes.steering import CfgGuider
from nodes.values import Area, Conditioning, ControlNet, ControlUse, DiffusionModel, ModelInputs, Prompt, Scope
from tests import tiny
from tests.nodes.diffusion.control.conftest import controlnet, write
from tests.nodes.diffusion.patches.conftest import noise

REF = ModelRef[ControlNet](FileDigest('net'), 'controlnet')
X = noise(1, 4, 8, 8)
SIGMA = torch.tensor([2.0])


@pytest.fixture(scope='module')
def denoiser(tmp_path_factory: pytest.TempPathFactory) -> Denoiser:
	"""The tiny checkpoint's denoiser."""
	path = tmp_path_factory.mktemp('live') / 'tiny.safetensors'
	tiny.save_checkpoint(path)
	return load_denoiser(Load((path,), 'denoiser'))


@pytest.fixture(scope='module')
def net(tmp_path_factory: pytest.TempPathFactory) -> Any:
	"""A tiny ControlNet."""
	path = write(tmp_path_factory.mktemp('live') / 'net.safetensors', controlnet().state_dict())
	return load_control(Load((path,), 'controlnet'))


class Store:
	"""Leases one network, and counts the leases that are open."""

	def __init__(self, net: object) -> None:
		self.net = net
		self.leases = 0

	@contextmanager
	def use(self, ref: ModelRef[Any]) -> Iterator[Any]:
		self.leases += 1
		yield self.net
		self.leases -= 1


class Counting:
	"""A network that notes how large the batches are that it is asked for."""

	wants_latents = False
	wants_mask = False
	nbytes = 0

	def __init__(self, net: Any) -> None:
		self.net = net
		self.asked: list[int] = []

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs, hint: Tensor) -> Residuals:
		self.asked.append(len(x))
		said: Residuals = self.net(x, timestep, inputs, hint)
		return said


def steered(use: ControlUse, seed: int = 1) -> Conditioning:
	"""A prompt with one control."""
	return Conditioning((Prompt(noise(1, 7, tiny.WIDTH, seed=seed), controls=(use,)),))


def plain(seed: int = 2) -> Conditioning:
	return Conditioning((Prompt(noise(1, 7, tiny.WIDTH, seed=seed)),))


class TestHints:
	"""Pictures are brought to the latent's size."""

	def test_middle_is_kept(self) -> None:
		"""Of a picture that is too wide, the sides are cut off alike."""
		picture = torch.zeros(1, 4, 8, 3)
		picture[:, :, 2:6] = 1

		assert torch.equal(fitted(picture, 8, 8), torch.ones(1, 3, 8, 8))

	def test_half_a_pixel_is_rounded_as_for_pictures(self) -> None:
		"""(7 − 7 · 6/7) / 2 is a bit less than ½ in floating point, or exactly: nothing is cut off."""
		picture = torch.arange(7.0).reshape(1, 1, 7, 1)

		assert set(fitted(picture, 8, 48).flatten().tolist()) == {0, 1, 2, 3, 4, 5, 6}

	def test_nearest_pixels(self) -> None:
		"""No value is between those of the picture."""
		picture = torch.tensor([[0.0, 1.0], [1.0, 0.0]])[None, :, :, None]

		assert torch.equal(fitted(picture, 4, 4)[0, 0, 0], torch.tensor([0.0, 0.0, 1.0, 1.0]))

	@pytest.mark.parametrize(
		('hints', 'batch', 'prompts', 'wanted'),
		[(1, 4, 2, [0, 0, 0, 0]), (2, 4, 2, [0, 1, 0, 1]), (2, 6, 2, [0, 1, 0, 0, 1, 0]), (3, 4, 2, [0, 1, 0, 1])],
	)
	def test_several_hints_go_with_the_latents(self, hints: int, batch: int, prompts: int, wanted: list[int]) -> None:
		"""One per latent, for each prompt anew."""
		assert repeated(torch.arange(hints)[:, None], batch, prompts)[:, 0].tolist() == wanted


class TestDenoising:
	"""What a ControlNet does to a step."""

	def test_is_what_diffusers_makes_of_it(self, denoiser: Denoiser, net: Any) -> None:
		"""The UNet gets the residuals times the strength."""
		hint = noise(1, 64, 64, 3).abs().clamp(0, 1)
		use = ControlUse(REF, hint, strength=0.5)
		with controlled(Store(net), steered(use)) as (positive,):
			inputs = denoiser.inputs(positive.prompts[0], X)
			guess = denoiser.denoise(X, SIGMA, inputs)
		level = denoiser.parametrisation
		scaled, time = level.scaled(X, SIGMA), level.timestep(SIGMA)
		down, middle = net.module(
			scaled, time, inputs.embedding, hint.movedim(-1, 1), conditioning_scale=0.5, return_dict=False
		)
		said = denoiser.network.module(
			scaled,
			time,
			inputs.embedding,
			down_block_additional_residuals=down,
			mid_block_additional_residual=middle,
			return_dict=False,
		)[0]

		assert torch.allclose(guess, level.denoised(X, said, SIGMA), atol=1e-5)

	@pytest.mark.parametrize(('start', 'end', 'acts'), [(0.0, 1.0, True), (0.9, 1.0, False), (0.0, 0.1, False)])
	def test_part_of_the_way(self, start: float, end: float, acts: bool, denoiser: Denoiser, net: Any) -> None:
		"""Before its start and after its end it is silent."""
		control = Control(net, ControlUse(REF, torch.ones(1, 64, 64, 3), start=start, end=end))
		said = residuals(
			Controls((control,)),
			X,
			SIGMA,
			ModelInputs(noise(1, 7, 16)),
			denoiser.parametrisation,
			denoiser.latents,
			denoiser.network.module,
		)

		assert (said is not None) == acts

	def test_residuals_add_up(self, denoiser: Denoiser, net: Any) -> None:
		"""Two of half the strength are one."""
		whole = Control(net, ControlUse(REF, torch.ones(1, 64, 64, 3)))
		half = Control(net, ControlUse(REF, torch.ones(1, 64, 64, 3), strength=0.5))
		module = denoiser.network.module
		given = (X, SIGMA, ModelInputs(noise(1, 7, 16)), denoiser.parametrisation, denoiser.latents, module)
		one, two = residuals(Controls((whole,)), *given), residuals(Controls((half, half)), *given)

		assert one is not None
		assert two is not None
		assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(one.down, two.down, strict=True))

	def test_both_sides_share_a_batch(self, denoiser: Denoiser, net: Any) -> None:
		"""Guided by prompts with the same control, the network is asked once for both."""
		counting = Counting(net)
		use = ControlUse(REF, torch.ones(1, 64, 64, 3))
		with controlled(Store(counting), steered(use), steered(use, 2)) as (positive, negative):
			Cfg(Sides(denoiser, (positive, negative), X), 2.0)(X, SIGMA[0])

		assert counting.asked == [2]


class TestLeasing:
	"""Networks are leased while something is sampled."""

	def test_leases_end(self, net: Any) -> None:
		"""Each control once, and not after the block."""
		store, use = Store(net), ControlUse(REF, torch.ones(1, 8, 8, 3))
		with controlled(store, steered(use), steered(use)) as (positive, negative):
			during = store.leases

		assert during == 1
		assert store.leases == 0
		assert positive.prompts[0].live is negative.prompts[0].live is not None

	def test_everywhere(self, net: Any) -> None:
		"""A negative prompt without any control takes over one that is for all; others do not."""
		use = ControlUse(REF, torch.ones(1, 8, 8, 3), everywhere=True)
		with controlled(Store(net), steered(use), plain()) as (_, negative):
			taken = negative.prompts[0].live
			assert taken is not None
		with controlled(Store(net), steered(replace(use, everywhere=False)), plain()) as (_, negative):
			left = negative.prompts[0].live

		assert [control.use for control in taken.items] == [use]
		assert left is None

	def test_each_prompt_of_the_other_side_takes_over_one(self, net: Any) -> None:
		"""In order; prompts with an area neither give nor take, and controls on them keep none away."""
		one, two = (
			ControlUse(REF, torch.ones(1, 8, 8, 3), strength=strength, everywhere=True) for strength in (0.25, 0.5)
		)
		(free,), area = plain().prompts, Scope(area=Area(32, 32))
		first = Conditioning(
			(replace(free, controls=(one,), scope=area), replace(free, controls=(two,)), replace(free, controls=(one,)))
		)
		other = Conditioning((replace(free, controls=(two,), scope=area), free, free, free))
		with controlled(Store(net), first, other) as (_, negative):
			taken = [() if prompt.live is None else prompt.live.items for prompt in negative.prompts]

		assert [[control.use.strength for control in controls] for controls in taken] == [[0.5], [0.5], [0.25], []]

	def test_the_last_control_of_a_prompt_says_for_whom_all_are(self, net: Any) -> None:
		"""Those before it go with it, or stay with it."""
		everywhere = ControlUse(REF, torch.ones(1, 8, 8, 3), everywhere=True)
		here = replace(everywhere, everywhere=False)

		def taken(*uses: ControlUse) -> int:
			first = plain().each(lambda prompt: replace(prompt, controls=uses))
			with controlled(Store(net), first, plain()) as (_, negative):
				live = negative.prompts[0].live
				return 0 if live is None else len(live.items)

		assert taken(here, everywhere) == 2
		assert taken(everywhere, here) == 0

	def test_areas_keep_their_controls_on_the_other_side(self, denoiser: Denoiser, net: Any) -> None:
		"""Also where another control steers what is around them."""
		use = ControlUse(REF, torch.ones(1, 64, 64, 3))
		areas = steered(use).each(lambda prompt: replace(prompt, scope=Scope(area=Area(4, 4))))
		uncontrolled = plain().each(lambda prompt: replace(prompt, scope=Scope(area=Area(4, 4, 4, 4))))
		positive = Conditioning((*areas.prompts, *uncontrolled.prompts))
		with controlled(Store(net), positive, steered(replace(use, strength=0.5), 3)) as sides:
			wanted, unwanted = prepare(denoiser, sides, X)

		assert [part.box for part in unwanted[1:]] == [part.box for part in wanted]
		assert [part.inputs.controls for part in unwanted[1:]] == [part.inputs.controls for part in wanted]
		assert all(torch.equal(part.inputs.embedding, unwanted[0].inputs.embedding) for part in unwanted)

	def test_guiders_have_their_conditionings_opened(self, net: Any) -> None:
		"""Every side of it, and the rest stays as it is; one lease is enough for the same control."""
		store, use = Store(net), ControlUse(REF, torch.ones(1, 8, 8, 3))
		model = ModelRef[DiffusionModel](FileDigest('model'), 'denoiser')
		with guider_controlled(store, CfgGuider(model, steered(use), steered(use), 3.0)) as guider:
			during = store.leases

		assert isinstance(guider, CfgGuider)
		assert (during, store.leases) == (1, 0)
		assert (guider.model, guider.cfg) == (model, 3.0)
		assert guider.positive.prompts[0].live is guider.negative.prompts[0].live is not None

	def test_latents_need_a_vae(self, denoiser: Denoiser, net: Any) -> None:
		"""A network that takes latents says that it wants a VAE."""
		control = Control(replace(net, wants_latents=True), ControlUse(REF, torch.ones(1, 8, 8, 3)))

		with pytest.raises(NodeUsage, match='link a VAE'):
			control.hint(X, denoiser.latents)


def test_nothing_said_is_nothing_added() -> None:
	"""No residuals at all are None; what only one says stays."""
	one = Residuals(inner=(torch.ones(1),))

	assert added(()) is None
	assert added((one, Residuals(middle=torch.ones(2)))) is not None
